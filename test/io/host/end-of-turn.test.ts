import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { EndOfTurn } from "../../../src/io/end-of-turn.js";

test("actions run in order at the end of the turn, once those who wait went on", async () => {
  const endOfTurn = new EndOfTurn();
  const done: string[] = [];
  const add = (name: string): void => {
    endOfTurn.add(() => {
      done.push(name);
    });
  };
  endOfTurn.add(() => {
    done.push("first");
    add("what the first one added");
  });
  void Promise.resolve()
    .then(() => Promise.resolve())
    .then(() => {
      done.push("who waited");
      add("second");
    });
  assert.equal(done.length, 0);
  await nextTurn();
  assert.deepEqual(done, ["who waited", "first", "second", "what the first one added"]);
  add("the next turn's");
  await nextTurn();
  assert.equal(done.at(-1), "the next turn's");
});

test("an action that throws keeps no other one from its call", () => {
  const run: (() => void)[] = [];
  const endOfTurn = new EndOfTurn((action) => {
    run.push(action);
  });
  const done: string[] = [];
  endOfTurn.add(() => done.push("before"));
  endOfTurn.add(() => {
    throw new Error("out of order");
  });
  endOfTurn.add(() => done.push("behind"));
  assert.throws(() => run[0]?.(), /out of order/);
  endOfTurn.add(() => done.push("later"));
  run[1]?.();
  assert.deepEqual(done, ["before", "behind", "later"]);
  endOfTurn.add(() => done.push("next turn"));
  run[2]?.();
  assert.equal(done.at(-1), "next turn");
  assert.equal(run.length, 3);
});
