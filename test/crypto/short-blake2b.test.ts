import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { HASH_BYTES, PLACES_OFFSET } from "../../binding-free-src/blake2b-module.js";
import { PortableCrypto } from "../../binding-free-src/portable-crypto.js";
import { ShortBlake2b } from "../../binding-free-src/short-blake2b.js";
import { PREFIX_BYTES } from "../../src/core/crypto/crypto.js";

function openSslHash(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("blake2b512");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

describe("BLAKE2b of short inputs", () => {
  const short = new ShortBlake2b();

  test("gives what the authors of BLAKE2 publish for the bytes 0 to 254", () => {
    const bytes = Uint8Array.from({ length: 255 }, (_, index) => index);
    const prefix = bytes.slice(0, PREFIX_BYTES);
    const out = new Uint8Array(64);
    short.hashInto(out, 0, 64, prefix, bytes, PREFIX_BYTES, bytes.length);
    assert.equal(
      Buffer.from(out).toString("hex"),
      "5b21c5fd8868367612474fa2e70e9cfa2201ffeee8fafab5797ad58fefa17c9b" +
        "5b107da4a3db6320baaf2c8617d5a51df914ae88da3867c2d41f0cc14fa67928",
    );
  });

  test("gives what OpenSSL does for every length, whatever was hashed before", () => {
    const prefix = randomBytes(PREFIX_BYTES);
    const bytes = new Uint8Array(randomBytes(2_048 - PREFIX_BYTES));
    const out = new Uint8Array(64);
    for (let length = bytes.length; length >= -200; length -= 1) {
      const end = Math.abs(length);
      short.hashInto(out, 0, 64, prefix, bytes, 0, end);
      assert.deepEqual(out, openSslHash(prefix, bytes.subarray(0, end)), `${end} bytes`);
    }
  });

  test("is not led astray by a prefix with nothing behind it", () => {
    const prefix = randomBytes(PREFIX_BYTES);
    const bytes = new Uint8Array(randomBytes(40));
    const out = new Uint8Array(64);
    for (const length of [0, 40, 0, 39]) {
      short.hashInto(out, 0, 64, prefix, bytes, 0, length);
      assert.deepEqual(out, openSslHash(prefix, bytes.subarray(0, length)), `${length} bytes`);
    }
  });

  test("takes any range, and writes nothing but the hash", () => {
    const anyBytes = fc.uint8Array({ minLength: 0, maxLength: 600 });
    const anyPlace = fc.nat({ max: 600 });
    fc.assert(
      fc.property(
        ...([anyBytes, anyPlace, anyPlace, fc.integer({ min: 1, max: 64 }), anyPlace] as const),
        (bytes, one, other, length, outOffset) => {
          const places = [one, other].map((place) => Math.min(place, bytes.length));
          const [start, end] = [Math.min(...places), Math.max(...places)];
          const prefix = randomBytes(PREFIX_BYTES);
          const before = bytes.slice();
          const out = new Uint8Array(randomBytes(outOffset + length + 3));
          const expected = out.slice();
          const hash = openSslHash(prefix, bytes.subarray(start, end));
          expected.set(hash.subarray(0, length), outOffset);
          short.hashInto(out, outOffset, length, prefix, bytes, start, end);
          assert.deepEqual(out, expected);
          assert.deepEqual(bytes, before);
        },
      ),
    );
  });

  test("knows more prefixes than it has places for, each by its own array", () => {
    const few = new ShortBlake2b(1);
    const placeCount = (64 * 1024 - PLACES_OFFSET) / HASH_BYTES;
    const bytes = new Uint8Array(randomBytes(20));
    const out = new Uint8Array(64);
    const prefixes = Array.from(
      { length: 2 * placeCount },
      () => new Uint8Array(randomBytes(PREFIX_BYTES)),
    );
    for (let round = 0; round < 2; round += 1) {
      for (const [index, prefix] of prefixes.entries()) {
        few.hashInto(out, 0, 64, prefix, bytes, 0, bytes.length);
        assert.deepEqual(out, openSslHash(prefix, bytes), `prefix ${index}`);
      }
    }
  });

  test("may write its hash over what it hashes, as a frame's MAC is", () => {
    const prefix = randomBytes(PREFIX_BYTES);
    const bytes = new Uint8Array(randomBytes(40));
    const hash = openSslHash(prefix, bytes.subarray(8));
    short.hashInto(bytes, 0, 16, prefix, bytes, 8, 40);
    assert.deepEqual(bytes.subarray(0, 16), hash.subarray(0, 16));
  });
});

test("a provider gives the same hash on both sides of what is short", () => {
  const provider = new PortableCrypto();
  const prefix = randomBytes(PREFIX_BYTES);
  const bytes = randomBytes(10_000);
  for (const length of [511, 512, 513, 8_192, 8_193]) {
    const out = new Uint8Array(64);
    provider.hashInto(out, 0, 64, prefix, bytes, 0, length);
    assert.deepEqual(out, openSslHash(prefix, bytes.subarray(0, length)));
  }
});
