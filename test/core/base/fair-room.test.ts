import assert from "node:assert/strict";
import { test } from "node:test";
import { FairRoom } from "../../../src/core/base/fair-room.js";

/** Adds items of one client until it gets no more room; returns how many it got. */
function fill(room: FairRoom<number>, client: number): number {
  let count = 0;
  while (room.add(client, count, 1)) count += 1;
  return count;
}

test("a client gets half of the room, and k of them leave a (k + 1)-th part (RB1)", () => {
  const room = new FairRoom<number>(100);
  assert.equal(fill(room, 0), 50);
  assert.equal(fill(room, 1), 25);
  assert.equal(fill(room, 2), 13);
  assert.equal(room.count, 88);
  assert(room.add(3, 0, 1), "there is always room for one more client");
});

test("what is due is taken from the front, and makes room for its clients again", () => {
  const room = new FairRoom<number>(8);
  for (const item of [1, 2, 9, 3]) assert(room.add(0, item, 1));
  assert.equal(room.add(0, 4, 1), false);
  assert.deepEqual(
    room.take((item) => item < 5),
    [1, 2],
  );
  assert.equal(room.count, 2);
  assert(room.add(0, 4, 1));
  assert.deepEqual(
    room.take(() => true),
    [9, 3, 4],
  );
  assert.deepEqual(
    room.take(() => true),
    [],
  );
  assert.equal(fill(room, 0), 4);
});

test("room is taken by size, and given back by it", () => {
  const room = new FairRoom<number>(100);
  assert(room.add(0, 1, 40));
  assert.equal(room.add(0, 2, 21), false, "40 and 21 more, where 60 are free");
  assert(room.add(1, 3, 30));
  assert.equal(room.size, 70);
  assert.deepEqual(
    room.take((_, size) => size > 30),
    [1],
  );
  assert.equal(room.size, 30);
  assert(room.add(0, 4, 35));
});
