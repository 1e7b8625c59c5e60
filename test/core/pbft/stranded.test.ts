import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { commit, prePrepare, sampleBatch, statusOf } from "./builders.js";
import { LoneReplica, sentOf, single } from "./lone-replica.js";

const batch = sampleBatch(1);

/** Replica 3, which has executed batch 1 of primary 0 and waits for nothing. */
function served(): LoneReplica {
  const lone = new LoneReplica({ self: 3 });
  lone.receive(0, prePrepare(0, 1, batch));
  for (const replica of [0, 1, 2]) lone.receive(replica, commit(0, 1, batch));
  lone.answer();
  assert.equal(lone.replica.executedSeq, 1);
  return lone;
}

/** Lets time pass in which `behind` go on saying that they executed nothing. */
function pass(lone: LoneReplica, ticks: number, behind: readonly number[]): void {
  for (let tick = 0; tick < ticks; tick += 1) {
    for (const replica of behind) lone.receive(replica, statusOf({ executedSeq: 0 }));
    lone.tick();
  }
}

function viewOf(lone: LoneReplica): number {
  lone.answer();
  return lone.replica.view;
}

describe("a replica that alone can vouch for a decision", () => {
  test("leaves the view once more than f others have lacked it for long (CK6, VC9)", () => {
    const lone = served();
    const { viewChangeTicksMax } = lone.options;
    pass(lone, viewChangeTicksMax, [1, 2]);
    assert.equal(viewOf(lone), 0, "not before the longest timeout of a view");
    pass(lone, 1, [1, 2]);
    const vote = single(sentOf(lone.answer(), "view-change"));
    assert.deepEqual([vote.view, lone.replica.viewChangeCounts.get("stranded")], [1, 1]);
  });

  test("stays where f others at most say so: they may be lying", () => {
    const lone = served();
    pass(lone, 3 * lone.options.viewChangeTicksMax, [1]);
    assert.equal(viewOf(lone), 0);
  });

  test("stays where nobody is heard: it may itself be cut off", () => {
    const lone = served();
    pass(lone, 1, [1, 2]);
    pass(lone, 3 * lone.options.viewChangeTicksMax, []);
    assert.equal(viewOf(lone), 0);
  });

  test("stays while it goes on executing: the others only lag", () => {
    const lone = served();
    const { viewChangeTicksMax } = lone.options;
    pass(lone, viewChangeTicksMax - 1, [1, 2]);
    const next = sampleBatch(2);
    lone.receive(0, prePrepare(0, 2, next));
    for (const replica of [0, 1, 2]) lone.receive(replica, commit(0, 2, next));
    lone.answer();
    pass(lone, viewChangeTicksMax - 1, [1, 2]);
    assert.equal(viewOf(lone), 0);
  });
});
