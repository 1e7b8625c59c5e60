import { isConsistent } from "./bench-report.js";
import type { BenchReport } from "./bench-report.js";
import type { PassReport, RowReport } from "./row-report.js";
import { spreadOf } from "./spread.js";

/** Decimals of a millisecond or a rate that scripts get: microseconds are what was measured. */
const DECIMALS = 3;

/** The one line of JSON that `--json` promises scripts, without a line end. */
export function jsonReport(report: BenchReport, reportPath: string): string {
  const rows = report.rows.map((row) => jsonRow(row));
  const throughput = report.throughput.map(({ label, points }) => ({
    label,
    points: points.map(({ inFlight, opsPerSecond, p50Ms, p99Ms }) => ({
      ...{ inFlight, opsPerSecond: rounded(opsPerSecond) },
      ...{ p50Ms: rounded(p50Ms), p99Ms: rounded(p99Ms) },
    })),
  }));
  const consistent = isConsistent(report);
  return JSON.stringify({ consistent, rows, report: reportPath, throughput });
}

/** Figures are medians of the row's passes; counts are those of the pass with the most. */
function jsonRow(row: RowReport) {
  const { passes } = row;
  const median = (figure: (pass: PassReport) => number): number =>
    rounded(spreadOf(passes.map(figure)).median);
  const most = (figure: (pass: PassReport) => number): number => Math.max(...passes.map(figure));
  const partitions = passes.flatMap((pass) => pass.partitions);
  const means = spreadOf(passes.map((pass) => pass.latency.meanMs));
  return {
    iterations: row.iterations,
    read: row.readCount,
    write: row.writeCount,
    meanMs: rounded(means.median),
    p50Ms: median(({ latency }) => latency.p50Ms),
    p99Ms: median(({ latency }) => latency.p99Ms),
    p999Ms: median(({ latency }) => latency.p999Ms),
    opsPerSecond: median(({ opsPerSecond }) => opsPerSecond),
    viewChanges: most((pass) => pass.viewChangeCount),
    partitions: most((pass) => pass.partitions.length),
    consistent: passes.every((pass) => pass.consistent),
    maxMs: rounded(most(({ latency }) => latency.maxMs)),
    catchUpMs: partitions.map(({ catchUpMs }) => catchUpMs && rounded(catchUpMs)),
    passes: passes.length,
    meanMsRange: [rounded(means.min), rounded(means.max)],
  };
}

function rounded(value: number): number {
  return Number(value.toFixed(DECIMALS));
}
