import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TurnBudget } from "../../../src/io/turn-budget.js";
import { steps, Turns } from "./turns.js";

describe("the budget of a turn", () => {
  test("steps that fit are all made at once", () => {
    const turns = new Turns(0.1);
    const made: number[] = [];
    const outcome = turns.budget.attempt(steps(10, (step) => made.push(step)));
    assert.notEqual(outcome, null);
    assert.equal(made.length, 10);
  });

  test("all work of a turn shares it, and the next turn has its own", async () => {
    const turns = new Turns();
    const made: string[] = [];
    assert.equal(turns.budget.attempt(steps(2, (step) => made.push(`a ${step}`))), null);
    assert.equal(turns.budget.attempt(steps(1, (step) => made.push(`b ${step}`))), null);
    assert.deepEqual(made, ["a 1"], "what comes second has no time left");
    await turns.pass(1);
    assert.notEqual(turns.budget.attempt(steps(1, (step) => made.push(`c ${step}`))), null);
    assert.deepEqual(made, ["a 1", "c 1"]);
  });

  test("what a turn took before leaves less of it, and one step at least", async () => {
    const turns = new Turns(0.5);
    const madeAfter = async (turnMs: number): Promise<number> => {
      let made = 0;
      turns.turnMs = turnMs;
      assert.equal(turns.budget.attempt(steps(10, () => (made += 1))), null);
      await turns.pass(1);
      return made;
    };
    assert.equal(await madeAfter(0), 4);
    assert.equal(await madeAfter(2), 4, "which is for other things than steps");
    assert.equal(await madeAfter(2.75), 3);
    assert.equal(await madeAfter(3.75), 1);
    assert.equal(await madeAfter(50), 1);
  });

  test("what is to be completed goes on turn by turn", async () => {
    const turns = new Turns();
    const made: number[] = [];
    const work = steps(3, (step) => made.push(step));
    const completed = turns.budget.complete(work);
    assert.deepEqual(made, [1]);
    await turns.pass(1);
    assert.deepEqual(made, [1, 2]);
    await turns.pass(1);
    await completed;
    assert.deepEqual(made, [1, 2, 3]);
  });

  test("gives what steps come to", async () => {
    function* sum(): Generator<void, number> {
      yield;
      return 7;
    }
    assert.equal(await new TurnBudget().complete(sum()), 7);
  });

  test("what trickles makes one step a turn, whatever that has taken, and counts", async () => {
    const turns = new Turns(100);
    const made: string[] = [];
    turns.budget.attempt(steps(2, (step) => made.push(`a ${step}`)));
    const trickled = turns.budget.trickle(steps(3, (step) => made.push(`b ${step}`)));
    assert.deepEqual(made, ["a 1", "b 1"]);
    await turns.pass(1);
    assert.deepEqual(made, ["a 1", "b 1", "b 2"]);
    assert.equal(turns.budget.attempt(steps(1, (step) => made.push(`c ${step}`))), null);
    await turns.pass(1);
    await trickled;
    assert.deepEqual(made.slice(3), ["b 3"]);
  });
});
