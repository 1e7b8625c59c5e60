import { bytesEqual } from "../base/bytes.js";
import type { Digest } from "../base/hasher.js";
import type { ReplicaId, View } from "../base/ids.js";

interface Vote {
  readonly view: View;
  readonly digest: Digest;
}

/** What became of a vote that was handed in. */
type VoteOutcome = "counted" | "duplicate" | "conflict" | "stale";

/**
 * The votes of one type for one sequence number: one per replica, that of the highest view it voted
 * in. Within a view the first vote stands (AU6). Bounded by the number of replicas, whatever a peer
 * sends: a vote for a far view only costs its own sender the present one.
 */
export class VoteSet {
  readonly #votes: (Vote | null)[];

  constructor(replicaCount: number) {
    this.#votes = new Array<Vote | null>(replicaCount).fill(null);
  }

  /** Hands in the vote of `replica`, the principal that authenticated it (AU5). */
  add(replica: ReplicaId, view: View, digest: Digest): VoteOutcome {
    const held = this.#votes[replica] ?? null;
    if (held !== null && held.view > view) return "stale";
    if (held?.view === view) return bytesEqual(held.digest, digest) ? "duplicate" : "conflict";
    this.#votes[replica] = { view, digest };
    return "counted";
  }

  /** Number of replicas that voted for `digest` in `view`, not counting `except`. */
  count(view: View, digest: Digest, except: ReplicaId | null = null): number {
    let count = 0;
    for (const [replica, vote] of this.#votes.entries()) {
      if (vote?.view !== view || replica === except) continue;
      if (bytesEqual(vote.digest, digest)) count += 1;
    }
    return count;
  }

  /** What at least `quorum` replicas voted for in one view, the highest of several; or null. */
  agreed(quorum: number): Vote | null {
    let agreed: Vote | null = null;
    for (const vote of this.#votes) {
      if (vote === null || (agreed !== null && vote.view <= agreed.view)) continue;
      if (this.count(vote.view, vote.digest) >= quorum) agreed = vote;
    }
    return agreed;
  }

  /** Bit i: replica i's vote in `view` is held. */
  mask(view: View): number {
    let mask = 0;
    for (const [replica, vote] of this.#votes.entries()) {
      if (vote?.view === view) mask |= 1 << replica;
    }
    return mask;
  }

  /** The digest `replica` voted for in `view`, or null. */
  voteOf(replica: ReplicaId, view: View): Digest | null {
    const vote = this.#votes[replica] ?? null;
    return vote?.view === view ? vote.digest : null;
  }

  /** Forgets every vote. */
  clear(): void {
    this.#votes.fill(null);
  }
}
