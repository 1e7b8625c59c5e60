/*
 * What a replica that forgot its votes may have voted for (TOCS'02 section 4.7, estimation; rules
 * PR3, PR4). Pure: answers in, bounds out.
 *
 * `executedSeq` c and `view` v of a correct replica only grow, and it answers after the memory was
 * lost. So its answers are at least what it was at when this replica last voted, and:
 *
 *   seq    Where this replica had a stable checkpoint h, Q had executed h. Two quorums meet in a
 *          replica that is neither faulty nor has forgotten anything, so h is at most any c that is
 *          not below those of Q others. All votes were for numbers up to h + L.
 *   view   Let u be the highest view that Q had voted to enter. By the same argument u is at most
 *          any v that is not below those of Q others. Alone a correct replica gets from u to u + 1,
 *          and one view further for each view that a faulty primary announces wrongly: at most
 *          f - 1, because this replica is one of the f itself. All votes were for views up to
 *          u + f.
 *
 * Faulty answers may not raise a bound beyond reach: of W replicas one is correct. So W must have
 * prepared c, and W be at most f views behind v. Once all correct replicas have answered, both
 * holds: what one executed, W correct ones prepared; and W correct ones voted for u.
 */
import { assert } from "../base/assert.js";
import type { ReplicaId, Seq, View } from "../base/ids.js";
import type { Quorums } from "../base/quorum.js";
import type { RejoinAnswer } from "../message.js";

/** Up to where a replica may have voted before it forgot (RS4). */
export interface VoteBounds {
  /** H_R: the highest sequence number; a multiple of K. */
  readonly seq: Seq;
  /** V_R: the highest view. */
  readonly view: View;
}

/** What the bounds depend on besides the answers. */
interface EstimateRules {
  readonly quorums: Quorums;
  readonly checkpointIntervalSlots: number;
  readonly windowSlots: number;
}

interface Answers {
  /** From the first answer on: the lowest. */
  executedSeq: Seq;
  viewMin: View;
  /** The highest. */
  preparedSeq: Seq;
  viewMax: View;
}

/** Collects answers to one nonce until they bound what may have been voted for. */
export class RejoinEstimate {
  readonly #rules: EstimateRules;
  readonly #answers = new Map<ReplicaId, Answers>();

  constructor(rules: EstimateRules) {
    this.#rules = rules;
  }

  /** How many others have answered. */
  get answerCount(): number {
    return this.#answers.size;
  }

  /** Another replica tells where it is. */
  answered(replica: ReplicaId, m: RejoinAnswer): void {
    const held = this.#answers.get(replica);
    this.#answers.set(replica, {
      executedSeq: Math.min(held?.executedSeq ?? m.executedSeq, m.executedSeq),
      viewMin: Math.min(held?.viewMin ?? m.view, m.view),
      preparedSeq: Math.max(held?.preparedSeq ?? 0, m.preparedSeq),
      viewMax: Math.max(held?.viewMax ?? 0, m.view),
    });
  }

  /** The bounds, or null while more answers are needed. */
  bounds(): VoteBounds | null {
    const { quorums, checkpointIntervalSlots, windowSlots } = this.#rules;
    const { strong, weak, faultsMax } = quorums;
    const answers = [...this.#answers.values()];
    if (answers.length < strong) return null;
    const executedSeq = nth(answers, strong, (one) => one.executedSeq);
    const view = nth(answers, strong, (one) => one.viewMin);
    const preparedSeq = -nth(answers, weak, (one) => -one.preparedSeq);
    const viewReached = -nth(answers, weak, (one) => -one.viewMax);
    if (preparedSeq < executedSeq || viewReached + faultsMax < view) return null;
    const checkpointSeq = executedSeq - (executedSeq % checkpointIntervalSlots);
    return { seq: checkpointSeq + windowSlots, view: view + faultsMax };
  }
}

/** The `rank`th lowest value, from 1. */
function nth(answers: readonly Answers[], rank: number, of: (one: Answers) => number): number {
  const value = answers.map(of).sort((left, right) => left - right)[rank - 1];
  assert(value !== undefined, "there are that many answers");
  return value;
}
