import type { ReplicaId } from "../../../src/core/base/ids.js";
import {
  PRE_PREPARED_PER_SLOT_MAX,
  SESSIONS_PER_CLIENT_MAX,
} from "../../../src/core/base/limits.js";
import type { Held } from "../../../src/core/pbft/held.js";
import { Violation } from "../failure.js";
import type { SimOptions } from "../options.js";
import type { Core, Watcher } from "../watch.js";

/** What a replica keeps is looked at after one step in so many: it takes a walk over its log. */
const HELD_EVERY = 16;

/** Votes for checkpoints kept of one replica. */
const CHECKPOINT_VOTES_MAX = 4;

/** Batches of a slot beside those of its Q-entries: chosen, committed, prepared, and a new one. */
const BODIES_BESIDE_ENTRIES_MAX = 4;

/** Own checkpoints that are not of the window: the stable one, the one before it, two offered. */
const OWN_OUTSIDE_WINDOW_MAX = 4;

/**
 * Whatever others send, a correct replica keeps a bounded part of it (I11), and never goes back
 * (I6).
 */
export class Bounds implements Watcher {
  readonly #options: SimOptions;
  #steps = 0;
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

  /** Everything else that others can add to, per slot, per replica and per client. */
  #checkHeld(replica: ReplicaId, { held }: Core): void {
    const { checkpointIntervalSlots, pendingPerClientMax, windowSlots } = this.#options.protocol;
    const most: Held = {
      bodiesOfSlot: PRE_PREPARED_PER_SLOT_MAX + BODIES_BESIDE_ENTRIES_MAX,
      prePreparedOfSlot: PRE_PREPARED_PER_SLOT_MAX,
      checkpointVotesOfReplica: CHECKPOINT_VOTES_MAX,
      ownCheckpoints: windowSlots / checkpointIntervalSlots + OWN_OUTSIDE_WINDOW_MAX,
      pendingOfClient: pendingPerClientMax,
      sessionsOfClient: SESSIONS_PER_CLIENT_MAX,
    };
    for (const [kind, count] of Object.entries(held) as [keyof Held, number][]) {
      if (count <= most[kind]) continue;
      const sentence = `replica ${replica} keeps ${count} where ${most[kind]} are the most`;
      throw new Violation("I11 bounded memory", `${sentence}: ${kind}`);
    }
  }
}
