import type { Replica } from "../core/pbft/replica.js";
import type { HostProbe } from "./host-probe.js";
import type { Log } from "./log.js";

/** What a state log looks at; a part of `Replica`. */
type WatchedReplica = Pick<
  Replica,
  "view" | "primary" | "active" | "stableSeq" | "executedSeq" | "transferring" | "diverged"
> & { readonly viewChangeCounts: ReadonlyMap<string, number> };

/**
 * Tells the operator how a replica's state changes: one line for each change worth knowing, none
 * for an operation.
 */
export class StateLog implements HostProbe {
  readonly #replica: WatchedReplica;
  readonly #log: Log;
  #view: number;
  #isActive: boolean;
  #stable: number;
  #isTransferring = false;
  #isDiverged = false;
  #reasons: ReadonlyMap<string, number>;

  constructor(replica: WatchedReplica, log: Log) {
    this.#replica = replica;
    this.#log = log;
    this.#view = replica.view;
    this.#isActive = replica.active;
    this.#stable = replica.stableSeq;
    this.#reasons = new Map(replica.viewChangeCounts);
  }

  stepped(): void {
    const { view, active, stableSeq, transferring, diverged } = this.#replica;
    if (view !== this.#view || active !== this.#isActive) this.#onView(view, active);
    if (stableSeq !== this.#stable) {
      this.#stable = stableSeq;
      this.#log.info({ stable: stableSeq }, "stable checkpoint");
    }
    if (transferring !== this.#isTransferring) this.#onTransfer(transferring);
    if (diverged && !this.#isDiverged) {
      const words = "this replica's state differs from what a quorum agreed on";
      this.#log.error({ executed: this.#replica.executedSeq }, words);
    }
    this.#isDiverged = diverged;
  }

  #onView(view: number, isActive: boolean): void {
    const { primary, executedSeq: executed, viewChangeCounts } = this.#replica;
    this.#view = view;
    this.#isActive = isActive;
    if (isActive) {
      this.#log.info({ view, primary, executed }, "view installed");
      return;
    }
    const isMore = ([reason, count]: readonly [string, number]): boolean =>
      count > (this.#reasons.get(reason) ?? 0);
    const reason = [...viewChangeCounts].find(isMore)?.[0] ?? "others asked";
    this.#reasons = new Map(viewChangeCounts);
    this.#log.warn({ view, primary, executed, reason }, "view change started");
  }

  #onTransfer(isTransferring: boolean): void {
    const { executedSeq: executed } = this.#replica;
    this.#isTransferring = isTransferring;
    const words = isTransferring ? "state transfer started" : "state transfer ended";
    this.#log.info({ executed }, words);
  }
}
