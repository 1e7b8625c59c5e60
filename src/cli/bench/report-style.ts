import { Markup } from "./markup.js";

/**
 * The report's stylesheet: legible in light and dark and on paper. The series' colours are those of
 * Okabe and Ito, which colour-blind readers can tell apart; dashes help where there is no colour.
 */
export const REPORT_STYLE = new Markup(`
:root { color-scheme: light dark; --text: #1b1b1b; --paper: #ffffff; --faint: #d6d6d6;
  --soft: #f4f4f4; --problem: #b00020; --series-3: #9a7500; }
@media (prefers-color-scheme: dark) { :root { --text: #e8e8e8; --paper: #16181b; --faint: #3c4046;
  --soft: #202327; --problem: #ff8a80; --series-3: #e69f00; } }
@media print { :root { --text: #000000; --paper: #ffffff; --faint: #bbbbbb; --soft: #ffffff;
  --problem: #b00020; --series-3: #9a7500; } section { break-inside: avoid; } }
body { margin: 0; background: var(--paper); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9rem; }
th, td { border-bottom: 1px solid var(--faint); padding: 0.3rem 0.7rem; text-align: left; }
th { background: var(--soft); } td.number { text-align: right; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1.2rem; }
dt { font-weight: 600; } dd { margin: 0; }
figure { margin: 0; } svg { width: 100%; height: auto; }
svg text { fill: var(--text); font: 13px system-ui, sans-serif; }
svg .middle { text-anchor: middle; } svg .end { text-anchor: end; }
.grid { stroke: var(--faint); stroke-width: 1; }
.series { fill: none; stroke-width: 2.2; }
.series-0 { stroke: #0072b2; } .series-1 { stroke: #d55e00; stroke-dasharray: 9 4; }
.series-2 { stroke: #009e73; stroke-dasharray: 3 3; }
.series-3 { stroke: var(--series-3); stroke-dasharray: 12 3 3 3; }
.series-4 { stroke: #cc79a7; } .series-5 { stroke: #56b4e9; stroke-dasharray: 6 3; }
.problem { color: var(--problem); font-weight: 600; }
`);
