import { Markup } from "./markup.js";

/*
 * Colours are Okabe and Ito's, which colour-blind readers can tell apart, darkened or lightened
 * until each has a contrast of 4.5 or more with the page behind it.
 */

const LIGHT = `
  --paper: #ffffff; --text: #1b1f24; --quiet: #57606a; --faint: #d8dee4; --panel: #f6f8fa;
  --good: #0a6b4b; --bad: #b3261e;
  --series-0: #0064a0; --series-1: #b84e00; --series-2: #00734f; --series-3: #8546a3;
  --series-4: #7a6000; --series-5: #4a5568; --series-6: #a8326e; --series-7: #00707a;
  --cut: #b3261e; --catch: #9a6700;`;

const DARK = `
  --paper: #12161b; --text: #e6e9ec; --quiet: #9da7b1; --faint: #333b44; --panel: #1a2027;
  --good: #4cc38a; --bad: #ff8a80;
  --series-0: #62b6f5; --series-1: #ff9e5e; --series-2: #3ccb9b; --series-3: #cf9df0;
  --series-4: #e3bf4d; --series-5: #b6c2cf; --series-6: #f78fbe; --series-7: #4fc8d4;
  --cut: #ff8a80; --catch: #e3bf4d;`;

/** The colours by name, for light pages, dark pages and paper. */
const PALETTE_STYLE = `
:root { color-scheme: light dark; ${LIGHT} }
@media screen and (prefers-color-scheme: dark) { :root { ${DARK} } }
`;

/** What a chart needs to look right as a file of its own; in a page it repeats what holds. */
export const CHART_STYLE = `
svg:root { ${LIGHT} background: var(--paper); color: var(--text); }
@media screen and (prefers-color-scheme: dark) { svg:root { ${DARK} } }
`;

/** How the report looks on a screen, light or dark, and in print. */
export const REPORT_STYLE = new Markup(`${PALETTE_STYLE}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; margin: 3rem 0 .3rem; padding-top: 1.2rem;
  border-top: 1px solid var(--faint); }
h3 { font-size: 1rem; margin: 1.8rem 0 .3rem; }
p { margin: .5rem 0; max-width: 46rem; }
.quiet, figcaption { color: var(--quiet); font-size: .9rem; }
code { font: .9em ui-monospace, "Liberation Mono", monospace; }
.verdict { font-weight: 600; } .verdict.good { color: var(--good); }
.verdict.bad, .problem { color: var(--bad); font-weight: 600; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11.5rem, 1fr));
  gap: .8rem; margin: 1.5rem 0 0; padding: 0; list-style: none; }
.tiles li { background: var(--panel); border: 1px solid var(--faint); border-radius: .5rem;
  padding: .8rem 1rem; }
.tiles b { display: block; font-size: 1.55rem; line-height: 1.25; font-weight: 650;
  font-variant-numeric: tabular-nums; }
.tiles span { color: var(--quiet); font-size: .85rem; line-height: 1.35; display: block; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem;
  width: 100%; }
th { text-align: left; font-weight: 600; color: var(--quiet); font-size: .82rem;
  vertical-align: bottom; white-space: pre-line; line-height: 1.3; }
th, td { padding: .45rem .5rem; border-bottom: 1px solid var(--faint); }
th:first-child, td:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
td, tbody th { vertical-align: top; }
.number { text-align: right; } td.number { white-space: nowrap; }
.range { display: block; color: var(--quiet); font-size: .78rem; }
figure { margin: 1rem 0; }
figure svg { width: 100%; max-width: 100%; height: auto; display: block; }
figcaption { margin-top: .2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.5rem; margin: 1rem 0; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
.differs { font-weight: 600; }
ul.files { columns: 2 20rem; font-size: .9rem; padding-left: 1.1rem; }
@media (max-width: 40rem) { main { padding: 1.5rem 1rem 3rem; } h1 { font-size: 1.5rem; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
@media print { @page { margin: 14mm; } html { font-size: 9.5pt; } body { font-size: 1rem; }
  main { padding: 0; max-width: none; } p { max-width: none; }
  .wide { overflow: visible; } table { font-size: .78rem; } th { font-size: .7rem; }
  th, td { padding: .3rem .25rem; } .range { font-size: .68rem; }
  .tiles { grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); }
  .tiles b { font-size: 1.3rem; }
  figure, .tiles, table, tr { break-inside: avoid; } h2, h3 { break-after: avoid; }
  h2 { margin-top: 1.5rem; } }
`);
