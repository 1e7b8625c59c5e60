import { svg } from "./svg.js";

/** One moment of a history; null where nothing was measured. */
export interface Moment {
  readonly atMs: number;
  readonly value: number | null;
}

const WIDTH = 460;
const HEIGHT = 150;
const LEFT = 46;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 26;

/** How far back the charts look. */
export const HISTORY_MS = 60_000;

const SECONDS_PER_TICK = 15;

/**
 * One figure over the last minute.
 * @param unit stands at the largest value.
 */
export function historyChart(moments: readonly Moment[], nowMs: number, what: string): SVGElement {
  const top = roundUp(Math.max(1, ...moments.map(({ value }) => value ?? 0)));
  const x = (atMs: number): number =>
    LEFT + (1 - (nowMs - atMs) / HISTORY_MS) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
  const box = `0 0 ${String(WIDTH)} ${String(HEIGHT)}`;
  return svg(
    "svg",
    { viewBox: box, role: "img", "aria-label": `${what} over the last minute` },
    ...[0, top / 2, top].map((value) => levelMark(value, y(value))),
    ...secondMarks(),
    svg("path", { d: pathOf(moments, x, y), class: "history" }),
  );
}

function levelMark(value: number, y: number): SVGElement {
  return svg(
    "g",
    {},
    svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y, class: "grid" }),
    svg(
      "text",
      { x: LEFT - 8, y: y + 4, class: "level" },
      Number(value.toPrecision(3)).toLocaleString("en-US"),
    ),
  );
}

function secondMarks(): SVGElement[] {
  const count = HISTORY_MS / 1_000 / SECONDS_PER_TICK;
  return Array.from({ length: count + 1 }, (_, index) => {
    const x = LEFT + (index / count) * (WIDTH - LEFT - RIGHT);
    const seconds = (count - index) * SECONDS_PER_TICK;
    const anchor = index === count ? "end" : "middle";
    const words = seconds === 0 ? "now" : `−${String(seconds)} s`;
    return svg("text", { x, y: HEIGHT - 6, class: "tick", "text-anchor": anchor }, words);
  });
}

/** A line that is broken where nothing was measured. */
function pathOf(
  moments: readonly Moment[],
  x: (atMs: number) => number,
  y: (value: number) => number,
): string {
  let isDown = false;
  return moments
    .map(({ atMs, value }) => {
      const verb = isDown ? "L" : "M";
      isDown = value !== null;
      return value === null ? "" : `${verb}${x(atMs).toFixed(1)},${y(value).toFixed(1)}`;
    })
    .join("");
}

/** The next 1, 2, 2.5 or 5 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5].find((step) => step * power >= value) ?? 10) * power;
}
