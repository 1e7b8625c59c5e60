import assert from "node:assert/strict";
import { test } from "node:test";
import { Ballot } from "../../../src/core/client/ballot.js";
import { ReplyCode } from "../../../src/core/message.js";

function vote(
  mark: number,
  view = 0,
): { view: number; seq: number; code: number; results: Uint8Array } {
  return { view, seq: 1, code: 0, results: Uint8Array.of(mark) };
}

test("a quorum of equal replies agrees, whatever view they come from (CL3, CL4)", () => {
  const ballot = new Ballot(4);
  ballot.add(0, vote(1, 0));
  ballot.add(1, vote(1, 3));
  assert.equal(ballot.agreed(3), null);
  ballot.add(2, vote(2));
  assert.equal(ballot.agreed(3), null);
  ballot.add(3, vote(1, 2));
  assert.deepEqual(ballot.agreed(3)?.results, Uint8Array.of(1));
});

test("the first reply of a replica counts, and no other (CL3)", () => {
  const ballot = new Ballot(4);
  for (const mark of [1, 2, 2]) ballot.add(0, vote(mark));
  ballot.add(1, vote(2));
  ballot.add(2, vote(2));
  assert.equal(ballot.count, 3);
  assert.equal(ballot.agreed(3), null);
  assert.deepEqual(ballot.agreed(2)?.results, Uint8Array.of(2));
});

function tentative(mark: number, view = 0): ReturnType<typeof vote> {
  return { ...vote(mark, view), code: ReplyCode.tentative };
}

test("tentative replies count only with those of their own view (EX3, CL4)", () => {
  const ballot = new Ballot(4);
  ballot.add(0, tentative(1, 0));
  ballot.add(1, tentative(1, 1));
  ballot.add(2, tentative(1, 0));
  assert.equal(ballot.agreed(3), null, "prepared in two views is not decided");
  ballot.add(1, tentative(1, 0));
  assert.equal(ballot.agreed(3), null, "what is older does not take the place of what is newer");
  ballot.add(3, tentative(1, 0));
  assert.equal(ballot.agreed(3)?.code, ReplyCode.tentative);
});

test("who moves on to a later view, or executes the batch, is counted there (CL3)", () => {
  const ballot = new Ballot(4);
  for (const replica of [0, 1]) ballot.add(replica, tentative(1, 0));
  for (const replica of [0, 1]) ballot.add(replica, tentative(1, 1));
  ballot.add(2, tentative(1, 1));
  assert.equal(ballot.count, 3);
  assert.equal(ballot.agreed(3)?.view, 1);
  for (const replica of [0, 1, 2]) ballot.add(replica, vote(1, 5));
  assert.equal(ballot.agreed(3)?.code, ReplyCode.executed);
});

test("a reply to what was executed confirms tentative ones, and they do not confirm it", () => {
  const ballot = new Ballot(4);
  ballot.add(0, vote(1, 7));
  ballot.add(1, tentative(1, 3));
  assert.equal(ballot.agreed(2)?.code, ReplyCode.tentative);
  ballot.add(2, tentative(1, 4));
  assert.equal(ballot.agreed(3), null);
  ballot.add(3, tentative(1, 4));
  assert.deepEqual([ballot.agreed(3)?.code, ballot.agreed(3)?.view], [ReplyCode.tentative, 4]);
});

test("a tentative reply confirms no other result and no other number", () => {
  const ballot = new Ballot(4);
  ballot.add(0, tentative(1));
  ballot.add(1, tentative(2));
  ballot.add(2, { ...tentative(1), seq: 2 });
  assert.equal(ballot.agreed(2), null);
});

test("replies differ by number and code too", () => {
  const ballot = new Ballot(4);
  ballot.add(0, vote(1));
  ballot.add(1, { ...vote(1), seq: 2 });
  ballot.add(2, { ...vote(1), code: 1 });
  assert.equal(ballot.agreed(2), null);
});

test("the view is one that f + 1 of those who agree have reached (CL7)", () => {
  const ballot = new Ballot(4);
  const agreed = vote(1, 1);
  ballot.add(0, agreed);
  ballot.add(1, vote(1, 2));
  ballot.add(2, vote(1, 900));
  ballot.add(3, vote(2, 900));
  assert.equal(ballot.viewOf(agreed, 2), 2, "one liar can't name a view that nobody else reached");
});
