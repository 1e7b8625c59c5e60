import type { LastWords } from "./kill-points.js";

/** Everything that a campaign counts. */
export class Tally {
  cycles = 0;
  clusters = 0;
  readonly faults = new Map<string, number>();
  /** Ended processes, by how many were to die together and what killed them. */
  readonly kills = new Map<string, number>();
  /** By operation and phase. */
  readonly points = new Map<string, number>();
  /** Replicas that were to die at a moment that did not come, and were killed by hand. */
  missed = 0;
  audits = 0;
  /** Operations that were checked, by kind. */
  readonly operations = new Map<string, number>();
  unanswered = 0;
  retries = 0;
  readonly serveMs: number[] = [];
  readonly catchUpMs: number[] = [];
  readonly outageMs: number[] = [];

  /** A replica died where it was ordered to. */
  hit({ operation, phase }: LastWords): void {
    count(this.points, `${operation}, ${phase}`);
  }
}

/** Adds to a count. */
export function count(counts: Map<string, number>, name: string, more = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + more);
}

/** The sum of all counts. */
export function sumOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, one) => sum + one, 0);
}

const LABEL_LENGTH = 15;

/** What a campaign did and found, for the terminal. */
export function tallyText(tally: Tally, elapsedMs: number): string {
  const { operations, audits, retries, unanswered } = tally;
  const texts: Readonly<Record<string, string>> = {
    cycles: cyclesText(tally, elapsedMs / 1_000),
    faults: countsText(tally.faults),
    kills: `${number(sumOf(tally.kills))}: ${countsText(tally.kills)}`,
    points: `${number(sumOf(tally.points))} hit, ${number(tally.missed)} missed`,
    "": countsText(tally.points),
    checked: `${number(sumOf(operations))} operations in ${number(audits)} audits`,
    operations: countsText(operations),
    outcomes: `${number(retries)} found by retry, ${number(unanswered)} never answered`,
    serving: `${quantiles(tally.serveMs)} from death to serving again`,
    "caught up": `${quantiles(tally.catchUpMs)} from death to what clients had been told`,
    outage: `${quantiles(tally.outageMs)} from fault to the first answer to anything begun later`,
  };
  const lines = Object.entries(texts).map(([label, text]) => label.padEnd(LABEL_LENGTH) + text);
  return lines.join("\n");
}

function cyclesText({ cycles, clusters }: Tally, seconds: number): string {
  const rate = (cycles / seconds).toFixed(2);
  return `${number(cycles)} on ${clusters} clusters in ${number(seconds)} s, ${rate} a second`;
}

function countsText(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].sort(([left], [right]) => (left < right ? -1 : 1));
  return sorted.map(([name, times]) => `${name} ${number(times)}`).join("; ") || "none";
}

function quantiles(values: readonly number[]): string {
  if (values.length === 0) return "not measured:";
  const sorted = [...values].sort((left, right) => left - right);
  const at = (share: number): string => {
    return number(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  };
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms (${number(values.length)})`;
}

function number(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
