import { assert } from "../base/assert.js";
import { bytesEqual } from "../base/bytes.js";
import type { Digest } from "../base/hasher.js";
import type { AppendId, Seq, Ticks, View } from "../base/ids.js";
import { FRESH_PER_SLOT_MAX, PRE_PREPARED_PER_SLOT_MAX } from "../base/limits.js";
import type { Batch, CertificateEntry } from "../message.js";
import { VoteSet } from "./vote-set.js";

/** Bodies of one sequence number that are kept without a look at what refers to them. */
const BODIES_UNSORTED_MAX = PRE_PREPARED_PER_SLOT_MAX + 1;

/** Whether a replica with these Q-entries for one sequence number accepts no other batch for it. */
export function isFull(entries: readonly CertificateEntry[], nullBatchDigest: Digest): boolean {
  const real = entries.filter((entry) => !bytesEqual(entry.digest, nullBatchDigest));
  return real.length >= FRESH_PER_SLOT_MAX;
}

/** Everything a replica knows about one sequence number of its window. */
export class Slot {
  readonly seq: Seq;
  readonly prepares: VoteSet;
  readonly commits: VoteSet;

  /** The view in which `acceptedDigest` was accepted; meaningful while that is not null. */
  acceptedView: View = 0;
  /** Digest of the pre-prepare accepted in `acceptedView` (NC4), or chosen by its NEW-VIEW. */
  acceptedDigest: Digest | null = null;
  /** Whether the Q-entry for the acceptance was appended: false while a chosen body is missing. */
  accepted = false;
  /** The append of that Q-entry. */
  acceptedAppend: AppendId = 0;
  /** When the batch was accepted, by the clock of what waits. */
  acceptedTicks: Ticks = 0;
  /** Whether this replica is prepared in `acceptedView` (NC6). */
  prepared = false;
  /** The append of the P-entry of `acceptedView`. */
  preparedAppend: AppendId = 0;
  /** The append that a reply about this batch must wait for (2.12, committed REPLY). */
  replyAppend: AppendId = 0;

  /** P: the last view in which a batch prepared here. */
  preparedEntry: CertificateEntry | null = null;
  /** Q: for each digest, the last view in which its pre-prepare was accepted; oldest view first. */
  prePrepared: CertificateEntry[] = [];

  /** The digest that is committed, once one is. It never changes again (I1). */
  committedDigest: Digest | null = null;
  /** The view whose COMMITs decided it; null if others vouched for it, or it was read back. */
  committedView: View | null = null;
  /** When it was, by the clock of what waits. */
  decidedTicks: Ticks = 0;
  /** The append of that decision. */
  committedAppend: AppendId = 0;
  /** Who vouched for which decision (RO4). View 0 throughout: a decision has none. */
  readonly vouchers: VoteSet;
  /** Since when W replicas are known to have committed what this replica has not accepted. */
  leftOutSinceTicks: Ticks | null = null;
  /** Whether the decision was asked for; a status asks again if the question was lost. */
  decisionAsked = false;
  /** Bit i: replica i asked for the decision before it was made here. */
  decisionAskersMask = 0;
  /** Bit i: the decision was sent to replica i since its last status. */
  decisionSentMask = 0;

  /** Few, so they are looked through. */
  #bodies: Batch[] = [];

  constructor(seq: Seq, replicaCount: number) {
    this.seq = seq;
    this.prepares = new VoteSet(replicaCount);
    this.commits = new VoteSet(replicaCount);
    this.vouchers = new VoteSet(replicaCount);
  }

  /** Makes `digest` the one of `view`: a pre-prepare came, or a NEW-VIEW chose it. */
  choose(view: View, digest: Digest): void {
    assert(this.acceptedDigest === null || view > this.acceptedView, "one digest per view (I5)");
    this.acceptedView = view;
    this.acceptedDigest = digest;
    this.accepted = false;
    this.prepared = false;
    this.leftOutSinceTicks = null;
    this.decisionAsked = false;
  }

  /** The digest chosen in `view`, or null. */
  chosenIn(view: View): Digest | null {
    return this.acceptedView === view ? this.acceptedDigest : null;
  }

  /** Whether this replica accepted a pre-prepare, body included, in `view`. */
  acceptedIn(view: View): boolean {
    return this.accepted && this.acceptedDigest !== null && this.acceptedView === view;
  }

  /** Whether this replica is prepared in `view`. */
  preparedIn(view: View): boolean {
    return this.prepared && this.acceptedView === view;
  }

  /**
   * Records the Q-entry for the digest accepted in `view`, a later one replacing its earlier view.
   */
  recordPrePrepared(view: View, digest: Digest): void {
    const others = this.prePrepared.filter((entry) => !bytesEqual(entry.digest, digest));
    others.push({ seq: this.seq, digest, view });
    this.prePrepared = others.slice(-PRE_PREPARED_PER_SLOT_MAX);
  }

  /**
   * Whether another batch may be accepted because a primary proposes it. To forget one for it could
   * leave a later view undecidable: who prepared the forgotten one needs to be vouched for (A2).
   * @param nullBatchDigest of the batch that always may.
   */
  hasRoomFor(digest: Digest, nullBatchDigest: Digest): boolean {
    if (bytesEqual(digest, nullBatchDigest)) return true;
    if (this.prePrepared.some((entry) => bytesEqual(entry.digest, digest))) return true;
    return !isFull(this.prePrepared, nullBatchDigest);
  }

  /** Keeps a body; bodies that no entry refers to are dropped when there are too many. */
  keepBody(batch: Batch): void {
    if (this.body(batch.digest) !== null) return;
    this.#bodies.push(batch);
    if (this.#bodies.length <= BODIES_UNSORTED_MAX) return;
    this.#bodies = this.#bodies.filter((body) => body === batch || this.#refersTo(body.digest));
  }

  /**
   * Keeps the body that was accepted, in the place of one with the same digest: signatures and
   * authenticators are not part of it, and those of a body that others vouched for prove nothing.
   */
  keepAccepted(batch: Batch): void {
    this.#bodies = this.#bodies.filter((body) => !bytesEqual(body.digest, batch.digest));
    this.keepBody(batch);
  }

  /** Bodies kept (I11). */
  get bodyCount(): number {
    return this.#bodies.length;
  }

  /** The body with `digest`, if it is held. */
  body(digest: Digest): Batch | null {
    return this.#bodies.find((body) => bytesEqual(body.digest, digest)) ?? null;
  }

  /** The batch that is decided, or null. */
  get decidedBatch(): Batch | null {
    if (this.committedDigest === null) return null;
    const batch = this.body(this.committedDigest);
    assert(batch !== null, "a slot is decided only with its body");
    return batch;
  }

  #refersTo(digest: Digest): boolean {
    const referred = [this.acceptedDigest, this.committedDigest, this.preparedEntry?.digest];
    for (const entry of this.prePrepared) referred.push(entry.digest);
    return referred.some(
      (other) => other !== null && other !== undefined && bytesEqual(other, digest),
    );
  }
}
