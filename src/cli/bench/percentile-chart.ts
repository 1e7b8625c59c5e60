import type { PercentilePoint } from "./latency-histogram.js";
import { markup } from "./markup.js";
import type { Markup } from "./markup.js";

/** One line of the chart. */
interface ChartSeries {
  readonly label: string;
  readonly points: readonly PercentilePoint[];
}

/** Lines beyond this many repeat colours; the stylesheet has as many classes. */
const SERIES_STYLE_COUNT = 6;

const WIDTH = 860;
const HEIGHT = 400;
const LEFT = 64;
const RIGHT = 20;
const TOP = 16;
const BOTTOM = 52;
const LEGEND_LINE = 20;
const GRID_LINES = 5;

/** Marks of the percentile axis. */
const TICKS = [0, 50, 90, 99, 99.9, 99.99, 99.999];

/** The largest percentile that can be drawn. */
const NINES_MAX = 6;

/**
 * Latency over percentile, the percentile on the logarithmic axis that HdrHistogram's users know:
 * each further nine takes the same room, so that the tail is as visible as the middle.
 */
export function percentileChart(series: readonly ChartSeries[]): Markup {
  const points = series.flatMap((line) => line.points);
  const ninesMax = Math.max(1, ...points.map((point) => ninesOf(point.percentile)));
  const topMs = roundUp(Math.max(0.001, ...points.map((point) => point.latencyMs)));
  const x = (percentile: number): number =>
    LEFT + (ninesOf(percentile) / ninesMax) * (WIDTH - LEFT - RIGHT);
  const y = (ms: number): number => HEIGHT - BOTTOM - (ms / topMs) * (HEIGHT - TOP - BOTTOM);
  const place = (point: PercentilePoint): Point => [x(point.percentile), y(point.latencyMs)];
  const ticks = TICKS.filter((percentile) => ninesOf(percentile) <= ninesMax + 1e-9);
  const levels = Array.from({ length: GRID_LINES + 1 }, (_, step) => (step * topMs) / GRID_LINES);
  return markup`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"
 aria-label="Latency in milliseconds over percentile, one line a row of the table">
${levels.map((ms) => levelMark(ms, y(ms)))}
${ticks.map((percentile) => tickMark(percentile, x(percentile)))}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" class="middle">percentile</text>
<text transform="translate(14 ${(HEIGHT - BOTTOM) / 2}) rotate(-90)"
 class="middle">latency, ms</text>
${series.map((line, index) => polyline(line.points.map(place), seriesStyle(index)))}
${series.map((line, index) => legendEntry(line, index))}
</svg>`;
}

/** Position on the axis: 0 for 0 %, 1 for 90 %, 2 for 99 % and so on. */
function ninesOf(percentile: number): number {
  return Math.min(-Math.log10(1 - percentile / 100), NINES_MAX);
}

/** The next 1, 2, 2.5 or 5 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5].find((step) => step * power >= value) ?? 10) * power;
}

type Point = readonly [x: number, y: number];

function levelMark(ms: number, y: number): Markup {
  return markup`${polyline(
    [
      [LEFT, y],
      [WIDTH - RIGHT, y],
    ],
    "grid",
  )}
<text x="${LEFT - 8}" y="${fixed(y + 4)}" class="end">${Number(ms.toPrecision(3))}</text>`;
}

function tickMark(percentile: number, x: number): Markup {
  return markup`${polyline(
    [
      [x, TOP],
      [x, HEIGHT - BOTTOM],
    ],
    "grid",
  )}
<text x="${fixed(x)}" y="${HEIGHT - BOTTOM + 18}" class="middle">${percentile} %</text>`;
}

function legendEntry(line: ChartSeries, index: number): Markup {
  const y = TOP + 14 + index * LEGEND_LINE;
  return markup`${polyline(
    [
      [LEFT + 14, y],
      [LEFT + 50, y],
    ],
    seriesStyle(index),
  )}
<text x="${LEFT + 58}" y="${y + 4}">${line.label}</text>`;
}

function polyline(points: readonly Point[], style: string): Markup {
  const pairs = points.map(([x, y]) => `${fixed(x)},${fixed(y)}`).join(" ");
  return markup`<polyline points="${pairs}" class="${style}"/>`;
}

function seriesStyle(index: number): string {
  return `series series-${index % SERIES_STYLE_COUNT}`;
}

function fixed(value: number): string {
  return value.toFixed(1);
}
