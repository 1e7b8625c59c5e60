import { comparedRows, rowLabel } from "../bench/figures.js";
import type { LatencySummary } from "../bench/latency-histogram.js";
import type { RowReport } from "../bench/row-report.js";
import { histogramChart, percentileChart } from "./distribution-charts.js";
import { comparisonChart, throughputChart, timelineChart } from "./load-charts.js";
import type { Comparison } from "./load-charts.js";
import { seriesName } from "./named-run.js";
import type { NamedRun } from "./named-run.js";

/** One chart of a report. */
export interface ReportChart {
  /** Its file is called so, with ".svg". */
  readonly name: string;
  readonly section: ChartSection;
  readonly title: string;
  /** What one has to know to read it. */
  readonly caption: string;
  readonly svg: string;
}

/** The parts of a report that hold charts, in order. */
export const CHART_SECTIONS = [
  "Latency by percentile",
  "How latencies are spread",
  "Throughput over time",
  "Latency against throughput",
  "Reads against writes",
  "What replication costs",
] as const;

/** One of them. */
export type ChartSection = (typeof CHART_SECTIONS)[number];

/** Every chart that the figures of `runs` allow; of several runs, each chart compares them. */
export function chartsOf(runs: readonly NamedRun[]): ReportChart[] {
  return [
    ...(runs.length === 1 ? percentilesOfOne(runs) : percentilesOfSeveral(runs)),
    ...runs.flatMap(histogramOf),
    ...runs.flatMap(timelinesOf),
    ...throughputOf(runs),
    ...runs.flatMap(readWriteOf),
    ...runs.flatMap(baselinesOf),
  ];
}

const PERCENTILE_CAPTION =
  "HdrHistogram's percentile axis: each further nine takes the same room. The latency axis is " +
  "logarithmic too. All passes together, as the client sees them.";

function percentilesOfOne(runs: readonly NamedRun[]): ReportChart[] {
  const rows = runs.flatMap(({ report }) => report.rows);
  if (rows.length === 0) return [];
  const series = rows.map((row) => ({ label: rowLabel(row), curve: row.curve }));
  const name = "percentiles";
  const svg = percentileChart(series);
  return [{ ...percentiles(name, "Every row of the table"), svg }];
}

/** One chart for each row that the runs have, with a line for each run that has it. */
function percentilesOfSeveral(runs: readonly NamedRun[]): ReportChart[] {
  const labels = new Set(runs.flatMap(({ report }) => report.rows.map(rowKey)));
  return [...labels].map((key, index) => {
    const series = runs.flatMap((run) => {
      const row = run.report.rows.find((each) => rowKey(each) === key);
      return row === undefined ? [] : [{ label: seriesName(run, "") || key, curve: row.curve }];
    });
    return { ...percentiles(`percentiles-${index + 1}`, key), svg: percentileChart(series) };
  });
}

function percentiles(name: string, title: string) {
  return { name, section: "Latency by percentile", title, caption: PERCENTILE_CAPTION } as const;
}

/** What makes rows of different runs the same row. */
function rowKey(row: RowReport): string {
  const count = row.passes[0]?.partitions.length ?? 0;
  const partitions = count === 0 ? "" : `, ${count} ${count === 1 ? "partition" : "partitions"}`;
  return `${rowLabel(row)}${partitions}`;
}

function histogramOf(run: NamedRun): ReportChart[] {
  const series = run.report.rows.map((row) => ({ ...row, label: rowLabel(row) }));
  if (series.length === 0) return [];
  return [
    {
      name: fileStem(run, "histogram"),
      section: "How latencies are spread",
      title: seriesName(run, "Every row of the table"),
      caption: "Columns are equally wide on the logarithmic axis, 20 for each tenfold.",
      svg: histogramChart(series),
    },
  ];
}

function timelinesOf(run: NamedRun): ReportChart[] {
  return run.report.rows.map((row, index) => ({
    name: fileStem(run, `throughput-over-time-${index + 1}`),
    section: "Throughput over time",
    title: seriesName(run, rowKey(row)),
    caption: timelineCaption(row),
    svg: timelineChart(row.passes),
  }));
}

function timelineCaption({ passes }: RowReport): string {
  const isDisturbed = passes.some(({ partitions }) => partitions.length > 0);
  if (!isDisturbed) return "No replica was cut off.";
  return (
    "Shaded: a replica is cut off; darker: it is healed and catches up. Dashed: the first answer " +
    "from a new view, that is, the end of a view change."
  );
}

/** Of one run everything in one chart; of several, a chart for each kind of work. */
function throughputOf(runs: readonly NamedRun[]): ReportChart[] {
  const all = runs.flatMap((run) =>
    run.report.throughput.map(({ label, points }) => ({ run, label, points })),
  );
  const kinds = [...new Set(all.map(({ label }) => label))];
  const groups = runs.length > 1 ? kinds.map((kind) => [kind]) : [kinds];
  return groups.flatMap((group, index) => {
    const series = all
      .filter(({ label }) => group.includes(label))
      .map(({ run, label, points }) => ({ label: seriesName(run, label), points }));
    if (series.length === 0) return [];
    return [
      {
        name: runs.length > 1 ? `throughput-latency-${index + 1}` : "throughput-latency",
        section: "Latency against throughput",
        title: runs.length > 1 ? group.join() : "As the load grows",
        caption:
          "Each point is one load; the number at it is how many operations were in flight. " +
          "Solid: p50; dashed: p99. Both axes are logarithmic.",
        svg: throughputChart(series),
      },
    ];
  });
}

function readWriteOf(run: NamedRun): ReportChart[] {
  const compared = comparedRows(run.report.rows);
  if (compared === null) return [];
  const [reads, mixed] = compared;
  return [
    {
      name: fileStem(run, "reads-against-writes"),
      section: "Reads against writes",
      title: seriesName(run, `${rowLabel(reads)} against ${rowLabel(mixed)}`),
      caption: "Reads are answered from committed state without being ordered; writes are ordered.",
      svg: comparisonChart(["reads only", "half reads, half writes"], figuresOf(reads, mixed)),
    },
  ];
}

function baselinesOf(run: NamedRun): ReportChart[] {
  return run.report.baselines.flatMap((baseline) => {
    const row = run.report.rows.find((each) => each.kind === baseline.kind);
    if (row === undefined) return [];
    const { replicaCount } = run.report.conditions.cluster;
    const names = ["one copy", `${replicaCount} replicas`] as const;
    const svg = comparisonChart(names, figuresOf(baseline, row));
    return [
      {
        name: fileStem(run, `baseline-${baseline.kind}`),
        section: "What replication costs",
        title: seriesName(run, rowLabel(row)),
        caption: `One copy: ${baseline.system}, in the same run on the same machine.`,
        svg,
      },
    ];
  });
}

interface Measured {
  readonly latency: LatencySummary;
}

function figuresOf({ latency: from }: Measured, { latency: to }: Measured): Comparison[] {
  return [
    { label: "p50", from: from.p50Ms, to: to.p50Ms },
    { label: "mean", from: from.meanMs, to: to.meanMs },
    { label: "p90", from: from.p90Ms, to: to.p90Ms },
    { label: "p99", from: from.p99Ms, to: to.p99Ms },
    { label: "p99.9", from: from.p999Ms, to: to.p999Ms },
  ];
}

function fileStem({ name }: NamedRun, stem: string): string {
  return name === "" ? stem : `${name.toLowerCase()}-${stem}`;
}
