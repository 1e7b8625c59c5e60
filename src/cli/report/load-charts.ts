import type { PassReport, ThroughputReport } from "../bench/row-report.js";
import { areaY, axisX, axisY, dot, draw, gridX, gridY, line, link } from "./draw.js";
import { rect, ruleX, ruleY, seriesColor, text } from "./draw.js";
import { CENTERED_X, CENTERED_Y, domainOf, logTicks, MARGIN_LEFT } from "./axis.js";
import { msText, msTick, ratioText, wholeText } from "../bench/units.js";

/** Most points of a throughput curve: narrower ones cannot be told apart. */
const POINTS_MAX = 160;

const PASS_HEIGHT = 150;
const MS_PER_SECOND = 1_000;

/**
 * Throughput over time, one panel for each pass over the row: when a replica was cut off, when it
 * had caught up after it was healed, and when the first answer came from a new view.
 */
export function timelineChart(passes: readonly PassReport[]): string {
  const panels = passes.map((pass, index) => ({ pass, panel: `pass ${index + 1}` }));
  const points = panels.flatMap(({ pass, panel }) =>
    throughputOf(pass).map((point) => ({ ...point, panel })),
  );
  const absences = panels.flatMap(({ pass, panel }) =>
    absencesOf(pass).map((absence) => ({ ...absence, panel })),
  );
  const catchUps = panels.flatMap(({ pass, panel }) =>
    catchUpsOf(pass).map((catchUp) => ({ ...catchUp, panel })),
  );
  const views = panels.flatMap(({ pass, panel }) =>
    pass.views.slice(1).map(({ view, atMs }) => {
      return { panel, x: atMs / MS_PER_SECOND, label: `view ${view}` };
    }),
  );
  const top = Math.max(1, ...points.map((point) => point.y)) * 1.32;
  const head = { frameAnchor: "top", lineAnchor: "top", textAnchor: "start", dx: 4 } as const;
  const halo = { stroke: "var(--paper)", strokeWidth: 4, fontWeight: 600 } as const;
  const captions = panels.length > 1 ? panels : [];
  return draw({
    description: "Operations per second over time, with the times when a replica was cut off",
    legend: [],
    plot: {
      ...{ height: PASS_HEIGHT * passes.length + 60, marginLeft: MARGIN_LEFT, marginRight: 28 },
      ...{ marginTop: 10, marginBottom: 46 },
      y: { domain: [0, top] },
      fy: { domain: panels.map(({ panel }) => panel), axis: null, padding: 0.1 },
      marks: [
        gridY({ ticks: 3, strokeOpacity: 0.12 }),
        rect(absences, { ...WINDOW, y2: top, fill: "var(--cut)", fillOpacity: 0.13 }),
        rect(catchUps, { ...WINDOW, y2: top, fill: "var(--catch)", fillOpacity: 0.35 }),
        areaY(points, { ...CURVE, fill: seriesColor(0), fillOpacity: 0.18 }),
        line(points, { ...CURVE, stroke: seriesColor(0), strokeWidth: 1.6 }),
        ruleX(views, { x: "x", fy: "panel", strokeDasharray: "3 3", strokeWidth: 1.3 }),
        text(absences, { ...LABEL, ...head, ...halo, dy: 2, fill: "var(--cut)" }),
        text(catchUps, { ...LABEL, ...head, ...halo, dy: 18, fill: "var(--catch)" }),
        text(views, { ...LABEL, x: "x", ...head, ...halo, dy: 34, fill: "currentColor" }),
        text(captions, {
          ...{ text: "panel", fy: "panel", frameAnchor: "bottom-right", dx: -4, dy: -6 },
          ...{ fontWeight: 600, fill: "currentColor", stroke: "var(--paper)", strokeWidth: 4 },
        }),
        ruleY([0], { strokeOpacity: 0.4 }),
        axisX({ label: "seconds since the row's first operation", ...CENTERED_X }),
        axisY({ ticks: 3, tickFormat: wholeText, label: "operations/s", ...CENTERED_Y }),
      ],
    },
  });
}

const WINDOW = { x1: "from", x2: "to", y1: 0, fy: "panel" } as const;
const CURVE = { x: "x", y: "y", fy: "panel", curve: "step" } as const;
const LABEL = { x: "from", text: "label", fy: "panel" } as const;

/** The timeline in few enough intervals to be seen. */
function throughputOf({ timeline }: PassReport): { readonly x: number; readonly y: number }[] {
  const { intervalMs, counts } = timeline;
  const width = Math.max(1, Math.ceil(counts.length / POINTS_MAX));
  const seconds = (width * intervalMs) / MS_PER_SECOND;
  return Array.from({ length: Math.ceil(counts.length / width) }, (_, index) => {
    const part = counts.slice(index * width, (index + 1) * width);
    const partSeconds = (part.length * intervalMs) / MS_PER_SECOND;
    const count = part.reduce((sum, each) => sum + each, 0);
    return { x: (index + 0.5) * seconds, y: count / partSeconds };
  });
}

interface Span {
  readonly from: number;
  readonly to: number;
  readonly label: string;
}

function absencesOf({ partitions }: PassReport): Span[] {
  return partitions.map(({ replica, wasPrimary, cutOffMs, healedMs }) => {
    const role = wasPrimary ? "primary" : "backup";
    const label = `replica ${replica} (${role}) cut off`;
    return { from: cutOffMs / MS_PER_SECOND, to: healedMs / MS_PER_SECOND, label };
  });
}

function catchUpsOf({ partitions, durationMs }: PassReport): Span[] {
  return partitions.map(({ healedMs, catchUpMs }) => {
    const endMs = Math.min(healedMs + (catchUpMs ?? Infinity), durationMs);
    const label = catchUpMs === null ? "never caught up" : `caught up in ${msText(catchUpMs)} ms`;
    return { from: healedMs / MS_PER_SECOND, to: endMs / MS_PER_SECOND, label };
  });
}

/** Rates next to each other on a logarithmic axis have no room for many zeros. */
const COMPACT = new Intl.NumberFormat("en-US", { notation: "compact" });

function rateTick(opsPerSecond: number): string {
  return opsPerSecond < 10_000 ? wholeText(opsPerSecond) : COMPACT.format(opsPerSecond);
}

/** Dash patterns of the two figures of each load: what is usual, and the tail. */
const FIGURE_DASHES = { p50: "none", p99: "5 3" } as const;
const FIGURES = ["p50", "p99"] as const;

/** Latency over throughput as the load grows: where the curve turns up, the system is full. */
export function throughputChart(
  series: readonly Pick<ThroughputReport, "label" | "points">[],
): string {
  const curves = series.flatMap(({ label, points }, style) =>
    FIGURES.map((figure) => ({ label: `${label}, ${figure}`, figure, style, points })),
  );
  const lines = curves.map(({ figure, style, points }) => {
    // Where nothing was done there is nothing to draw, least of all on logarithmic axes.
    return points
      .filter(({ count }) => count > 0)
      .map(({ inFlight, opsPerSecond, p50Ms, p99Ms }) => {
        const y = figure === "p50" ? p50Ms : p99Ms;
        return { x: opsPerSecond, y, inFlight: wholeText(inFlight), style, figure };
      });
  });
  const points = lines.flat();
  const rates = logTicks(points.map(({ x }) => x));
  const levels = logTicks(points.map(({ y }) => y));
  const color = (point: { readonly style: number }): string => seriesColor(point.style);
  const place = { x: "x", y: "y" } as const;
  const halo = { stroke: "var(--paper)", strokeWidth: 4, fill: "currentColor" } as const;
  const loadsOf = (index: number) =>
    points.filter(({ figure, style }) => figure === "p99" && style === index);
  return draw({
    description: "Latency over throughput, one point for each load",
    legend: curves.map(({ label, figure, style }) => {
      return { label, style, dash: FIGURE_DASHES[figure] };
    }),
    plot: {
      ...{ height: 380, marginLeft: MARGIN_LEFT, marginRight: 34, marginBottom: 46 },
      x: { type: "log", domain: domainOf(rates) },
      y: { type: "log", domain: domainOf(levels) },
      marks: [
        gridX(rates, { strokeOpacity: 0.12 }),
        gridY(levels, { strokeOpacity: 0.12 }),
        ...lines.map((each, index) => {
          const { figure, style } = curves[index] ?? { figure: "p50", style: 0 };
          const strokeDasharray = FIGURE_DASHES[figure];
          const stroke = seriesColor(style);
          return line(each, { ...place, stroke, strokeWidth: 2, strokeDasharray });
        }),
        dot(points, { ...place, fill: color, r: 3.4 }),
        // Two series can be told apart, above and below; more would cover each other.
        text(loadsOf(0), { ...place, ...halo, text: "inFlight", dy: 15 }),
        text(loadsOf(1), { ...place, ...halo, text: "inFlight", dy: -12 }),
        axisX(rates, { text: rateTick, label: "operations/s", ...CENTERED_X }),
        axisY(levels, { text: msTick, label: "latency, ms", ...CENTERED_Y }),
      ],
    },
  });
}

/** One line of a comparison: the same figure of two things. */
export interface Comparison {
  readonly label: string;
  readonly from: number;
  readonly to: number;
}

/**
 * Two latencies for each figure on one logarithmic axis, with how often one is in the other.
 * @param names of what is compared, as "from" and "to".
 */
export function comparisonChart(
  names: readonly [from: string, to: string],
  comparisons: readonly Comparison[],
): string {
  const ends = comparisons.flatMap(({ label, from, to }) => [
    { label, x: from, style: 0 },
    { label, x: to, style: 1 },
  ]);
  const ratios = comparisons.map(({ label, from, to }) => {
    return { label, x: Math.max(from, to), text: ratioText(to / from) };
  });
  const ticks = logTicks(ends.map((end) => end.x));
  return draw({
    description: `Latency of ${names[0]} against ${names[1]}`,
    legend: names.map((label, style) => ({ label, style, isDot: true })),
    plot: {
      ...{ height: 30 * comparisons.length + 70, marginLeft: 70, marginRight: 70 },
      ...{ marginTop: 14, marginBottom: 46 },
      x: { type: "log", domain: domainOf(ticks) },
      y: { type: "point", domain: comparisons.map(({ label }) => label), padding: 0.6 },
      marks: [
        gridX(ticks, { strokeOpacity: 0.15 }),
        link(comparisons, {
          ...{ x1: "from", x2: "to", y1: "label", y2: "label", strokeOpacity: 0.5 },
          ...{ strokeWidth: 2 },
        }),
        dot(ends, {
          ...{ x: "x", y: "label", r: 5.5 },
          fill: (end: { readonly style: number }) => seriesColor(end.style),
        }),
        text(ratios, {
          ...{ x: "x", y: "label", text: "text", dx: 12, textAnchor: "start", fontWeight: 600 },
        }),
        axisX(ticks, { text: msTick, label: "latency, ms", ...CENTERED_X }),
        axisY({ label: null, tickSize: 0, tickPadding: 10 }),
      ],
    },
  });
}
