import type { Digest } from "../base/hasher.js";
import type { ReplicaId, Ticks, View } from "../base/ids.js";
import type { NewView, ViewChange } from "../message.js";

/** The votes for later views, and where the present view change stands. */
export class ViewChangeBook {
  /** Per replica its vote for the highest view: bounded, whatever a peer sends (VC2). */
  readonly #votes: (ViewChange | null)[];

  /** The highest view that anybody votes for. */
  highestView: View = 0;
  /** When the new view must have been installed; null while fewer than Q voted (VT2). */
  newViewDeadline: Ticks | null = null;
  /** Whether a NEW-VIEW for the present view is at the signer. */
  signing = false;
  /** Batches that the present view change chose and that are not held here (A3). */
  missing: readonly Digest[] = [];
  /** Choices of the NEW-VIEW that do not fit the window yet (VC7). */
  unplaced: NewView["chosen"] = [];
  /** The largest number the NEW-VIEW carried over: what lies above it is new. */
  carriedSeqMax = 0;

  constructor(replicaCount: number) {
    this.#votes = new Array<ViewChange | null>(replicaCount).fill(null);
  }

  /**
   * Hands in a valid vote; its signer is its `replica`. Only a vote for a higher view replaces one.
   */
  add(vote: ViewChange): boolean {
    const held = this.#votes[vote.replica] ?? null;
    if (held !== null && held.view >= vote.view) return false;
    this.#votes[vote.replica] = vote;
    this.highestView = Math.max(this.highestView, vote.view);
    return true;
  }

  /** The vote of `replica` for `view`, or null. */
  voteOf(replica: ReplicaId, view: View): ViewChange | null {
    const vote = this.#votes[replica] ?? null;
    return vote?.view === view ? vote : null;
  }

  /** All votes for exactly `view`, ascending by replica. */
  votesFor(view: View): ViewChange[] {
    return this.#votes.filter((vote): vote is ViewChange => vote?.view === view);
  }

  /**
   * The views that replicas vote for and that are above `view`, ascending; one for each replica.
   */
  viewsAbove(view: View): View[] {
    const views: View[] = [];
    for (const vote of this.#votes) if (vote !== null && vote.view > view) views.push(vote.view);
    return views.sort((left, right) => left - right);
  }

  /** Bit i: replica i's vote for `view` is held. */
  mask(view: View): number {
    let mask = 0;
    for (const vote of this.votesFor(view)) mask |= 1 << vote.replica;
    return mask;
  }
}
