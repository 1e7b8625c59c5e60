import { bytesEqual } from "../base/bytes.js";
import type { ReplicaId, View } from "../base/ids.js";
import { ReplyCode } from "../message.js";

/** A reply as far as it counts: `seq` and `code` of an ordered one, 0 both of a read. */
interface Vote {
  readonly view: View;
  readonly seq: number;
  readonly code: number;
  readonly results: Uint8Array;
}

/**
 * The replies to one request: one of each replica counts, the first or what is worth more than that
 * (CL3).
 */
export class Ballot {
  readonly #votes: (Vote | null)[];
  #count = 0;

  constructor(replicaCount: number) {
    this.#votes = new Array<Vote | null>(replicaCount).fill(null);
  }

  /** Replicas that replied. */
  get count(): number {
    return this.#count;
  }

  /** Hands in the reply of `replica`, the principal that authenticated it. */
  add(replica: ReplicaId, vote: Vote): void {
    const former = this.#votes[replica];
    if (former === undefined) return;
    if (former === null) this.#count += 1;
    else if (!isWorthMore(vote, former)) return;
    this.#votes[replica] = vote;
  }

  /** A reply that at least `quorum` replicas gave alike or confirm, or null (CL4). */
  agreed(quorum: number): Vote | null {
    if (this.#count < quorum) return null;
    for (const vote of this.#votes) {
      if (vote !== null && this.#alikeCount(vote) >= quorum) return vote;
    }
    return null;
  }

  /**
   * A view that at least `weak` of the replicas that agree with `vote` have reached: one of them is
   * correct, so the view exists (CL7).
   */
  viewOf(vote: Vote, weak: number): View {
    let view: View = 0;
    for (const one of this.#votes) {
      if (one === null || one.view <= view || !confirms(one, vote)) continue;
      if (this.#alikeCount(vote, one.view) >= weak) view = one.view;
    }
    return view;
  }

  /** Every reply that came. */
  votes(): Vote[] {
    return this.#votes.filter((vote): vote is Vote => vote !== null);
  }

  /** How many agree with `vote` and have reached view `viewMin`. */
  #alikeCount(vote: Vote, viewMin: View = 0): number {
    let count = 0;
    for (const other of this.#votes) {
      if (other !== null && other.view >= viewMin && confirms(other, vote)) count += 1;
    }
    return count;
  }
}

/** Who executed a batch, or is prepared in a later view, says more than it did before. */
function isWorthMore(vote: Vote, former: Vote): boolean {
  if (former.code !== ReplyCode.tentative) return false;
  return vote.code !== ReplyCode.tentative || vote.view > former.view;
}

/**
 * Whether `other` says what `vote` says, or more. A tentative reply counts only with those of its
 * own view, for prepared in different views proves nothing; but who executed the batch confirms it.
 */
function confirms(other: Vote, vote: Vote): boolean {
  if (other.seq !== vote.seq || !bytesEqual(other.results, vote.results)) return false;
  if (vote.code !== ReplyCode.tentative) return other.code === vote.code;
  if (other.code === ReplyCode.tentative) return other.view === vote.view;
  return other.code === ReplyCode.executed;
}
