import { bytesEqual } from "../../../src/core/base/bytes.js";
import type { Digest } from "../../../src/core/base/hasher.js";
import type { ReplicaId, Seq, View } from "../../../src/core/base/ids.js";
import type { Checkpoint, NewView, ReplicaMessage, ViewChange } from "../../../src/core/message.js";
import { Violation } from "../failure.js";
import { describe } from "../story.js";
import type { Watcher } from "../watch.js";

/** All that one replica has signed so far, over all its lives. */
interface Signed {
  /** The digest of each checkpoint that it vouched for, in whatever message. */
  readonly checkpoints: Map<Seq, Digest>;
  /** Its votes for views, as bytes; and its announcements. */
  readonly votes: Map<View, ViewChange>;
  readonly newViews: Map<View, NewView>;
}

/**
 * A correct replica never signs what a third party could hold against it (I12): two votes or two
 * announcements for one view, two digests of one checkpoint, a vote that takes back what an earlier
 * one said, or an announcement for a view that it had left. Restarts are no excuse.
 */
export class Evidence implements Watcher {
  readonly #replicas = new Map<ReplicaId, Signed>();

  onSend(replica: ReplicaId, message: ReplicaMessage): void {
    // What others signed is passed on; liars among them may have signed anything.
    if (!("replica" in message) || message.replica !== replica) return;
    const signed = this.#of(replica);
    if (message.kind === "checkpoint") noteCheckpoint(signed, message, message);
    else if (message.kind === "view-change") noteVote(signed, message);
    else noteNewView(signed, message);
  }

  #of(replica: ReplicaId): Signed {
    const known = this.#replicas.get(replica);
    if (known !== undefined) return known;
    const signed = { checkpoints: new Map(), votes: new Map(), newViews: new Map() };
    this.#replicas.set(replica, signed);
    return signed;
  }
}

function noteCheckpoint(
  signed: Signed,
  { seq, stateDigest }: Pick<Checkpoint, "seq" | "stateDigest">,
  said: Checkpoint | ViewChange,
): void {
  const known = signed.checkpoints.get(seq);
  if (known === undefined) signed.checkpoints.set(seq, stateDigest);
  else if (!bytesEqual(known, stateDigest)) {
    fail(said, `which names another state after ${seq} than it signed before`);
  }
}

function noteVote(signed: Signed, vote: ViewChange): void {
  const known = signed.votes.get(vote.view);
  if (known !== undefined) {
    if (!bytesEqual(known.bytes, vote.bytes))
      fail(vote, "and has signed another one for that view");
    return;
  }
  for (const entry of vote.checkpoints) noteCheckpoint(signed, entry, vote);
  for (const other of signed.votes.values()) {
    if (other.view < vote.view) mustFollow(other, vote);
  }
  signed.votes.set(vote.view, vote);
}

/** A later vote knows what an earlier one did: what was prepared stays so until it is stable. */
function mustFollow(earlier: ViewChange, later: ViewChange): void {
  if (later.stableSeq < earlier.stableSeq)
    fail(later, `after it was stable at ${earlier.stableSeq}`);
  for (const entry of earlier.prepared) {
    if (entry.seq <= later.stableSeq) continue;
    const found = later.prepared.find(({ seq }) => seq === entry.seq);
    if (found === undefined || found.view < entry.view) {
      fail(later, `although ${entry.seq} had prepared in view ${entry.view}`);
    }
  }
}

function noteNewView(signed: Signed, newView: NewView): void {
  const known = signed.newViews.get(newView.view);
  if (known !== undefined) {
    const isSame = bytesEqual(known.bytes, newView.bytes);
    if (!isSame) fail(newView, "and has signed another one for that view");
    return;
  }
  for (const view of signed.votes.keys()) {
    if (view > newView.view) fail(newView, `after it voted for view ${view}`);
  }
  signed.newViews.set(newView.view, newView);
}

function fail(message: Checkpoint | ViewChange | NewView, why: string): never {
  const sentence = `replica ${message.replica} signs ${describe(message)}, ${why}`;
  throw new Violation("I12 evidence", sentence);
}
