import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { setImmediate as nextTurn } from "node:timers/promises";
import { PrefixPlaces } from "../../binding-free-src/prefix-places.js";

const START = 128;

test("a prefix has the place that it was given, and one that comes too late has none", () => {
  const memory = new Uint8Array(START + 2 * 64 + 63);
  const places = new PrefixPlaces(memory, START);
  const [one, two, three] = [1, 2, 3].map((byte) => new Uint8Array(128).fill(byte));
  assert.ok(one !== undefined && two !== undefined && three !== undefined);
  assert.equal(places.of(one), undefined);
  memory.fill(7, 0, 64);
  assert.equal(places.keep(one, 0), START);
  memory.fill(8, 0, 64);
  assert.equal(places.keep(two, 0), START + 64);
  assert.equal(places.keep(three, 0), null);
  assert.deepEqual(
    [one, two, three].map((prefix) => places.of(prefix)),
    [128, 192, undefined],
  );
  assert.deepEqual(
    memory.subarray(START, START + 128),
    Uint8Array.from([7, 8].flatMap((byte) => new Array<number>(64).fill(byte))),
  );
});

/** Makes arrays that nobody has once this is over, which an array of the caller's might not be. */
function keepUnheld(places: PrefixPlaces, count: number): void {
  for (let kept = 0; kept < count; kept += 1) places.keep(new Uint8Array(128), 0);
}

test("the place of a prefix that nobody has any more is wiped, and given again", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const memory = new Uint8Array(START + 3 * 64).fill(9);
  const places = new PrefixPlaces(memory, START);
  const held = new Uint8Array(128);
  keepUnheld(places, 1);
  memory.fill(5, 0, 64);
  assert.equal(places.keep(held, 0), START + 64);
  keepUnheld(places, 1);
  const [first, second, third] = [0, 1, 2].map((place) =>
    memory.subarray(START + 64 * place, START + 64 * (place + 1)),
  );
  assert(first !== undefined && second !== undefined && third !== undefined);
  for (let turn = 0; turn < 100 && (first[0] !== 0 || third[0] !== 0); turn += 1) {
    collectGarbage();
    await nextTurn();
  }
  assert.deepEqual([first, third], [new Uint8Array(64), new Uint8Array(64)]);
  assert.deepEqual(second, new Uint8Array(64).fill(5));
  assert.equal(places.of(held), START + 64);

  memory.fill(6, 0, 64);
  const late = [new Uint8Array(128), new Uint8Array(128)];
  const again = late.map((prefix) => places.keep(prefix, 0));
  assert.deepEqual(new Set(again), new Set([START, START + 128]));
  assert.deepEqual(
    [first, second, third],
    [6, 5, 6].map((byte) => new Uint8Array(64).fill(byte)),
  );
  assert.equal(places.keep(new Uint8Array(128), 0), null);
});
