import type { ReplicaId } from "../../../src/core/base/ids.js";
import {
  HELD_READS_BYTES_MAX,
  PLACES_PER_CLIENT_MAX,
  PRE_PREPARED_PER_SLOT_MAX,
  REASSEMBLY_BYTES_PER_CLIENT_MAX,
  REASSEMBLY_BYTES_PER_PEER_MAX,
  SESSIONS_PER_CLIENT_MAX,
} from "../../../src/core/base/limits.js";
import type { Held } from "../../../src/core/pbft/held.js";
import { HELD_EFFECTS_MAX } from "../../../src/io/effect-gate.js";
import { Violation } from "../failure.js";
import type { SimOptions } from "../options.js";
import { REASSEMBLY_TICKS_MAX } from "../process.js";
import type { Core, Kept, Watcher } from "../watch.js";

/** What a replica keeps is looked at after one step in so many: it takes a walk over its log. */
const HELD_EVERY = 16;

/** What its host keeps is looked at after one turn in so many. */
const KEPT_EVERY = 8;

/** Most that a host keeps around the core of what others send. */
const KEPT_MAX: Kept = {
  effects: HELD_EFFECTS_MAX,
  placesOfClient: PLACES_PER_CLIENT_MAX,
  fragmentBytesOfReplica: REASSEMBLY_BYTES_PER_PEER_MAX,
  fragmentBytesOfClient: REASSEMBLY_BYTES_PER_CLIENT_MAX,
  fragmentTicks: REASSEMBLY_TICKS_MAX,
};

/** Votes for checkpoints kept of one replica. */
const CHECKPOINT_VOTES_MAX = 4;

/** Batches of a slot beside those of its Q-entries: chosen, committed, prepared, and a new one. */
const BODIES_BESIDE_ENTRIES_MAX = 4;

/**
 * Own checkpoints that are not of the window: the stable one, the one before it, two offered.
 * Beside these one for each of the others, who may be fetching it.
 */
const OWN_OUTSIDE_WINDOW_MAX = 4;

/**
 * Whatever others send, a correct replica keeps a bounded part of it (I11), and never goes back
 * (I6).
 */
export class Bounds implements Watcher {
  readonly #options: SimOptions;
  #steps = 0;
  #turns = 0;
  readonly #last = new Map<ReplicaId, { core: Core; view: number; stable: number }>();

  constructor(options: SimOptions) {
    this.#options = options;
  }

  onStep(replica: ReplicaId, core: Core): void {
    const { protocol, clients, attackers } = this.#options;
    const clientCount = clients.clientCount + attackers.length;
    if (core.slotCount > protocol.windowSlots) {
      const sentence = `replica ${replica} keeps ${core.slotCount} slots, too many`;
      throw new Violation("I11 bounded memory", sentence);
    }
    if (core.pendingCount > protocol.pendingPerClientMax * clientCount) {
      const sentence = `replica ${replica} keeps ${core.pendingCount} requests`;
      throw new Violation("I11 bounded memory", sentence);
    }
    this.#steps += 1;
    if (this.#steps % HELD_EVERY === 0) this.#checkHeld(replica, core);
    const { view, stableSeq: stable } = core;
    const last = this.#last.get(replica);
    if (last?.core === core && (view < last.view || stable < last.stable)) {
      const sentence = `replica ${replica} goes back from view ${last.view}, stable ${last.stable}`;
      throw new Violation("I6 monotone", `${sentence} to view ${view}, stable ${stable}`);
    }
    if (last?.core === core && last.view === view && last.stable === stable) return;
    this.#last.set(replica, { core, view, stable });
  }

  onTurn(replica: ReplicaId, host: { readonly kept: Kept }): void {
    this.#turns += 1;
    if (this.#turns % KEPT_EVERY === 0) this.#compare(replica, host.kept, KEPT_MAX);
  }

  /** Everything else that others can add to, per slot, per replica and per client. */
  #checkHeld(replica: ReplicaId, { held }: Core): void {
    const { checkpointIntervalSlots, pendingPerClientMax, windowSlots } = this.#options.protocol;
    const others = this.#options.replicaCount - 1;
    this.#compare(replica, held, {
      bodiesOfSlot: PRE_PREPARED_PER_SLOT_MAX + BODIES_BESIDE_ENTRIES_MAX,
      prePreparedOfSlot: PRE_PREPARED_PER_SLOT_MAX,
      checkpointVotesOfReplica: CHECKPOINT_VOTES_MAX,
      ownCheckpoints: windowSlots / checkpointIntervalSlots + OWN_OUTSIDE_WINDOW_MAX + others,
      pendingOfClient: pendingPerClientMax,
      readBytes: HELD_READS_BYTES_MAX,
      sessionsOfClient: SESSIONS_PER_CLIENT_MAX,
    });
  }

  #compare<Counts extends Held | Kept>(replica: ReplicaId, counts: Counts, most: Counts): void {
    for (const kind of Object.keys(most) as (keyof Counts & string)[]) {
      const count = counts[kind] as number;
      const limit = most[kind] as number;
      if (count <= limit) continue;
      const sentence = `replica ${replica} keeps ${count} where ${limit} are the most`;
      throw new Violation("I11 bounded memory", `${sentence}: ${kind}`);
    }
  }
}
