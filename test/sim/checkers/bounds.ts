import type { ReplicaId } from "../../../src/core/base/ids.js";
import { Violation } from "../failure.js";
import type { SimOptions } from "../options.js";
import type { Core, Watcher } from "../watch.js";

/**
 * Whatever others send, a correct replica keeps a bounded part of it (I11), and never goes back
 * (I6).
 */
export class Bounds implements Watcher {
  readonly #options: SimOptions;
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
    const { view, stableSeq: stable } = core;
    const last = this.#last.get(replica);
    if (last?.core === core && (view < last.view || stable < last.stable)) {
      const sentence = `replica ${replica} goes back from view ${last.view}, stable ${last.stable}`;
      throw new Violation("I6 monotone", `${sentence} to view ${view}, stable ${stable}`);
    }
    if (last?.core === core && last.view === view && last.stable === stable) return;
    this.#last.set(replica, { core, view, stable });
  }
}
