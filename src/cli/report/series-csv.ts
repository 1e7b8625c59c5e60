import type { BenchReport } from "../bench/bench-report.js";
import type { HistogramColumn, PercentilePoint } from "../bench/latency-histogram.js";
import type { TimelineReport } from "../bench/timeline.js";

/** One file of figures, for a spreadsheet or a plotting program. */
interface SeriesFile {
  readonly file: string;
  readonly text: string;
}

interface Series {
  readonly curve: readonly PercentilePoint[];
  readonly histogram: readonly HistogramColumn[];
  readonly percentileFile: string;
}

/** Every series of `report` as CSV. */
export function seriesFiles({ rows, baselines, throughput }: BenchReport): SeriesFile[] {
  return [
    ...[...rows, ...baselines].flatMap(distributionFiles),
    ...rows.flatMap((row) =>
      row.passes.map((pass, index) => ({
        file: `${stemOf(row)}-pass-${index + 1}-timeline.csv`,
        text: timelineText(pass.timeline),
      })),
    ),
    ...throughput.map(({ points }, index) => ({
      file: `throughput-${index + 1}.csv`,
      text: csv(
        ["in_flight", "operations_per_second", "p50_ms", "p99_ms"],
        points.map((load) => [load.inFlight, load.opsPerSecond, load.p50Ms, load.p99Ms]),
      ),
    })),
  ];
}

function distributionFiles(series: Series): SeriesFile[] {
  const { curve, histogram } = series;
  const percentiles = curve.map(({ percentile, latencyMs }) => [percentile, latencyMs]);
  const columns = histogram.map(({ fromMs, toMs, count }) => [fromMs, toMs, count]);
  return [
    {
      file: `${stemOf(series)}-percentiles.csv`,
      text: csv(["percentile", "latency_ms"], percentiles),
    },
    {
      file: `${stemOf(series)}-histogram.csv`,
      text: csv(["from_ms", "to_ms", "operations"], columns),
    },
  ];
}

function timelineText({ intervalMs, counts, maxMs }: TimelineReport): string {
  const lines = counts.map((count, index) => [index * intervalMs, count, maxMs[index] ?? 0]);
  return csv(["from_ms", "operations", "slowest_ms"], lines);
}

function stemOf({ percentileFile }: { readonly percentileFile: string }): string {
  return percentileFile.replace(/\.hgrm$/, "");
}

/** Enough digits for a microsecond in an hour, and no noise of binary fractions. */
const DIGITS = 10;

function csv(heads: readonly string[], lines: readonly (readonly number[])[]): string {
  const written = lines.map((line) => line.map((value) => Number(value.toPrecision(DIGITS))));
  return [heads, ...written].map((line) => `${line.join(",")}\n`).join("");
}
