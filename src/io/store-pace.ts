import type { ReplicaId } from "../core/base/ids.js";
import type { Genesis } from "./config.js";

/**
 * Least time between the starts of two database transactions, in milliseconds, while batches come.
 * One costs some 0.7 ms of processor time and an fsync however little is in it: one for each lone
 * write was a third of what a replica did for that write, and one every 20 ms still a tenth.
 * Sessions, and the pages that accounts share, are hashed and written once for all their changes:
 * with 64 clients that write all the time one every 100 ms took a tenth of a replica's time more
 * than one a second, and one every 250 ms a twentieth.
 */
const TRANSACTION_INTERVAL_MS_MIN = 1_000;

/**
 * The most: what a crash may leave for the journal to replay, unless a checkpoint comes sooner or
 * no batch comes any more. Where changes are all over a million accounts each transaction writes
 * the whole table of balances, twice, and hashes the whole state.
 */
const TRANSACTION_INTERVAL_MS_MAX = 20_000;

/**
 * Time without a batch after which the load is taken to be over, and a database catches up. Longer
 * than a view change takes, which does not need four of them.
 */
const QUIET_MS = 1_500;

/** When a transaction begins, as a store runner is told. */
interface StorePace {
  readonly intervalMsMin: number;
  readonly intervalMsMax: number;
  readonly quietMs: number;
  readonly checkpointIntervalSlots: number;
  readonly lateSlots: number;
}

/**
 * How the database of replica `id` follows it. Each replica of a cluster writes what takes long
 * later behind a checkpoint than the one before it, so that fewer are busy with that at a time, and
 * databases that share a machine take less of its processors and its disk from each other. The last
 * one begins within half an interval, and the window ends after a whole one.
 * @param isStrict whether clients wait for the database: then it waits for nothing.
 */
export function storePaceOf(genesis: Genesis, id: ReplicaId, isStrict: boolean): StorePace {
  const { checkpointIntervalSlots } = genesis.settings;
  const lateSlots = Math.floor((checkpointIntervalSlots * id) / (2 * genesis.replicas.length));
  return {
    intervalMsMin: isStrict ? 0 : TRANSACTION_INTERVAL_MS_MIN,
    intervalMsMax: isStrict ? 0 : TRANSACTION_INTERVAL_MS_MAX,
    quietMs: QUIET_MS,
    checkpointIntervalSlots,
    lateSlots: isStrict ? 0 : lateSlots,
  };
}
