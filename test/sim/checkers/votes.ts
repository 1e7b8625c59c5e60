import { bytesEqual } from "../../../src/core/base/bytes.js";
import type { Digest } from "../../../src/core/base/hasher.js";
import type { ReplicaId, Seq, View } from "../../../src/core/base/ids.js";
import type { ReplicaMessage } from "../../../src/core/message.js";
import { quorumsOf } from "../../../src/core/base/quorum.js";
import { Violation } from "../failure.js";
import type { SimOptions } from "../options.js";
import { describe, short } from "../story.js";
import type { Watcher } from "../watch.js";

/**
 * What a correct replica says on the network over all its lives: one digest for each view and
 * number (I5), nothing for a view below one that it voted for (I6), one vote for each view, and the
 * same checkpoint as every other correct replica (I10).
 */
export class Votes implements Watcher {
  readonly #said = new Map<string, Digest>();
  readonly #signed = new Map<string, Uint8Array>();
  readonly #options: SimOptions;
  readonly #votedView = new Map<ReplicaId, View>();
  readonly #checkpoints = new Map<Seq, Digest>();

  constructor(options: SimOptions) {
    this.#options = options;
  }

  onSend(replica: ReplicaId, message: ReplicaMessage): void {
    switch (message.kind) {
      case "pre-prepare":
        this.#vote(replica, message, message.batch.digest);
        break;
      case "prepare":
      case "commit":
        this.#vote(replica, message, message.digest);
        break;
      case "view-change":
        if (message.replica !== replica) break;
        this.#leave(replica, message.view);
        this.#signOnce(`view-change of ${replica} for ${message.view}`, message.bytes);
        break;
      case "new-view":
        // Those of others are passed on too, and a liar may have signed two.
        if (message.replica !== replica) break;
        this.#signOnce(`new-view of ${replica} for ${message.view}`, message.bytes);
        break;
      case "checkpoint":
        if (message.replica === replica) {
          this.#checkpoint(replica, message.seq, message.stateDigest);
        }
        break;
      default:
        break;
    }
  }

  /** Pre-prepare, prepare and commit of one view and number are for one digest (I5). */
  #vote(
    replica: ReplicaId,
    message: Extract<ReplicaMessage, { kind: "pre-prepare" | "prepare" | "commit" }>,
    digest: Digest,
  ): void {
    const { view, seq } = message;
    if (view < (this.#votedView.get(replica) ?? 0)) {
      const voted = this.#votedView.get(replica) ?? 0;
      const sentence = `replica ${replica} sends ${describe(message)} after leaving for ${voted}`;
      throw new Violation("I6 monotone", sentence);
    }
    const key = `${replica}/${view}/${seq}`;
    const said = this.#said.get(key);
    if (said === undefined) this.#said.set(key, digest);
    else if (!bytesEqual(said, digest)) {
      const sentence = `replica ${replica} sends ${describe(message)} after it said ${short(said)}`;
      throw new Violation("I5 one vote", sentence);
    }
  }

  #leave(replica: ReplicaId, view: View): void {
    const voted = this.#votedView.get(replica) ?? 0;
    if (view < voted) {
      const sentence = `replica ${replica} votes for view ${view} after its vote for ${voted}`;
      throw new Violation("I6 monotone", sentence);
    }
    if (view > voted) this.#checkCompany(replica, view);
    this.#votedView.set(replica, view);
  }

  /**
   * Nobody runs ahead through the views alone (VT2, VC10): the first correct replica that votes for
   * a view was in the one before, and has waited there until Q voted for it or a later one. Only a
   * wrong NEW-VIEW of a Byzantine primary lets it go on at once.
   */
  #checkCompany(replica: ReplicaId, view: View): void {
    const { replicaCount, byzantine } = this.#options;
    const before = view - 1;
    const voted = [...this.#votedView.values()];
    const isFirst = voted.every((other) => other < view);
    const isLed = byzantine.some(({ id }) => id === before % replicaCount);
    if (before < 1 || !isFirst || isLed) return;
    const others = [...this.#votedView].filter(([id, other]) => id !== replica && other >= before);
    if (1 + others.length >= quorumsOf(replicaCount).strong - byzantine.length) return;
    const sentence = `replica ${replica} votes for view ${view}, and ${others.length} others for`;
    throw new Violation("VT2 view synchronisation", `${sentence} ${before} or later`);
  }

  #signOnce(what: string, bytes: Uint8Array): void {
    const signed = this.#signed.get(what);
    if (signed === undefined) this.#signed.set(what, bytes);
    else if (!bytesEqual(signed, bytes))
      throw new Violation("I5 one vote", `there are two: ${what}`);
  }

  #checkpoint(replica: ReplicaId, seq: Seq, digest: Digest): void {
    const known = this.#checkpoints.get(seq);
    if (known === undefined) this.#checkpoints.set(seq, digest);
    else if (!bytesEqual(known, digest)) {
      const sentence = `replica ${replica} has another checkpoint ${seq} than others`;
      throw new Violation("I10 checkpoint", sentence);
    }
  }
}
