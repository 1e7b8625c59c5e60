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
