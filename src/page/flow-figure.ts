import type { ArrowView, FlowView } from "./snapshot.js";
import { svg } from "./svg.js";

/*
 * The paper's Figure 1 from what was observed: a lane for the client and for each replica, time to
 * the right, an arrow for each message from when it was sent to when it arrived.
 */

const WIDTH = 960;
const LEFT = 104;
const RIGHT = 24;
/** Room for four rows of names above the client's lane. */
const TOP = 60;
const LANE = 46;
const BOTTOM = 34;

/** Ends that nobody observed are drawn so many pixels away. */
const UNSEEN_PX = 14;

const PHASES = ["request", "pre-prepare", "prepare", "commit", "reply"] as const;

/** Draws `flow`; `replicaCount` lanes below the client's. */
export function flowFigure(flow: FlowView, replicaCount: number): SVGElement {
  const height = TOP + LANE * replicaCount + BOTTOM;
  const duration = Math.max(1, flow.durationMicros);
  const x = (micros: number): number => LEFT + (micros / duration) * (WIDTH - LEFT - RIGHT);
  const y = (lane: number): number => TOP + LANE * (lane + 1);
  const lanes = Array.from({ length: replicaCount + 1 }, (_, index) => index - 1);
  const label = `Messages of batch ${String(flow.seq)} between client and replicas over time`;
  return svg(
    "svg",
    { viewBox: `0 0 ${String(WIDTH)} ${String(height)}`, role: "img", "aria-label": label },
    ...lanes.flatMap((lane) => laneMarks(lane, y(lane), flow.primary)),
    ...phaseNames(flow, x).flatMap((name) => phaseMarks(name, height)),
    ...flow.arrows.map((arrow) => arrowMark(arrow, x, y)),
    ...timeMarks(duration, x, height),
  );
}

function laneMarks(lane: number, y: number, primary: number): SVGElement[] {
  const name = lane < 0 ? "client" : `replica ${String(lane)}`;
  const words = svg("text", { x: 0, y: y + 4, class: "lane" }, name);
  if (lane === primary) words.append(svg("tspan", { x: 0, dy: 14, class: "role" }, "primary"));
  return [svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y, class: "lane" }), words];
}

/** Where a phase is named, so that no name covers another. */
interface PhaseName {
  readonly phase: (typeof PHASES)[number];
  /** Where its first message was sent. */
  readonly at: number;
  readonly row: number;
  readonly left: number;
  readonly right: number;
}

/** Width of a letter of a phase's name, in a wide font; and what lies between name and line. */
const LETTER_PX = 8.5;
const GAP_PX = 4;
const ROW_PX = 13;
const ROWS = 4;

/** Each phase is named where its first message was sent; names that would touch go further down. */
function phaseNames(flow: FlowView, x: (micros: number) => number): PhaseName[] {
  const placed: PhaseName[] = [];
  for (const phase of PHASES) {
    const start = startOf(flow, phase);
    if (start === null) continue;
    const at = x(start);
    const width = phase.length * LETTER_PX + 2 * GAP_PX;
    const [left, right] = at + width > WIDTH ? [at - width, at] : [at, at + width];
    const isFree = (row: number): boolean =>
      !placed.some((each) => each.row === row && each.left < right && left < each.right);
    const rows = Array.from({ length: ROWS }, (_, row) => row);
    placed.push({ phase, at, row: rows.find(isFree) ?? ROWS, left, right });
  }
  return placed;
}

function phaseMarks({ phase, at, row, left }: PhaseName, height: number): SVGElement[] {
  const y = 14 + row * ROW_PX;
  const attributes = { x1: at, x2: at, y1: y + GAP_PX, y2: height - BOTTOM, class: "phase" };
  const isBefore = left < at;
  const words = { x: isBefore ? at - GAP_PX : at + GAP_PX, y, class: `phase ${phase}` };
  const anchor = isBefore ? "end" : "start";
  return [svg("line", attributes), svg("text", { ...words, "text-anchor": anchor }, phase)];
}

function startOf({ arrows }: FlowView, phase: string): number | null {
  const times = arrows
    .filter((arrow) => arrow.kind === phase)
    .flatMap((arrow) => arrow.sentMicros ?? arrow.receivedMicros ?? []);
  return times.length === 0 ? null : Math.min(...times);
}

/** An end that nobody observed is left open, in the middle between the lanes. */
function arrowMark(
  arrow: ArrowView,
  x: (micros: number) => number,
  y: (lane: number) => number,
): SVGElement {
  const { kind, from, to, sentMicros, receivedMicros } = arrow;
  const known = x(sentMicros ?? receivedMicros ?? 0);
  const middle = (y(from) + y(to)) / 2;
  const [x1, y1] = sentMicros === null ? [known - UNSEEN_PX, middle] : [x(sentMicros), y(from)];
  const isLost = receivedMicros === null;
  const [x2, y2] = isLost ? [known + UNSEEN_PX, middle] : [x(receivedMicros), y(to)];
  const isSeen = sentMicros !== null && !isLost;
  return svg(
    "g",
    { class: `arrow ${kind}${isSeen ? "" : " unseen"}` },
    svg("title", {}, titleOf(arrow)),
    svg("line", { x1, y1, x2, y2 }),
    ...(isLost ? [] : [headOf(x1, y1, x2, y2)]),
  );
}

/** The head of an arrow that ends at (x2, y2). */
function headOf(x1: number, y1: number, x2: number, y2: number): SVGElement {
  const angle = (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI;
  const place = `translate(${x2.toFixed(1)} ${y2.toFixed(1)}) rotate(${angle.toFixed(1)})`;
  return svg("path", { d: "M0,0L-7,-3L-7,3Z", transform: place });
}

function titleOf({ kind, from, to, sentMicros, receivedMicros }: ArrowView): string {
  const name = (lane: number): string => (lane < 0 ? "client" : `replica ${String(lane)}`);
  const time = (micros: number | null): string =>
    micros === null ? "not observed" : `${(micros / 1_000).toFixed(2)} ms`;
  const times = `sent ${time(sentMicros)}, received ${time(receivedMicros)}`;
  return `${kind}: ${name(from)} to ${name(to)}, ${times}`;
}

/** The time axis, in milliseconds. */
function timeMarks(duration: number, x: (micros: number) => number, height: number): SVGElement[] {
  const step = roundStep(duration / 6);
  const count = Math.floor(duration / step);
  const ticks = Array.from({ length: count + 1 }, (_, index) => index * step);
  return ticks.map((micros) => {
    const words = `${String(Number((micros / 1_000).toPrecision(4)))} ms`;
    return svg("text", { x: x(micros), y: height - 8, class: "tick" }, words);
  });
}

/** The next 1, 2 or 5 times a power of ten. */
function roundStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return ([1, 2, 5].find((step) => step * power >= value) ?? 10) * power;
}
