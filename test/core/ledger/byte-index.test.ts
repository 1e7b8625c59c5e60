import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bytesConcat, hexOf } from "../../../src/core/base/bytes.js";
import { ByteIndex, KEYS_AT_ONCE_MAX } from "../../../src/core/ledger/byte-index.js";
import { halfSipHash } from "../../../src/core/ledger/keyed-hash.js";

const SECRET = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** Asks for `keys` at once, which lie one after another. */
function findEach(index: ByteIndex, keys: readonly Uint8Array[]): number[] {
  const ends = new Uint32Array(keys.length);
  let end = 0;
  for (const [place, key] of keys.entries()) ends[place] = end += key.length;
  const starts = ends.map((at, place) => at - (keys[place]?.length ?? 0));
  const numbers = new Int32Array(keys.length);
  index.findEach(bytesConcat(keys), starts, ends, keys.length, numbers);
  return [...numbers];
}

/** Among 500,000 keys some thirty pairs share one of 2^32 hashes. */
function keysOfOneHash(): [Uint8Array, Uint8Array] {
  const data = new DataView(SECRET.buffer);
  const [low, high] = [data.getInt32(0, true), data.getInt32(4, true)];
  const seen = new Map<number, Uint8Array>();
  for (let number = 0; number < 500_000; number += 1) {
    const key = Buffer.from(`account ${number}`);
    const hash = halfSipHash(low, high, key, 0, key.length);
    const other = seen.get(hash);
    if (other !== undefined) return [other, key];
    seen.set(hash, key);
  }
  return assert.fail("no two keys have one hash");
}

test("HalfSipHash-1-3 agrees with the vectors of Linux' hsiphash", () => {
  const input = Uint8Array.from({ length: 16 }, (_, index) => index);
  const hashes = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((size) =>
    halfSipHash(0x03020100, 0x07060504, input, 0, size),
  );
  assert.deepEqual(
    hashes,
    [
      0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65,
      0x9d38d9d6, 0x577999b1,
    ],
  );
});

test("the index finds what a map finds, whatever the keys", () => {
  const key = fc.uint8Array({ minLength: 1, maxLength: 5, max: 3 });
  fc.assert(
    fc.property(fc.array(key, { maxLength: 400 }), (keys) => {
      const index = new ByteIndex(SECRET);
      const numbers = new Map<string, number>();
      for (const bytes of keys) {
        const padded = Uint8Array.of(9, ...bytes, 9);
        const found = index.find(padded, 1, bytes.length + 1);
        assert.equal(found, numbers.get(hexOf(bytes)) ?? -1);
        if (found >= 0) continue;
        numbers.set(hexOf(bytes), numbers.size);
        assert.equal(index.add(padded, 1, bytes.length + 1), numbers.size - 1);
      }
    }),
  );
});

test("the index finds many keys at once as it finds each, whether it has them or not", () => {
  const key = fc.uint8Array({ minLength: 1, maxLength: 5, max: 3 });
  const keys = fc.array(key, { maxLength: KEYS_AT_ONCE_MAX });
  fc.assert(
    fc.property(fc.array(key, { maxLength: 400 }), keys, (added, asked) => {
      const index = new ByteIndex(SECRET);
      for (const bytes of added) {
        if (index.find(bytes, 0, bytes.length) < 0) index.add(bytes, 0, bytes.length);
      }
      const found = findEach(index, asked);
      assert.deepEqual(
        found,
        asked.map((bytes) => index.find(bytes, 0, bytes.length)),
      );
    }),
  );
});

test("keys with one hash are told apart, one by one and many at once", () => {
  const [first, second] = keysOfOneHash();
  const index = new ByteIndex(SECRET);
  index.add(first, 0, first.length);
  assert.deepEqual(findEach(index, [second, first]), [-1, 0]);
  index.add(second, 0, second.length);
  assert.deepEqual(findEach(index, [second, first]), [1, 0]);
  assert.equal(index.find(second, 0, second.length), 1);
});

test("the index keeps every key while it grows to ten thousand", () => {
  const index = new ByteIndex(SECRET);
  const keys = Array.from({ length: 10_000 }, (_, number) => Buffer.from(`account ${number}`));
  for (const key of keys) index.add(key, 0, key.length);
  keys.forEach((key, number) => assert.equal(index.find(key, 0, key.length), number));
  const unknown = Buffer.from("account 10000");
  assert.equal(index.find(unknown, 0, unknown.length), -1);
});
