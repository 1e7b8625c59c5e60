import type { RunConditions } from "./run-conditions.js";
import type { ExperimentReport, RowReport } from "./bench-report.js";
import type { PartitionReport } from "./partitions.js";
import { PUBLISHED_MEAN_MS } from "./table1.js";

/*
 * The report's figures as text, the same on the terminal and in the HTML file.
 */

/** Column heads of the table; a line break in one shortens it. One for each cell of `rowCells`. */
export const ROW_HEADS: readonly string[] = [
  "iterations",
  "read",
  "write",
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

/** One row of the table as text. */
export function rowCells(row: RowReport): string[] {
  const { latency } = row;
  return [
    wholeText(row.iterations),
    wholeText(row.readCount),
    wholeText(row.writeCount),
    msText(latency.meanMs),
    msText(latency.p50Ms),
    msText(latency.p99Ms),
    msText(latency.p999Ms),
    wholeText(row.opsPerSecond),
    wholeText(row.viewChangeCount),
    wholeText(row.partitions.length),
    yesNo(row.consistent),
    PUBLISHED_MEAN_MS[row.kind],
  ];
}

/** What was done to replicas during a row, and what it cost; nothing for a row without. */
export function partitionTexts(row: RowReport): string[] {
  if (row.partitions.length === 0) return [];
  const partitions = row.partitions.map(partitionText).join("; ");
  const slowest = `The slowest operation took ${msText(row.latency.maxMs)} ms`;
  return [`${rowLabel(row)}: ${partitions}. ${slowest}.`];
}

function partitionText(partition: PartitionReport): string {
  const { replica, view, wasPrimary, cutOffAt, healedAt, catchUpMs } = partition;
  const role = wasPrimary ? `the primary of view ${view}` : `a backup in view ${view}`;
  const end = catchUpMs === null ? "never caught up" : `caught up within ${msText(catchUpMs)} ms`;
  return (
    `replica ${replica}, ${role}, was cut off after ${wholeText(cutOffAt)} operations, healed ` +
    `after ${wholeText(healedAt)}, and ${end}`
  );
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
    ["replicas", `${cluster.replicaCount}, with the client on this machine`],
    ["store", cluster.store],
    ["durability", cluster.durability],
    ["verification", cluster.verifier],
    ["sessions", load.sessions.toString()],
    ["in flight", `${load.inFlight} a session`],
    ["load", loop],
    ["seed", load.seed.toString()],
  ];
}

/** Milliseconds with about three significant digits. */
function msText(ms: number): string {
  if (ms >= 100) return ms.toFixed(0);
  return ms.toFixed(ms >= 10 ? 1 : 2);
}

function wholeText(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}

/** What a row is called where there is no room for a table. */
export function rowLabel(row: { readonly iterations: number; readonly kind: string }): string {
  return `${wholeText(row.iterations)} ${row.kind === "read-only" ? "reads" : "half and half"}`;
}
