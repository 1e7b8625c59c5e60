import { assert } from "../base/assert.js";
import type { ReplicaId, Ticks } from "../base/ids.js";
import { BATCH_BYTES_MAX, BATCH_REQUESTS_MAX, WINDOW_SLOTS_MAX } from "../base/limits.js";
import { REPLICAS_MAX, REPLICAS_MIN } from "../base/quorum.js";

/**
 * Settings of one replica; all but `self` and `tentativeReplies` are the same at every replica of a
 * cluster.
 */
export interface ReplicaOptions {
  readonly self: ReplicaId;
  /** n, 4 (included) to 31 (included). */
  readonly replicaCount: number;
  /** Client identities in the genesis file, 1 and up. */
  readonly clientCount: number;
  /** K: a checkpoint is taken at every multiple of it. */
  readonly checkpointIntervalSlots: number;
  /**
   * L: how far above the last stable checkpoint sequence numbers may go; 2K or a larger multiple of
   * K. So a full window ends with a checkpoint: a cluster that was killed as a whole, with all its
   * votes for the earlier ones, still gets to one that it can agree on.
   */
  readonly windowSlots: number;
  /** Batches the primary keeps in flight before it waits for one to be executed (BA2). */
  readonly batchesInFlightMax: number;
  /** Most requests of one batch. */
  readonly batchRequestsMax: number;
  /** Largest batch, in bytes of requests. */
  readonly batchBytesMax: number;
  /** Requests of one client that may wait here at a time (RB2). */
  readonly pendingPerClientMax: number;
  /**
   * T: how long a request may wait, and how long a new view may take, before it is voted out (VT1,
   * VT2).
   */
  readonly viewChangeTicks: Ticks;
  /** Most that doubling may make of T (VT5). */
  readonly viewChangeTicksMax: Ticks;
  /**
   * Time without progress after which a replica with unfinished work asks for what it lacks (RT1).
   */
  readonly stalledStatusTicks: Ticks;
  /** Time between the statuses of an idle replica (CK6). */
  readonly idleStatusTicks: Ticks;
  /** Whether batches are answered once they are prepared (EX3); replicas may differ. */
  readonly tentativeReplies: boolean;
}

/** Values that suit one machine or one network; a tick is 10 ms. */
export const REPLICA_OPTIONS_DEFAULT = {
  checkpointIntervalSlots: 128,
  windowSlots: 256,
  batchesInFlightMax: 8,
  batchRequestsMax: BATCH_REQUESTS_MAX,
  batchBytesMax: BATCH_BYTES_MAX / 4,
  pendingPerClientMax: 64,
  viewChangeTicks: 80,
  viewChangeTicksMax: 640,
  stalledStatusTicks: 5,
  idleStatusTicks: 50,
} as const satisfies Partial<ReplicaOptions>;

/**
 * @throws InvariantError when settings contradict each other: the genesis loader has checked them.
 */
export function checkOptions(options: ReplicaOptions): void {
  const { self, replicaCount, windowSlots, checkpointIntervalSlots } = options;
  assert(replicaCount >= REPLICAS_MIN && replicaCount <= REPLICAS_MAX, "4 to 31 replicas");
  assert(self >= 0 && self < replicaCount, "self is one of the replicas");
  assert(options.clientCount >= 1, "there is a client");
  assert(checkpointIntervalSlots >= 1, "checkpoints are taken");
  assert(windowSlots >= 2 * checkpointIntervalSlots, "the window spans two checkpoint intervals");
  assert(windowSlots % checkpointIntervalSlots === 0, "the window ends with a checkpoint");
  assert(windowSlots <= WINDOW_SLOTS_MAX, "a vote can list the whole window");
  assert(options.batchesInFlightMax >= 1, "a batch may be in flight");
  assert(options.batchRequestsMax >= 1, "a batch may hold a request");
  assert(options.batchRequestsMax <= BATCH_REQUESTS_MAX, "a batch stays decodable");
  assert(options.batchBytesMax <= BATCH_BYTES_MAX, "a batch fits a message");
  assert(options.pendingPerClientMax >= 1, "a client may have a request pending");
  assert(options.viewChangeTicks > 2 * options.stalledStatusTicks, "asking comes before voting");
  assert(options.viewChangeTicksMax >= options.viewChangeTicks, "the cap is above the start");
  assert(options.idleStatusTicks >= options.stalledStatusTicks, "an idle replica asks less often");
}
