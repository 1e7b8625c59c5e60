import type { Seq } from "../../core/base/ids.js";
import type { AccountRow } from "../../io/store.js";
import type { LoadClock } from "./load-clock.js";
import type { ObservedCluster, ReplicaTable } from "./measured-cluster.js";

/** Whether all replicas hold the same customers and balances, and if not, why. */
export interface Agreement {
  readonly identical: boolean;
  /** One clause for the report. */
  readonly explanation: string;
  /** Indexed by replica, as they were compared; null where there was none. */
  readonly tables: readonly (ReplicaTable | null)[];
}

/** Longest wait for the slowest database. A database that lags more than this is in trouble. */
const WAIT_MICROS_MAX = 15_000_000;

/** Pause between two looks at the databases. */
const PAUSE_MICROS = 25_000;

/**
 * Waits until every replica's database holds the same batches, at least up to `seqMin`, and then
 * compares the customer tables. Only what the databases themselves say counts.
 */
export async function awaitAgreement(
  cluster: ObservedCluster,
  seqMin: Seq,
  clock: LoadClock,
  signal: AbortSignal,
): Promise<Agreement> {
  const deadlineMicros = clock.nowMicros() + WAIT_MICROS_MAX;
  let tables = await readTables(cluster);
  while (!isLevel(tables, seqMin) && clock.nowMicros() < deadlineMicros) {
    await clock.sleepUntil(clock.nowMicros() + PAUSE_MICROS, signal);
    tables = await readTables(cluster);
  }
  return isLevel(tables, seqMin) ? compare(tables) : notLevel(tables, seqMin);
}

function readTables(cluster: ObservedCluster): Promise<(ReplicaTable | null)[]> {
  const replicas = Array.from({ length: cluster.replicaCount }, (_, replica) => replica);
  return Promise.all(replicas.map((replica) => cluster.readTable(replica)));
}

function isLevel(
  tables: readonly (ReplicaTable | null)[],
  seqMin: Seq,
): tables is readonly ReplicaTable[] {
  const seq = tables[0]?.seq ?? 0;
  return seq >= seqMin && tables.every((table) => table?.seq === seq);
}

function notLevel(tables: readonly (ReplicaTable | null)[], seqMin: Seq): Agreement {
  const seqs = tables.map((table) => table?.seq ?? "unknown").join(", ");
  const seconds = WAIT_MICROS_MAX / 1_000_000;
  const explanation =
    `after ${seconds} s the replicas still held different batches: the last are ${seqs}, ` +
    `expected all alike and at least ${seqMin}`;
  return { identical: false, explanation, tables };
}

function compare(tables: readonly ReplicaTable[]): Agreement {
  const [first] = tables;
  const batch = `after batch ${first?.seq ?? 0}`;
  for (const [replica, table] of tables.entries()) {
    const difference = first === undefined ? null : differenceOf(first, table);
    if (difference === null) continue;
    const [left, right] = difference;
    const explanation = `${batch} replica 0 holds ${left}, replica ${replica} holds ${right}`;
    return { identical: false, explanation, tables };
  }
  const held =
    first?.root === null ? "databases hold the same rows" : "replicas name one state root";
  return { identical: true, explanation: `${batch} all ${tables.length} ${held}`, tables };
}

/** What the two hold where they first differ, or null when they do not. */
function differenceOf(left: ReplicaTable, right: ReplicaTable): readonly [string, string] | null {
  if (left.root !== right.root) return [rootText(left), rootText(right)];
  const [longer, shorter] =
    left.accounts.length >= right.accounts.length
      ? [left.accounts, right.accounts]
      : [right.accounts, left.accounts];
  const index = longer.findIndex((row, at) => rowText(row) !== rowText(shorter[at]));
  return index === -1 ? null : [rowText(left.accounts[index]), rowText(right.accounts[index])];
}

function rootText(table: ReplicaTable): string {
  return table.root === null ? "a database" : `state ${table.root}`;
}

/** Every column, unambiguously. */
function rowText(row: AccountRow | undefined): string {
  if (row === undefined) return "no row";
  const { customerId, account, name, address, balance, owner } = row;
  return JSON.stringify([customerId, account, name, address, balance.toString(), owner]);
}
