/*
 * Makes a failing run smaller: whatever can be switched off, left out or halved without the failure
 * going away is. What is left is what it takes.
 */
import { type Changes, changed, isRecord, merged } from "./changes.js";
import type { SimOptions } from "./options.js";
import { simulate } from "./simulation.js";

/** The smallest options found that still break the same promise. */
export interface Shrunk {
  readonly changes: Changes;
  /** What of the run was tried. */
  readonly tried: number;
}

/** Runs a share of which, or the time between two of which, may be 0: then there is none. */
const SWITCHES = /(?:Share|Every|Max|Min|Mean)$/;

/** Numbers of things or lengths of time that may be halved, and the least of each. */
const HALVED = new Map([
  ["clientCount", 1],
  ["accountCount", 1],
  ["operationsPerClient", 1],
  ["burstMax", 1],
  ["safetyPhase", 1],
  ["livenessPhase", 10_000_000],
]);

/** Options whose zero would be another protocol, another clock or no network. */
const KEPT = new Set(["protocol", "datagramBytesMax", "segmentBytesMax", "tick"]);

/** Least of what must not be zero. */
const LEAST = new Map([
  ["burstMax", 1],
  ["retryTicksMin", 5],
  ["retryTicksMax", 20],
  ["thinkMean", 1_000],
  ["syncMean", 100],
  ["storeMean", 1_000],
]);

/**
 * Looks for fewer faults with which the run of `options` fails as it does. Takes one change after
 * another as long as any helps; each is one run, and there are at most `runsMax`.
 */
export function shrink(options: SimOptions, runsMax: number): Shrunk {
  const wanted = breachOf(options);
  let changes: Changes = {};
  let tried = 0;
  for (let isSmaller = wanted !== null; isSmaller;) {
    isSmaller = false;
    for (const change of candidates(changed(options, changes))) {
      if (tried >= runsMax) return { changes, tried };
      const next = merged(changes, change);
      tried += 1;
      if (breachOf(changed(options, next)) !== wanted) continue;
      changes = next;
      isSmaller = true;
    }
  }
  return { changes, tried };
}

/** Which promise the run breaks, or the name of its error; null when it passes. */
function breachOf(options: SimOptions): string | null {
  const { failure } = simulate(options);
  if (failure === null) return null;
  return "breach" in failure ? String(failure.breach) : failure.message;
}

/** Single changes that make `values` smaller, the ones that leave out most first. */
function candidates(values: object): Changes[] {
  const found: Changes[] = [];
  for (const [name, value] of Object.entries(values) as [string, unknown][]) {
    if (KEPT.has(name)) continue;
    if (isRecord(value)) found.push(...candidates(value).map((change) => ({ [name]: change })));
    else found.push(...smaller(name, value).map((change) => ({ [name]: change })));
  }
  return found;
}

function smaller(name: string, value: unknown): unknown[] {
  if (Array.isArray(value)) return smallerLists(value);
  if (typeof value === "boolean") return value ? [false] : [];
  if (typeof value !== "number") return [];
  const halvedTo = HALVED.get(name);
  if (halvedTo !== undefined) {
    const half = Math.max(halvedTo, Math.floor(value / 2));
    return half < value ? [half] : [];
  }
  const least = LEAST.get(name) ?? 0;
  return SWITCHES.test(name) && value > least ? [least] : [];
}

/** The list without all, without each one, and with each one made smaller. */
function smallerLists(list: readonly unknown[]): unknown[] {
  if (list.length === 0) return [];
  const without = list.map((_, index) => list.toSpliced(index, 1));
  const inside = list.flatMap((item, index) => {
    if (!isRecord(item)) return [];
    return candidates(item).map((change) => list.with(index, changed(item, change)));
  });
  return [[], ...(list.length > 1 ? without : []), ...inside];
}
