import type { HistogramColumn, PercentilePoint } from "../bench/latency-histogram.js";
import { axisX, axisY, CHART_WIDTH, draw, gridX, gridY, line, rect, ruleY } from "./draw.js";
import { seriesColor, seriesDash, text } from "./draw.js";
import { CENTERED_X, CENTERED_Y, domainOf, logTicks, MARGIN_LEFT } from "./axis.js";
import { msTick, percentText } from "../bench/units.js";

/** One line of a percentile chart. */
interface CurveSeries {
  readonly label: string;
  readonly curve: readonly PercentilePoint[];
}

/** One panel of a histogram chart. */
interface HistogramSeries {
  readonly label: string;
  readonly histogram: readonly HistogramColumn[];
}

/** Marks of the percentile axis. */
const PERCENTILES = [0, 50, 90, 99, 99.9, 99.99, 99.999] as const;

/** The largest percentile that is drawn, as the number of its nines. */
const NINES_MAX = 6;

/** Position on the percentile axis: 0 for 0 %, 1 for 90 %, 2 for 99 % and so on. */
function ninesOf(percentile: number): number {
  return Math.min(-Math.log10(1 - percentile / 100), NINES_MAX);
}

/**
 * Latency over percentile, the percentile on the logarithmic axis that HdrHistogram's users know:
 * each further nine takes the same room, so that the tail is as visible as the middle.
 */
export function percentileChart(series: readonly CurveSeries[]): string {
  const points = series.flatMap(({ curve }, index) =>
    curve.map(({ percentile, latencyMs }) => ({ x: ninesOf(percentile), y: latencyMs, index })),
  );
  const ninesMax = Math.max(1, ...points.map((point) => point.x));
  const ticks = PERCENTILES.map(ninesOf).filter((nines) => nines <= ninesMax + 1e-9);
  const nameOf = (nines: number): string => percentText(100 - 100 / 10 ** nines);
  const levels = logTicks(points.map((point) => point.y));
  const marks = series.map(({ curve }, index) => {
    const places = curve.map(({ percentile, latencyMs }) => [ninesOf(percentile), latencyMs]);
    const style = { stroke: seriesColor(index), strokeDasharray: seriesDash(index) };
    return line(places, { x: "0", y: "1", strokeWidth: 2.2, ...style });
  });
  return draw({
    description: "Latency in milliseconds over percentile, one line for each row of the table",
    legend: series.map(({ label }, style) => ({ label, style })),
    plot: {
      ...{ height: 400, marginLeft: MARGIN_LEFT, marginRight: 28, marginBottom: 46 },
      x: { domain: [0, ninesMax] },
      y: { type: "log", domain: domainOf(levels) },
      marks: [
        gridX(ticks, { strokeOpacity: 0.15 }),
        gridY(levels, { strokeOpacity: 0.15 }),
        axisX(ticks, { text: nameOf, label: "percentile of operations", ...CENTERED_X }),
        axisY(levels, { text: msTick, label: "latency, ms", ...CENTERED_Y }),
        ...marks,
      ],
    },
  });
}

const PANEL_HEIGHT = 84;

/** How many operations took how long, one panel for each row, all on one logarithmic axis. */
export function histogramChart(series: readonly HistogramSeries[]): string {
  const columns = series.flatMap(({ label, histogram }, style) => {
    const total = histogram.reduce((sum, column) => sum + column.count, 0);
    return histogram.map(({ fromMs, toMs, count }) => {
      return { label, style, fromMs, toMs, percent: (100 * count) / Math.max(total, 1) };
    });
  });
  const ticks = logTicks(columns.flatMap(({ fromMs, toMs }) => [fromMs, toMs]));
  const labels = series.map(({ label }) => ({ label }));
  return draw({
    description: "Histogram of latencies on a logarithmic axis, one panel for each row",
    legend: [],
    plot: {
      ...{ height: PANEL_HEIGHT * series.length + 56, marginLeft: MARGIN_LEFT, marginRight: 28 },
      ...{ marginTop: 12, marginBottom: 46, width: CHART_WIDTH },
      x: { type: "log", domain: domainOf(ticks) },
      fy: { domain: series.map(({ label }) => label), axis: null, padding: 0.12 },
      marks: [
        gridX(ticks, { strokeOpacity: 0.12 }),
        axisX(ticks, { text: msTick, label: "latency, ms", ...CENTERED_X }),
        axisY({ ticks: 2, label: "% of operations", ...CENTERED_Y }),
        rect(columns, {
          ...{ x1: "fromMs", x2: "toMs", y1: 0, y2: "percent", fy: "label", insetRight: 0.5 },
          fill: (column: { readonly style: number }) => seriesColor(column.style),
        }),
        ruleY([0], { strokeOpacity: 0.4 }),
        text(labels, {
          ...{ text: "label", fy: "label", frameAnchor: "top-right", fill: "currentColor" },
          ...{ fontWeight: 600, dy: 2, dx: -2 },
        }),
      ],
    },
  });
}
