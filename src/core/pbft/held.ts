import type { State } from "./state.js";

/**
 * How much a replica keeps of each kind of thing that others can add to (I11). Each number has a
 * bound that no sender can move, however much it sends.
 */
export interface Held {
  /** Batches of the slot that has most: what its entries refer to, and a new one. */
  readonly bodiesOfSlot: number;
  /** Q-entries of the slot that has most: at most PRE_PREPARED_PER_SLOT_MAX. */
  readonly prePreparedOfSlot: number;
  /** Votes for checkpoints of the replica that has most: at most VOTES_PER_REPLICA_MAX. */
  readonly checkpointVotesOfReplica: number;
  /** Own checkpoints: those of a window, the one below it, two offered, one for each other. */
  readonly ownCheckpoints: number;
  /** Waiting requests of the client that has most: at most `pendingPerClientMax`. */
  readonly pendingOfClient: number;
  /** Reads that wait for a batch, in bytes: a mebibyte at most. */
  readonly readBytes: number;
  /** Sessions of the client that has most: at most SESSIONS_PER_CLIENT_MAX. */
  readonly sessionsOfClient: number;
}

/** Counts what `s` keeps; walks the log, so it is not for every event. */
export function heldBy(s: State): Held {
  const slots = s.log.slots();
  return {
    bodiesOfSlot: most(slots, (slot) => slot.bodyCount),
    prePreparedOfSlot: most(slots, (slot) => slot.prePrepared.length),
    checkpointVotesOfReplica: s.checkpoints.votesOfReplicaMost,
    ownCheckpoints: s.checkpoints.own().length,
    pendingOfClient: s.pool.ofClientMost,
    readBytes: s.heldReads.size,
    sessionsOfClient: s.clients.ofClientMost,
  };
}

function most<Item>(items: readonly Item[], count: (item: Item) => number): number {
  return items.reduce((largest, item) => Math.max(largest, count(item)), 0);
}
