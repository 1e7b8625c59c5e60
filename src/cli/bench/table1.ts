import type { WorkloadKind } from "./workload.js";

/** One row of the table: what is done, how often, and what happens to replicas meanwhile. */
export interface RowPlan {
  readonly kind: WorkloadKind;
  /** Measured operations, 1 and up; the warm-up comes on top. */
  readonly iterations: number;
  /** How often a replica is cut off and healed, 0 and up; see `iterationsMin`. */
  readonly partitionCount: number;
}

/** The rows of the reference's Table 1. */
export const TABLE1_ROWS: readonly RowPlan[] = [
  { kind: "read-only", iterations: 1_000, partitionCount: 0 },
  { kind: "read-write", iterations: 1_000, partitionCount: 0 },
  { kind: "read-write", iterations: 5_000, partitionCount: 1 },
  { kind: "read-write", iterations: 10_000, partitionCount: 2 },
];

/** Published milliseconds per request of the reference system for a row of this kind. */
export const PUBLISHED_MEAN_MS: Readonly<Record<WorkloadKind, string>> = {
  "read-only": "1.34",
  "read-write": "2.31–2.56",
};

/** The same as numbers: from, to. */
export const PUBLISHED_MEAN_RANGE_MS = {
  "read-only": [1.34, 1.34],
  "read-write": [2.31, 2.56],
} as const;

/** What the reference's paper reports, to be printed wherever its figures stand beside ours. */
export const PUBLISHED_NOTE =
  "Published figures of the reference system are its authors' own, measured on five machines of " +
  "other hardware: 1.34 ms a read, 2.31 to 2.56 ms an operation of half reads and half writes. " +
  "Its Table 1: 1,000 iterations 3.15 s, no crash, 100\u00a0% consistent; 5,000 iterations " +
  "11.6 s, one crash, 80\u00a0%; 10,000 iterations 23.47 s, two crashes, 90\u00a0%.";

/** Most operations before a row that warm the cluster up and stay out of its figures. */
const WARM_UP_COUNT_MAX = 500;

/** Warm-up operations of a row; a short row gets a short one. */
export function warmUpCount(row: RowPlan): number {
  return Math.min(WARM_UP_COUNT_MAX, row.iterations);
}
