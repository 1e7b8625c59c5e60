import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hexOf } from "../../../src/core/base/bytes.js";
import { ByteIndex } from "../../../src/core/ledger/byte-index.js";
import { halfSipHash } from "../../../src/core/ledger/keyed-hash.js";

const SECRET = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

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

test("the index keeps every key while it grows to ten thousand", () => {
  const index = new ByteIndex(SECRET);
  const keys = Array.from({ length: 10_000 }, (_, number) => Buffer.from(`account ${number}`));
  for (const key of keys) index.add(key, 0, key.length);
  keys.forEach((key, number) => assert.equal(index.find(key, 0, key.length), number));
  const unknown = Buffer.from("account 10000");
  assert.equal(index.find(unknown, 0, unknown.length), -1);
});
