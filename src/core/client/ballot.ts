import { bytesEqual } from "../base/bytes.js";
import type { ReplicaId, View } from "../base/ids.js";

/** A reply as far as it counts: `seq` and `code` of an ordered one, 0 both of a read. */
interface Vote {
  readonly view: View;
  readonly seq: number;
  readonly code: number;
  readonly results: Uint8Array;
}

/** The replies to one request: the first of each replica counts (CL3). */
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
    if (this.#votes[replica] !== null) return;
    this.#votes[replica] = vote;
    this.#count += 1;
  }

  /** A reply that at least `quorum` replicas gave alike, or null (CL4). */
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
    const views = this.#alike(vote).map((other) => other.view);
    return views.sort((left, right) => right - left)[weak - 1] ?? 0;
  }

  /** Every reply that came. */
  votes(): Vote[] {
    return this.#votes.filter((vote): vote is Vote => vote !== null);
  }

  #alike(vote: Vote): Vote[] {
    return this.votes().filter((other) => isAlike(other, vote));
  }

  #alikeCount(vote: Vote): number {
    let count = 0;
    for (const other of this.#votes) if (other !== null && isAlike(other, vote)) count += 1;
    return count;
  }
}

function isAlike(left: Vote, right: Vote): boolean {
  return (
    left.seq === right.seq && left.code === right.code && bytesEqual(left.results, right.results)
  );
}
