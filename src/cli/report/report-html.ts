import { isConsistent, problemsOf } from "../bench/bench-report.js";
import type { ExperimentReport } from "../bench/bench-report.js";
import {
  comparedRows,
  comparisonTexts,
  conditionPairs,
  experimentCells,
  experimentHeads,
  experimentVerdict,
  LOAD_HEADS,
  loadCells,
  meanOf,
  partitionTexts,
  readWriteRatio,
  ROW_HEADS,
  rowCells,
  sweepTexts,
} from "../bench/figures.js";
import { spreadOf } from "../bench/spread.js";
import { PUBLISHED_NOTE } from "../bench/table1.js";
import { msText, ratioText, wholeText } from "../bench/units.js";
import { Markup, markup } from "./markup.js";
import type { NamedRun } from "./named-run.js";
import { CHART_SECTIONS } from "./report-charts.js";
import type { ChartSection, ReportChart } from "./report-charts.js";
import { REPORT_STYLE } from "./report-style.js";
import { seriesFiles } from "./series-csv.js";

/** The runs as one HTML file that needs nothing else: no network, no script. */
export function reportHtml(runs: readonly NamedRun[], charts: readonly ReportChart[]): string {
  const isOne = runs.length === 1;
  const dates = runs.map(({ report }) => report.startedAt).join(" and ");
  const title = isOne ? "A Byzantine fault-tolerant ledger, measured" : "Runs side by side";
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>pbft-ledger: measured ${dates}</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${runs.map((run) => headOf(run))}
${isOne ? runs.map((run) => tilesOf(run)) : []}
${resultsSection(runs)}
${CHART_SECTIONS.map((section) => chartSection(section, charts, runs))}
${runs.flatMap((run) => run.report.experiments.map((each) => experimentSection(run, each)))}
${conditionsSection(runs)}
${isOne ? runs.map((run) => filesSection(run, charts)) : []}
</main>
</body>
</html>
`.text;
}

function headOf({ name, report }: NamedRun): Markup {
  const isGood = isConsistent(report);
  const verdict = isGood
    ? "After every step all replicas' databases were identical."
    : "The replicas' databases did not agree after every step.";
  const { machine, commit, cluster } = report.conditions;
  const which = name === "" ? "" : `Run ${name}: `;
  const problems = problemsOf(report);
  return markup`<p class="quiet">${which}${report.startedAt.slice(0, 16).replace("T", " ")} UTC on
${machine.cpuCount} × ${machine.cpuModel}, commit ${commit ?? "unknown"}. Network:
${cluster.network}.</p>
<p class="verdict ${isGood ? "good" : "bad"}">${verdict}</p>
${problems.map((problem) => markup`<p class="problem">${problem}</p>`)}`;
}

/** The figures that a reader takes home. */
function tilesOf({ report }: NamedRun): Markup {
  const [reads, mixed] = comparedRows(report.rows) ?? [];
  const ratio = readWriteRatio(report.rows);
  const baseline = report.baselines.find(({ kind }) => kind === "read-write");
  const catchUps = report.rows
    .flatMap(({ passes }) => passes.flatMap(({ partitions }) => partitions))
    .flatMap(({ catchUpMs }) => catchUpMs ?? []);
  const cost = mixed === undefined || baseline === undefined ? null : meanOf(mixed);
  const tiles: (readonly [value: string, meaning: string] | null)[] = [
    reads === undefined ? null : [`${msText(meanOf(reads))} ms`, "a read, mean"],
    mixed === undefined ? null : [`${msText(meanOf(mixed))} ms`, "half reads, half writes, mean"],
    ratio === null ? null : [ratioText(ratio), "read-write to read-only"],
    cost === null || baseline === undefined
      ? null
      : [ratioText(cost / baseline.latency.meanMs), "half and half, to one copy without agreement"],
    catchUps.length === 0
      ? null
      : [
          `${wholeText(spreadOf(catchUps).median)} ms`,
          `until a healed replica had caught up, median of ${catchUps.length}`,
        ],
  ];
  const shown = tiles.filter((tile) => tile !== null);
  if (shown.length === 0) return markup``;
  return markup`<ul class="tiles">
${shown.map(([value, meaning]) => markup`<li><b>${value}</b><span>${meaning}</span></li>`)}
</ul>`;
}

function resultsSection(runs: readonly NamedRun[]): Markup {
  const rows = runs.flatMap((run) => run.report.rows.map((row) => ({ run, row })));
  if (rows.length === 0) return markup``;
  const isOne = runs.length === 1;
  const heads = isOne ? ROW_HEADS : ["run", ...ROW_HEADS];
  const cells = rows.map(({ run, row }) => [...(isOne ? [] : [run.name]), ...rowCells(row)]);
  const warmUps = [...new Set(rows.map(({ row }) => row.warmUpCount.toString()))].join(" or ");
  const sentences = runs.flatMap(({ name, report }) =>
    [...report.rows.flatMap(partitionTexts), ...comparisonTexts(report)].map((sentence) =>
      name === "" ? sentence : `${name}: ${sentence}`,
    ),
  );
  return markup`<section>
<h2>The table</h2>
${tableMarkup(heads, cells)}
<p class="quiet">Latencies in milliseconds, as the client sees them. Of several passes the median,
and below it the range. The ${warmUps} operations that warm the cluster up before a pass are not in
its figures.</p>
${sentences.map((sentence) => markup`<p>${sentence}</p>`)}
<p class="quiet">${PUBLISHED_NOTE}</p>
</section>`;
}

function chartSection(
  section: ChartSection,
  charts: readonly ReportChart[],
  runs: readonly NamedRun[],
): Markup {
  const shown = charts.filter((chart) => chart.section === section);
  if (shown.length === 0) return markup``;
  const isOne = runs.length === 1 && shown.length === 1;
  return markup`<section>
<h2>${section}</h2>
${shown.map(({ title, caption, svg }) => {
  const heading = isOne ? markup`` : markup`<h3>${title}</h3>`;
  // The drawing escapes what it writes: see draw.ts.
  const drawing = new Markup(svg);
  return markup`${heading}<figure>${drawing}<figcaption>${caption}</figcaption></figure>`;
})}
${section === "Latency against throughput" ? loadsOf(runs) : markup``}
</section>`;
}

/** The points of the throughput-latency curve as figures, and how they were measured. */
function loadsOf(runs: readonly NamedRun[]): Markup {
  const isOne = runs.length === 1;
  const cells = runs.flatMap(({ name, report }) =>
    report.throughput.flatMap(loadCells).map((each) => (isOne ? each : [name, ...each])),
  );
  const sentences = new Set(runs.flatMap(({ report }) => sweepTexts(report)));
  return markup`${tableMarkup(isOne ? LOAD_HEADS : ["run", ...LOAD_HEADS], cells)}
${[...sentences].map((sentence) => markup`<p class="quiet">${sentence}</p>`)}`;
}

function experimentSection({ name }: NamedRun, experiment: ExperimentReport): Markup {
  const which = name === "" ? "" : `Run ${name}, `;
  return markup`<section>
<h2>${which}${experiment.title}</h2>
<p><code>${experiment.commands}</code></p>
${tableMarkup(experimentHeads(experiment), experimentCells(experiment))}
<p>${experimentVerdict(experiment)}</p>
</section>`;
}

/** One run's conditions as a list; several as a table that shows where they differ. */
function conditionsSection(runs: readonly NamedRun[]): Markup {
  const [first, ...others] = runs.map(({ report }) => conditionPairs(report.conditions));
  if (first === undefined) return markup``;
  if (others.length === 0) {
    return markup`<section>
<h2>Conditions</h2>
<dl>
${first.map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>`)}
</dl>
</section>`;
  }
  const lines = first.map(([name, value], index) => {
    const values = [value, ...others.map((pairs) => pairs[index]?.[1] ?? "")];
    const style = new Set(values).size > 1 ? "differs" : "";
    return markup`<tr class="${style}"><th scope="row">${name}</th>
${values.map((each) => markup`<td>${each}</td>`)}</tr>`;
  });
  return markup`<section>
<h2>Conditions</h2>
<p class="quiet">What differs stands out.</p>
<div class="wide"><table>
<thead><tr><th></th>${runs.map(({ name }) => markup`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${lines}</tbody>
</table></div>
</section>`;
}

function filesSection({ report }: NamedRun, charts: readonly ReportChart[]): Markup {
  const names = [
    "run.json",
    ...[...report.rows, ...report.baselines].map(({ percentileFile }) => percentileFile),
    ...seriesFiles(report).map(({ file }) => file),
    ...charts.map(({ name }) => `${name}.svg`),
  ];
  return markup`<section>
<h2>Files beside this one</h2>
<p class="quiet">Everything in run.json; distributions for any HdrHistogram tool (.hgrm); each
series as CSV; each chart as SVG.</p>
<ul class="files">
${names.map((name) => markup`<li><code>${name}</code></li>`)}
</ul>
</section>`;
}

function tableMarkup(heads: readonly string[], rows: readonly (readonly string[])[]): Markup {
  const isNumber = heads.map((_, column) => rows.every((row) => isFigure(row[column] ?? "")));
  const styleOf = (column: number): string => (isNumber[column] === true ? "number" : "");
  return markup`<div class="wide"><table>
<thead><tr>${heads.map((head, column) => {
    return markup`<th scope="col" class="${styleOf(column)}">${head}</th>`;
  })}</tr></thead>
<tbody>
${rows.map((cells) => {
  return markup`<tr>${cells.map((cell, column) => cellMarkup(cell, styleOf(column)))}</tr>`;
})}
</tbody>
</table></div>`;
}

function isFigure(cell: string): boolean {
  return /^[\d.,–\n]*$/.test(cell);
}

/** A range stands below its median. */
function cellMarkup(cell: string, style: string): Markup {
  const [value = "", range] = cell.split("\n");
  const below = range === undefined ? markup`` : markup`<span class="range">${range}</span>`;
  return markup`<td class="${style}">${value}${below}</td>`;
}
