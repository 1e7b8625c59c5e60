import { isConsistent, problemsOf } from "./bench-report.js";
import type { BenchReport, ExperimentReport } from "./bench-report.js";
import {
  ROW_HEADS,
  conditionPairs,
  experimentCells,
  experimentHeads,
  experimentVerdict,
  partitionTexts,
  rowCells,
  rowLabel,
} from "./figures.js";
import { markup } from "./markup.js";
import type { Markup } from "./markup.js";
import { percentileChart } from "./percentile-chart.js";
import { REPORT_STYLE } from "./report-style.js";
import { PUBLISHED_NOTE } from "./table1.js";

/** The run as one HTML file that needs nothing else: no network, no script. */
export function reportHtml(report: BenchReport): string {
  const problems = problemsOf(report);
  const conditions = conditionPairs(report.conditions);
  const verdict = isConsistent(report)
    ? "After every step all replicas' databases were identical."
    : "The replicas' databases did not agree after every step.";
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>pbft-ledger: measured ${report.startedAt}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<main>
<h1>A Byzantine fault-tolerant ledger, measured</h1>
<p>${report.startedAt}. ${verdict}</p>
${problems.map((problem) => markup`<p class="problem">${problem}</p>`)}
${report.experiments.map((experiment) => experimentSection(experiment))}
${rowsSection(report)}
<section>
<h2>Conditions</h2>
<dl>
${conditions.map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>`)}
</dl>
</section>
</main>
</body>
</html>
`.text;
}

function experimentSection(experiment: ExperimentReport): Markup {
  return markup`<section>
<h2>${experiment.title}</h2>
<p><code>${experiment.commands}</code></p>
${tableMarkup(experimentHeads(experiment), experimentCells(experiment))}
<p>${experimentVerdict(experiment)}</p>
</section>`;
}

function rowsSection({ rows }: BenchReport): Markup {
  const series = rows.map((row) => ({ label: rowLabel(row), points: row.curve }));
  const warmUps = [...new Set(rows.map((row) => row.warmUpCount.toString()))].join(" or ");
  const files = rows.map(
    (row) => markup`<li><code>${row.percentileFile}</code>: ${rowLabel(row)}</li>`,
  );
  if (rows.length === 0) return markup``;
  return markup`<section>
<h2>Read-only against read-write</h2>
${tableMarkup(
  ROW_HEADS,
  rows.map((row) => rowCells(row)),
)}
<p>Latency in milliseconds, as the client sees it. The ${warmUps} operations that warm the cluster
up before a row are not in its figures.</p>
${rows.flatMap(partitionTexts).map((sentence) => markup`<p>${sentence}</p>`)}
<p>${PUBLISHED_NOTE}</p>
<h2>Latency by percentile</h2>
<figure>${percentileChart(series)}</figure>
<p>The distributions in full, beside this file, for any HdrHistogram tool:</p>
<ul>
${files}
</ul>
</section>`;
}

function tableMarkup(heads: readonly string[], rows: readonly (readonly string[])[]): Markup {
  return markup`<div class="wide"><table>
<thead><tr>${heads.map((head) => markup`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>
${rows.map((cells) => markup`<tr>${cells.map((cell) => cellMarkup(cell))}</tr>`)}
</tbody>
</table></div>`;
}

function cellMarkup(cell: string): Markup {
  return /^[\d.,]+$/.test(cell)
    ? markup`<td class="number">${cell}</td>`
    : markup`<td>${cell}</td>`;
}
