/*
 * How figures are written, the same in tables, sentences and charts.
 */

/** Milliseconds with about three significant digits, without the unit. */
export function msText(ms: number): string {
  if (ms >= 100) return wholeText(ms);
  if (ms >= 10) return ms.toFixed(1);
  return ms >= 0.1 || ms === 0 ? ms.toFixed(2) : ms.toPrecision(2);
}

/** Milliseconds for an axis: round values without needless zeros. */
export function msTick(ms: number): string {
  return ms >= 1_000 ? wholeText(ms) : Number(ms.toPrecision(3)).toString();
}

/** A whole number with separators between thousands. */
export function wholeText(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** A percentile, with as many decimals as it has nines. */
export function percentText(percent: number): string {
  return `${Number(percent.toFixed(4))}\u00a0%`;
}

/** How often one value is in the other: "3.3×". */
export function ratioText(ratio: number): string {
  if (!Number.isFinite(ratio)) return "–";
  return `${ratio >= 100 ? wholeText(ratio) : Number(ratio.toPrecision(2)).toString()}×`;
}
