import type { Genesis } from "./config.js";

/**
 * Least time between the starts of two database transactions, in milliseconds. One costs some 0.7
 * ms of processor time and an fsync however little is in it: one for each lone write was a third of
 * what a replica did for that write, and one every 20 ms still a tenth. Sessions, and the pages
 * that accounts share, are written once for all their changes: with 64 clients that write all the
 * time one every 100 ms took a twentieth of it more than one every 250 ms.
 */
const TRANSACTION_INTERVAL_MS_MIN = 250;

/**
 * The most: what a crash may leave for the journal to replay, and `show` may lag behind, unless a
 * checkpoint comes sooner. Where changes are all over a million accounts each transaction writes
 * the whole table of balances, twice, and hashes the whole state.
 */
export const TRANSACTION_INTERVAL_MS_MAX = 8_000;

/** When a transaction begins, as a store runner is told. */
interface StorePace {
  readonly intervalMsMin: number;
  readonly intervalMsMax: number;
  readonly checkpointIntervalSlots: number;
}

/**
 * How a replica's database follows it.
 * @param isStrict whether clients wait for the database: then it waits for nothing.
 */
export function storePaceOf(settings: Genesis["settings"], isStrict: boolean): StorePace {
  return {
    intervalMsMin: isStrict ? 0 : TRANSACTION_INTERVAL_MS_MIN,
    intervalMsMax: isStrict ? 0 : TRANSACTION_INTERVAL_MS_MAX,
    checkpointIntervalSlots: settings.checkpointIntervalSlots,
  };
}
