import assert from "node:assert/strict";
import { test } from "node:test";
import { RootReader, type StateRoot } from "../../../src/io/root-reader.js";
import { digestOf } from "../../core/pbft/builders.js";

test("a root is computed anew after 16 times what the last one took", async (context) => {
  let nowMs = 0;
  context.mock.method(performance, "now", () => nowMs);
  let seq = 0;
  /** What waits for the state to be hashed. */
  const hashing: (() => void)[] = [];
  const hashed = <T>(act: () => T | Promise<T>): Promise<T> =>
    new Promise((resolve) => {
      hashing.push(() => {
        resolve(act());
      });
    });
  const end = (tookMs: number): void => {
    nowMs += tookMs;
    for (const act of hashing.splice(0)) act();
  };
  const reader = new RootReader({ hashed }, () => ({ seq, root: digestOf(seq) }));
  const read = (): Promise<StateRoot> => reader.read((root) => root);

  const first = read();
  nowMs = 6;
  const joined = read();
  seq = 1;
  end(4);
  assert.deepEqual(await first, { seq: 1, root: digestOf(1) });
  assert.deepEqual(
    await joined,
    { seq: 1, root: digestOf(1) },
    "who comes meanwhile gets the same",
  );
  seq = 2;
  nowMs = 10 + 159;
  assert.equal((await read()).seq, 1, "the pause is that of the longer wait");
  nowMs = 10 + 160;
  const next = read();
  assert.equal(hashing.length, 1);
  end(0);
  assert.equal((await next).seq, 2);
  seq = 3;
  const free = read();
  end(0);
  assert.equal((await free).seq, 3, "no pause after one that cost nothing");
  const slow = read();
  end(1_000);
  await slow;
  seq = 2;
  nowMs += 3_999;
  assert.equal((await read()).seq, 3);
  reader.replaced();
  const replaced = read();
  end(0);
  assert.equal((await replaced).seq, 2, "no root of a state that was replaced");
});
