import { UsageError } from "../command.js";
import { iterationsMin } from "./partitions.js";
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
 * @param partitions how often each row cuts a replica off; null for what Table 1 does, and none in
 * rows of other iterations.
 * @throws UsageError when a count is not a whole number from 1 to 99,999,999, or a row is too short
 * for its partitions.
 */
export function planRows(
  iterations: string | null,
  kinds: readonly WorkloadKind[],
  partitions: number | null,
): RowPlan[] {
  const rows =
    iterations === null ? TABLE1_ROWS : kinds.flatMap((kind) => rowsOf(kind, iterations));
  if (rows.length > ROWS_MAX) throw new UsageError(`--iterations asks for over ${ROWS_MAX} rows`);
  return rows
    .filter((row) => kinds.includes(row.kind))
    .map((row) => longEnough({ ...row, partitionCount: partitions ?? row.partitionCount }));
}

function rowsOf(kind: WorkloadKind, iterations: string): RowPlan[] {
  const counts = iterations.split(",").map((text) => countOf(text.trim()));
  return counts.map((count) => ({ kind, iterations: count, partitionCount: 0 }));
}

function longEnough(row: RowPlan): RowPlan {
  const min = iterationsMin(row.partitionCount);
  if (row.iterations >= min) return row;
  throw new UsageError(
    `--iterations must be ${min} or more with --partitions ${row.partitionCount}`,
  );
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
