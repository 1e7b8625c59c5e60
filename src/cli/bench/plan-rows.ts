import { UsageError } from "../command.js";
import { TABLE1_ROWS } from "./table1.js";
import type { RowPlan } from "./table1.js";
import { WORKLOAD_KINDS } from "./workload.js";
import type { WorkloadKind } from "./workload.js";

const COUNT_PATTERN = /^[1-9]\d{0,7}$/;

/** Most rows of one run: a typing error must not start a day's work. */
const ROWS_MAX = 50;

/**
 * The rows to measure: those of Table 1, or one for each kind and each of the given iterations.
 * @param iterations counts separated by commas, or null for those of Table 1.
 * @throws UsageError when a count is not a whole number from 1 to 99,999,999.
 */
export function planRows(iterations: string | null, kinds: readonly WorkloadKind[]): RowPlan[] {
  if (iterations === null) return TABLE1_ROWS.filter((row) => kinds.includes(row.kind));
  const counts = iterations.split(",").map((text) => countOf(text.trim()));
  const rows = kinds.flatMap((kind) => counts.map((count) => ({ kind, iterations: count })));
  if (rows.length > ROWS_MAX) throw new UsageError(`--iterations asks for over ${ROWS_MAX} rows`);
  return rows;
}

/**
 * The kinds named in `text`, separated by commas, in the order of the table; null means all.
 * @throws UsageError when one is not a kind.
 */
export function parseKinds(text: string | null): WorkloadKind[] {
  if (text === null) return [...WORKLOAD_KINDS];
  const names = text.split(",").map((name) => name.trim());
  for (const name of names) {
    if (WORKLOAD_KINDS.some((kind) => kind === name)) continue;
    throw new UsageError(`--rows must be some of ${WORKLOAD_KINDS.join(",")}, not "${name}"`);
  }
  return WORKLOAD_KINDS.filter((kind) => names.includes(kind));
}

function countOf(text: string): number {
  if (COUNT_PATTERN.test(text)) return Number(text);
  throw new UsageError(
    `--iterations must be whole numbers from 1 to 99999999 separated by commas, not "${text}"`,
  );
}
