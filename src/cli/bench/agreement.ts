import type { Seq } from "../../core/base/ids.js";
import type { AccountRow } from "../../io/store.js";
import type { LoadClock } from "./load-clock.js";
import type { CustomerTable, MeasuredCluster } from "./measured-cluster.js";

/** Whether all replicas' databases hold the same customers and balances, and if not, why. */
export interface Agreement {
  readonly identical: boolean;
  /** One sentence for the report. */
  readonly explanation: string;
  /** Indexed by replica, as they were compared. */
  readonly tables: readonly CustomerTable[];
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
  cluster: MeasuredCluster,
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

function readTables(cluster: MeasuredCluster): Promise<CustomerTable[]> {
  const replicas = Array.from({ length: cluster.replicaCount }, (_, replica) => replica);
  return Promise.all(replicas.map((replica) => cluster.readTable(replica)));
}

function isLevel(tables: readonly CustomerTable[], seqMin: Seq): boolean {
  const seq = tables[0]?.seq ?? 0;
  return seq >= seqMin && tables.every((table) => table.seq === seq);
}

function notLevel(tables: readonly CustomerTable[], seqMin: Seq): Agreement {
  const seqs = tables.map((table) => table.seq.toString()).join(", ");
  const seconds = (WAIT_MICROS_MAX / 1_000_000).toString();
  const explanation =
    `after ${seconds} s the databases still held different batches: the last are ${seqs}, ` +
    `expected all alike and at least ${seqMin}`;
  return { identical: false, explanation, tables };
}

function compare(tables: readonly CustomerTable[]): Agreement {
  const seq = (tables[0]?.seq ?? 0).toString();
  const expected = rowTexts(tables[0]);
  for (const [replica, table] of tables.entries()) {
    const rows = rowTexts(table);
    const longer = rows.length > expected.length ? rows : expected;
    const at = longer.findIndex((_, index) => expected[index] !== rows[index]);
    if (at === -1) continue;
    const explanation =
      `after batch ${seq} the databases differ: replica 0 holds ${expected[at] ?? "no row"}, ` +
      `replica ${replica} holds ${rows[at] ?? "no row"}`;
    return { identical: false, explanation, tables };
  }
  const explanation = `all ${tables.length} databases hold the same rows after batch ${seq}`;
  return { identical: true, explanation, tables };
}

function rowTexts(table: CustomerTable | undefined): string[] {
  return (table?.accounts ?? []).map((row) => rowText(row));
}

/** Every column, unambiguously. */
function rowText(row: AccountRow): string {
  const { customerId, account, name, address, balance, owner } = row;
  return JSON.stringify([customerId, account, name, address, balance.toString(), owner]);
}
