import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { VoteSet } from "../../../src/core/pbft/vote-set.js";
import { digestOf } from "./builders.js";

const REPLICAS = 5;
const vote = fc.record({
  replica: fc.integer({ min: 0, max: REPLICAS - 1 }),
  view: fc.integer({ min: 0, max: 3 }),
  mark: fc.integer({ min: 1, max: 3 }),
});
type Vote = typeof vote extends fc.Arbitrary<infer T> ? T : never;

test("a replica has one vote: the first of the highest view it voted in (AU6)", () => {
  fc.assert(
    fc.property(fc.array(vote, { maxLength: 40 }), (votes) => {
      const set = new VoteSet(REPLICAS);
      const model = new Map<number, Vote>();
      for (const one of votes) {
        const held = model.get(one.replica);
        const outcome = set.add(one.replica, one.view, digestOf(one.mark));
        if (held === undefined || one.view > held.view) {
          assert.equal(outcome, "counted");
          model.set(one.replica, one);
        } else if (one.view < held.view) assert.equal(outcome, "stale");
        else assert.equal(outcome, one.mark === held.mark ? "duplicate" : "conflict");
      }
      for (let view = 0; view <= 3; view += 1) {
        const now = [...model.values()].filter((one) => one.view === view);
        let mask = 0;
        for (const { replica } of now) mask |= 1 << replica;
        assert.equal(set.mask(view), mask);
        for (let mark = 1; mark <= 3; mark += 1) {
          const alike = now.filter((one) => one.mark === mark);
          assert.equal(set.count(view, digestOf(mark)), alike.length);
          const others = alike.filter(({ replica }) => replica !== 2);
          assert.equal(set.count(view, digestOf(mark), 2), others.length);
        }
        for (let replica = 0; replica < REPLICAS; replica += 1) {
          const held = now.find((one) => one.replica === replica);
          const expected = held === undefined ? null : digestOf(held.mark);
          assert.deepEqual(set.voteOf(replica, view), expected);
        }
      }
    }),
  );
});

test("agreement takes a quorum of one view and one digest", () => {
  fc.assert(
    fc.property(
      fc.array(vote, { maxLength: 20 }),
      fc.integer({ min: 1, max: 5 }),
      (votes, quorum) => {
        const set = new VoteSet(REPLICAS);
        const model = new Map<number, Vote>();
        for (const one of votes) {
          if (set.add(one.replica, one.view, digestOf(one.mark)) === "counted") {
            model.set(one.replica, one);
          }
        }
        const counts = new Map<string, number>();
        for (const { view, mark } of model.values()) {
          const key = `${view}/${mark}`;
          counts.set(key, (counts.get(key) ?? 0) + 1);
        }
        const isAgreed = [...counts.values()].some((count) => count >= quorum);
        assert.equal(set.agreed(quorum) !== null, isAgreed);
      },
    ),
  );
});

test("of what several quorums agreed on the highest view counts", () => {
  for (const newer of [0, 3]) {
    const set = new VoteSet(6);
    for (let replica = 0; replica < 6; replica += 1) {
      const view = replica >= newer && replica < newer + 3 ? 1 : 0;
      set.add(replica, view, digestOf(view));
    }
    assert.deepEqual(set.agreed(3), { view: 1, digest: digestOf(1) });
  }
});
