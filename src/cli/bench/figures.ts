import type { RunConditions } from "./run-conditions.js";
import type { BenchReport, ExperimentReport } from "./bench-report.js";
import { catchUpCost } from "./catch-up-cost.js";
import type { PartitionReport } from "./partitions.js";
import type { PassReport, RowReport, ThroughputPoint, ThroughputReport } from "./row-report.js";
import { spreadOf } from "./spread.js";
import type { Spread } from "./spread.js";
import { PUBLISHED_MEAN_MS, PUBLISHED_MEAN_RANGE_MS } from "./table1.js";
import { msText, ratioText, wholeText } from "./units.js";

/*
 * The report's figures as text, the same on the terminal and in the HTML file.
 */

/** Column heads of the table; a line break in one shortens it. One for each cell of `rowCells`. */
export const ROW_HEADS: readonly string[] = [
  "iterations",
  "read",
  "write",
  "passes",
  "mean\nms",
  "p50",
  "p99",
  "p99.9",
  "ops/s",
  "view\nchanges",
  "partitions",
  "identical",
  "published\nmean ms",
];

/** One row of the table as text: of several passes the median, with the range on a second line. */
export function rowCells(row: RowReport): string[] {
  const { passes } = row;
  const spread = (figure: (pass: PassReport) => number, text: (value: number) => string): string =>
    spreadText(spreadOf(passes.map(figure)), passes.length, text);
  const most = (figure: (pass: PassReport) => number): string =>
    wholeText(Math.max(...passes.map(figure)));
  return [
    wholeText(row.iterations),
    wholeText(row.readCount),
    wholeText(row.writeCount),
    wholeText(passes.length),
    spread(({ latency }) => latency.meanMs, msText),
    spread(({ latency }) => latency.p50Ms, msText),
    spread(({ latency }) => latency.p99Ms, msText),
    spread(({ latency }) => latency.p999Ms, msText),
    spread(({ opsPerSecond }) => opsPerSecond, wholeText),
    most((pass) => pass.viewChangeCount),
    most((pass) => pass.partitions.length),
    yesNo(passes.every((pass) => pass.consistent)),
    PUBLISHED_MEAN_MS[row.kind],
  ];
}

/** The median, and below it the range when there is one. */
function spreadText(spread: Spread, count: number, text: (value: number) => string): string {
  if (count < 2) return text(spread.median);
  return `${text(spread.median)}\n${text(spread.min)}–${text(spread.max)}`;
}

/** What was done to replicas during a row, and what it cost; nothing for a row without. */
export function partitionTexts(row: RowReport): string[] {
  const [first] = row.passes;
  if (first === undefined || first.partitions.length === 0) return [];
  const partitions = first.partitions.map((partition) => partitionText(first, partition));
  const which = row.passes.length === 1 ? "" : ", pass 1";
  const slowest = `The slowest operation took ${msText(first.latency.maxMs)} ms`;
  const sentence = `${rowLabel(row)}${which}: ${partitions.join("; ")}. ${slowest}.`;
  return row.passes.length === 1 ? [sentence] : [sentence, allPassesText(row)];
}

function partitionText(pass: PassReport, partition: PartitionReport): string {
  const { replica, view, wasPrimary, cutOffAt, healedAt, catchUpMs } = partition;
  const role = wasPrimary ? `the primary of view ${view}` : `a backup in view ${view}`;
  const end = catchUpMs === null ? "never caught up" : `caught up within ${msText(catchUpMs)} ms`;
  return (
    `replica ${replica}, ${role}, was cut off after ${wholeText(cutOffAt)} operations, healed ` +
    `after ${wholeText(healedAt)}, and ${end}${costText(pass, partition)}`
  );
}

/** What it cost the clients, where it fell into the row. */
function costText(pass: PassReport, partition: PartitionReport): string {
  const cost = catchUpCost(pass, partition);
  if (cost === null) return "";
  const { opsPerSecond, undisturbedOpsPerSecond: calm, maxMs } = cost;
  const share = calm === null ? "" : `, ${Math.round((100 * opsPerSecond) / calm)} % of their pace`;
  return (
    `, while clients got ${wholeText(opsPerSecond)} operations/s${share} without faults, the ` +
    `slowest within ${msText(maxMs)} ms`
  );
}

/** The medians of all passes over a row with partitions. */
function allPassesText(row: RowReport): string {
  const partitions = row.passes.flatMap((pass) => pass.partitions);
  const catchUps = partitions.flatMap(({ catchUpMs }) => catchUpMs ?? []);
  const inline = (values: readonly number[]): string => {
    const { median, min, max } = spreadOf(values);
    return `${msText(median)} ms (${msText(min)} to ${msText(max)})`;
  };
  const slowest = row.passes.map((pass) => pass.latency.maxMs);
  return (
    `${rowLabel(row)}, all ${row.passes.length} passes: ${catchUps.length} of ` +
    `${partitions.length} replicas caught up, the median within ${inline(catchUps)}; the slowest ` +
    `operation of a pass took ${inline(slowest)}.`
  );
}

/** How much longer a mean operation takes when half of them are writes; null without both rows. */
export function readWriteRatio(rows: readonly RowReport[]): number | null {
  const [reads, mixed] = comparedRows(rows) ?? [];
  if (reads === undefined || mixed === undefined) return null;
  return meanOf(mixed) / meanOf(reads);
}

/** A row of reads and one of reads and writes, as alike as there are; null without both. */
export function comparedRows(
  rows: readonly RowReport[],
): readonly [reads: RowReport, mixed: RowReport] | null {
  const reads = rows.find((row) => row.kind === "read-only");
  const others = rows.filter((row) => row.kind === "read-write");
  const mixed = others.find((row) => row.iterations === reads?.iterations) ?? others[0];
  return reads === undefined || mixed === undefined ? null : [reads, mixed];
}

/** The median of a row's passes. */
export function meanOf(row: RowReport): number {
  return spreadOf(row.passes.map((pass) => pass.latency.meanMs)).median;
}

/** What replication costs against one copy of the same ledger; nothing without a baseline. */
export function comparisonTexts({ rows, baselines, conditions }: BenchReport): string[] {
  const ratio = readWriteRatio(rows);
  const texts = baselines.flatMap((baseline) => {
    const row = rows.find((each) => each.kind === baseline.kind);
    if (row === undefined) return [];
    const times = ratioText(meanOf(row) / baseline.latency.meanMs);
    return [
      `Without replication (${baseline.system}) the ${baseline.kind} operations ` +
        `take ${msText(baseline.latency.meanMs)} ms in the mean, p99 ` +
        `${msText(baseline.latency.p99Ms)} ms: ${conditions.cluster.replicaCount} replicas that ` +
        `agree cost ${times} that.`,
    ];
  });
  if (ratio === null) return texts;
  const { "read-only": reads, "read-write": mixed } = PUBLISHED_MEAN_RANGE_MS;
  const range = mixed.map((ms) => (ms / reads[0]).toFixed(1)).join(" to ");
  return [
    `Half reads and half writes take ${ratioText(ratio)} the mean of reads alone; published: ` +
      `${range}×.`,
    ...texts,
  ];
}

/** What came of one load of the sweep, on one line. */
export function loadText(label: string, { inFlight, opsPerSecond }: ThroughputPoint): string {
  return `${label}, ${wholeText(inFlight)} in flight: ${wholeText(opsPerSecond)}/s`;
}

/** Column heads of the sweep's table. One for each cell of `loadCells`. */
export const LOAD_HEADS: readonly string[] = ["kind", "in flight", "ops/s", "p50\nms", "p99\nms"];

/** The rows below `LOAD_HEADS`. */
export function loadCells({ label, points }: ThroughputReport): string[][] {
  return points.map(({ inFlight, opsPerSecond, p50Ms, p99Ms }) => [
    label,
    wholeText(inFlight),
    wholeText(opsPerSecond),
    msText(p50Ms),
    msText(p99Ms),
  ]);
}

/** How the sweep was measured; nothing where it was not. */
export function sweepTexts({ throughput: [series] }: BenchReport): string[] {
  if (series === undefined) return [];
  const seconds = series.measuredMs / 1_000;
  return [
    `As the load grows: ${series.sessions} sessions share the operations in flight; each submits ` +
      "its share together, and again when all of it is answered, so that a latency is that of a " +
      `whole share. Operations take any of the ${wholeText(series.accounts)} accounts; each load ` +
      `was measured for ${seconds} s.`,
  ];
}

/** Column heads for the tables that an experiment leaves behind. */
export function experimentHeads(experiment: ExperimentReport): string[] {
  const replicaCount = experiment.accounts[0]?.balances.length ?? 0;
  const balances = Array.from(
    { length: replicaCount },
    (_, replica) => `BALANCE\nreplica ${replica}`,
  );
  return ["CUSTOMER_ID", "CUSTOMER_NAME", "CUSTOMER_ADDRESS", ...balances, "published"];
}

/** The rows below `experimentHeads`. */
export function experimentCells(experiment: ExperimentReport): string[][] {
  return experiment.accounts.map((account) => [
    account.customerId.toString(),
    account.account === "" ? account.name : `${account.name} (${account.account})`,
    account.address,
    ...account.balances.map((balance) => balance ?? "missing"),
    account.published ?? "",
  ]);
}

/** One line below an experiment's tables. */
export function experimentVerdict(experiment: ExperimentReport): string {
  const { answers, identical, asPublished } = experiment;
  return (
    `answers: ${answers.join(", ")}; identical: ${yesNo(identical)}; ` +
    `as published: ${yesNo(asPublished)}`
  );
}

type Pair = readonly [name: string, value: string];

/** What the figures depend on: pairs of a name and its value. */
export function conditionPairs({
  machine,
  nodeVersion,
  commit,
  loadBefore,
  cluster,
  load,
}: RunConditions): Pair[] {
  const loop =
    load.ratePerSecond === null
      ? "closed loop: the next operation starts when one has finished"
      : `open loop at ${wholeText(load.ratePerSecond)} operations/s, ` +
        "latency from the intended start (corrected for coordinated omission)";
  return [
    ["machine", `${machine.cpuCount} × ${machine.cpuModel}, ${machine.platform}`],
    ["memory", `${(machine.memoryBytes / 2 ** 30).toFixed(1)} GiB`],
    ["Node.js", nodeVersion],
    ["commit", commit ?? "unknown"],
    ["load before", busyText(loadBefore)],
    ["replicas", cluster.replicaCount.toString()],
    ["network", cluster.network],
    ["store", cluster.store],
    ["files on", cluster.fileSystem ?? "unknown"],
    ["durability", cluster.durability],
    ["replies wait for", cluster.replies === "strict" ? "the database" : "the journal"],
    ["verification", cluster.verifier],
    ["sessions", load.sessions.toString()],
    ["in flight", `${load.inFlight} a session`],
    ["load", loop],
    ["deadline of an operation", `${wholeText(load.timeoutMs)} ms`],
    ["seed", load.seed.toString()],
  ];
}

/** Who else used the processors, as far as one can tell: the build before the run counts too. */
function busyText(loadBefore: number | null): string {
  if (loadBefore === null) return "unknown";
  return `${loadBefore.toFixed(1)} processes at a time in the minute before`;
}

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}

/** What a row is called where there is no room for a table. */
export function rowLabel(row: { readonly iterations: number; readonly kind: string }): string {
  return `${wholeText(row.iterations)} ${row.kind === "read-only" ? "reads" : "half and half"}`;
}
