/*
 * The decision of a new view against histories that correct and faulty replicas could have had:
 * whatever can be committed anywhere is chosen for ever, and all correct votes together decide.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hexOf } from "../../../src/core/base/bytes.js";
import { quorumsOf } from "../../../src/core/base/quorum.js";
import type { CertificateEntry, ViewChange } from "../../../src/core/message.js";
import { decideNewView } from "../../../src/core/pbft/new-view-decision.js";
import { digestOf, entry, NULL_DIGEST, viewChangeOf } from "./builders.js";

/** Most Q-entries of one number that a replica keeps. */
const ENTRIES_MAX = 4;

/** What one correct replica remembers of one number. */
interface Memory {
  prepared: CertificateEntry | null;
  prePrepared: CertificateEntry[];
}

/** What is up to chance in one view: the answers to questions, taken in turn. */
class Chance {
  readonly #bits: readonly number[];
  #next = 0;

  constructor(bits: readonly number[]) {
    this.#bits = bits;
  }

  below(bound: number): number {
    this.#next += 1;
    return (this.#bits[this.#next % this.#bits.length] ?? 0) % bound;
  }

  /** A part of `values`, any of them. */
  some<T>(values: readonly T[]): T[] {
    return values.filter(() => this.below(3) > 0);
  }
}

/** A cluster whose last f replicas lie in whatever way helps to break it. */
class History {
  readonly quorums;
  readonly rules;
  readonly correct: readonly number[];
  readonly committed = new Map<number, string>();
  readonly #memories: Memory[][];
  readonly #seqs = [1, 2, 3];
  readonly #chance: Chance;

  constructor(replicaCount: number, chance: Chance) {
    this.quorums = quorumsOf(replicaCount);
    this.rules = { quorums: this.quorums, windowSlots: 8, checkpointIntervalSlots: 4 };
    const correctCount = replicaCount - this.quorums.faultsMax;
    this.correct = Array.from({ length: correctCount }, (_, id) => id);
    this.#chance = chance;
    this.#memories = this.correct.map(() => {
      return [0, 1, 2, 3].map(() => ({ prepared: null, prePrepared: [] }));
    });
  }

  /** The votes of all correct replicas for `view`. */
  correctVotes(view: number): ViewChange[] {
    return this.correct.map((replica) => {
      const memories = this.#seqs.map((seq) => this.#memory(replica, seq));
      return viewChangeOf(replica, view, {
        prepared: memories.flatMap(({ prepared }) => prepared ?? []),
        prePrepared: memories.flatMap(({ prePrepared }) => prePrepared),
      });
    });
  }

  /** What the faulty replicas claim: what somebody accepted, or anything else. */
  faultyVotes(view: number): ViewChange[] {
    const chance = this.#chance;
    const votes: ViewChange[] = [];
    for (let index = 0; index < this.quorums.faultsMax; index += 1) {
      const claims = chance.some(this.#seqs).map((seq) => this.#claim(view, seq));
      const replica = this.correct.length + index;
      const prepared = chance.below(4) > 0 ? claims : [];
      const prePrepared = chance.below(4) > 0 ? claims : [];
      votes.push(viewChangeOf(replica, view, { prepared, prePrepared }));
    }
    return votes;
  }

  #claim(view: number, seq: number): CertificateEntry {
    const seen = this.correct.flatMap((replica) => this.#memory(replica, seq).prePrepared);
    const known = seen[this.#chance.below(seen.length + 1)];
    if (known === undefined) return entry(seq, digestOf(99), this.#chance.below(view));
    const claimedView = this.#chance.below(2) === 0 ? known.view : this.#chance.below(view);
    return entry(seq, known.digest, claimedView);
  }

  /** A new primary's choice from the votes that reached it; nothing if they do not decide. */
  enter(view: number): void {
    const all = [...this.correctVotes(view), ...this.faultyVotes(view)];
    const shown = this.#chance.some(all);
    const decision = decideNewView(shown, this.rules, NULL_DIGEST);
    if (decision === null) return;
    const carriedOver = new Map(decision.chosen.map(({ seq, digest }) => [seq, hexOf(digest)]));
    for (const [seq, digest] of this.committed) {
      assert.equal(carriedOver.get(seq), digest, `what is committed at ${seq} is carried over`);
    }
    for (const { seq, digest } of decision.chosen) this.agree(view, seq, digest, this.correct);
    const carried = decision.chosen.at(-1)?.seq ?? 0;
    for (const seq of this.#seqs.filter((one) => one > carried)) this.order(view, seq);
  }

  /** A primary, faulty perhaps, orders something new: one batch or two. */
  order(view: number, seq: number): void {
    const first = this.#chance.some(this.correct);
    const second = this.correct.filter((replica) => !first.includes(replica));
    const digests = [digestOf(10 * view + seq), digestOf(10 * view + seq + 5), NULL_DIGEST];
    const at = this.#chance.below(3);
    this.agree(view, seq, digests[at] ?? NULL_DIGEST, first);
    if (this.#chance.below(2) === 0) {
      this.agree(view, seq, digests[(at + 1) % 3] ?? NULL_DIGEST, second);
    }
  }

  /** Some of `told` accept; those that may prepare and commit do, in part, with all liars' help. */
  agree(view: number, seq: number, digest: Uint8Array, told: readonly number[]): void {
    const { strong, faultsMax } = this.quorums;
    const accepted = this.#chance.some(told);
    for (const replica of accepted) {
      const memory = this.#memory(replica, seq);
      const others = memory.prePrepared.filter((one) => hexOf(one.digest) !== hexOf(digest));
      memory.prePrepared = [...others, entry(seq, digest, view)].slice(-ENTRIES_MAX);
    }
    if (accepted.length + faultsMax < strong) return;
    const prepared = this.#chance.some(accepted);
    for (const replica of prepared) this.#memory(replica, seq).prepared = entry(seq, digest, view);
    if (prepared.length + faultsMax < strong) return;
    const before = this.committed.get(seq);
    assert(before === undefined || before === hexOf(digest), `two batches committed at ${seq}`);
    this.committed.set(seq, hexOf(digest));
  }

  #memory(replica: number, seq: number): Memory {
    return this.#memories[replica]?.[seq] ?? assert.fail();
  }
}

const chances = fc.array(fc.nat(1_000), { minLength: 50, maxLength: 200 });

for (const replicaCount of [4, 5, 6, 7, 8]) {
  test(`with ${replicaCount} replicas nothing that may be committed is ever replaced`, () => {
    fc.assert(
      fc.property(chances, (bits) => {
        const chance = new Chance(bits);
        const history = new History(replicaCount, chance);
        for (const seq of [1, 2, 3]) history.order(0, seq);
        for (let view = 1; view <= 6; view += 1) history.enter(view);
      }),
      { numRuns: 150 },
    );
  });

  test(`with ${replicaCount} replicas the votes of all correct ones decide, whoever lies`, () => {
    fc.assert(
      fc.property(chances, (bits) => {
        const history = new History(replicaCount, new Chance(bits));
        for (const seq of [1, 2, 3]) history.order(0, seq);
        for (let view = 1; view <= 4; view += 1) {
          const correct = history.correctVotes(view);
          const all = [...correct, ...history.faultyVotes(view)];
          assert.notEqual(decideNewView(correct, history.rules, NULL_DIGEST), null);
          assert.notEqual(decideNewView(all, history.rules, NULL_DIGEST), null);
          history.enter(view);
        }
      }),
      { numRuns: 100 },
    );
  });
}

test("votes that decide still decide when more of them come", () => {
  fc.assert(
    fc.property(chances, fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6]), (bits, order) => {
      const history = new History(7, new Chance(bits));
      for (const seq of [1, 2, 3]) history.order(0, seq);
      for (let view = 1; view <= 3; view += 1) history.enter(view);
      const all = [...history.correctVotes(4), ...history.faultyVotes(4)];
      let hasDecided = false;
      for (let count = 1; count <= order.length; count += 1) {
        const shown = order.slice(0, count).map((index) => all[index] ?? assert.fail());
        const decides = decideNewView(shown, history.rules, NULL_DIGEST) !== null;
        assert(decides || !hasDecided);
        hasDecided ||= decides;
      }
    }),
  );
});
