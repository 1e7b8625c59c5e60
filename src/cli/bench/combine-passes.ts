import { LatencyHistogram } from "./latency-histogram.js";
import type { HistogramColumn, LatencySummary, PercentilePoint } from "./latency-histogram.js";
import type { MeasuredPass } from "./measure-pass.js";
import type { RowReport } from "./row-report.js";
import { warmUpCount } from "./table1.js";
import type { RowPlan } from "./table1.js";

/** Points of a percentile curve for each further nine. */
const CURVE_STEPS_PER_DECADE = 20;

/** A measured row: its figures, and its distribution in HdrHistogram's text format. */
export interface MeasuredRow {
  readonly report: RowReport;
  readonly percentileText: string;
}

/** The forms in which a report shows one distribution. */
interface Distribution {
  readonly latency: LatencySummary;
  readonly curve: readonly PercentilePoint[];
  readonly histogram: readonly HistogramColumn[];
}

/** `histogram` as a report shows it. */
export function distributionOf(histogram: LatencyHistogram): Distribution {
  return {
    latency: histogram.summary(),
    curve: histogram.curve(CURVE_STEPS_PER_DECADE),
    histogram: histogram.columns(),
  };
}

/** Joins the passes over the row at `rowNumber`, 1 and up; there is at least one. */
export function combinePasses(
  plan: RowPlan,
  rowNumber: number,
  passes: readonly MeasuredPass[],
): MeasuredRow {
  const [all, reads, writes] = [
    joined(passes.map((pass) => pass.all)),
    joined(passes.map((pass) => pass.reads)),
    joined(passes.map((pass) => pass.writes)),
  ];
  const report: RowReport = {
    kind: plan.kind,
    iterations: plan.iterations,
    readCount: reads.count / passes.length,
    writeCount: writes.count / passes.length,
    warmUpCount: warmUpCount(plan),
    passes: passes.map((pass) => pass.report),
    ...distributionOf(all),
    readLatency: reads.summary(),
    writeLatency: writes.summary(),
    percentileFile: `row-${rowNumber}-${plan.kind}.hgrm`,
  };
  return { report, percentileText: all.percentileText() };
}

function joined(parts: readonly LatencyHistogram[]): LatencyHistogram {
  const whole = new LatencyHistogram();
  for (const part of parts) whole.add(part);
  return whole;
}
