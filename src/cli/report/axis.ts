/*
 * What the axes of all charts have in common.
 */

/** Room for the labels of a vertical axis, in pixels. */
export const MARGIN_LEFT = 70;

/** Where a label stands that belongs to a whole axis. */
export const CENTERED_X = { labelAnchor: "center", labelArrow: "none" } as const;
/** The same for the vertical axis. */
export const CENTERED_Y = { labelAnchor: "center", labelArrow: "none", labelOffset: 62 } as const;

/** Steps that divide a tenfold; fewer where there are many tenfolds. */
const DECADE_STEPS = [1, 2, 5] as const;
const DECADES_DIVIDED_MAX = 4;

/**
 * Round values on a logarithmic axis that enclose `values`: 1, 2 and 5 of each tenfold, or only 1.
 * Charts mark them themselves, since the library leaves labels out of logarithmic axes.
 */
export function logTicks(values: readonly number[]): number[] {
  const positive = values.filter((value) => value > 0);
  const low = positive.length === 0 ? 1 : Math.min(...positive);
  const high = Math.max(...positive, low * 2);
  const isWide = Math.log10(high / low) > DECADES_DIVIDED_MAX;
  const steps = isWide ? DECADE_STEPS.slice(0, 1) : DECADE_STEPS;
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    ticks.push(...steps.map((step) => Number((step * 10 ** power).toPrecision(1))));
  }
  const first = ticks.findLastIndex((tick) => tick <= low);
  const last = ticks.findIndex((tick) => tick >= high);
  return ticks.slice(Math.max(first, 0), last < 0 ? ticks.length : last + 1);
}

/** What an axis with these ticks spans, from the first to the last. */
export function domainOf(ticks: readonly number[]): readonly [from: number, to: number] {
  return [ticks[0] ?? 1, ticks.at(-1) ?? 10];
}
