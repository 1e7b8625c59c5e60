import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { PortableCrypto } from "../../binding-free-src/portable-crypto.js";
import { ShortBlake2b } from "../../binding-free-src/short-blake2b.js";
import { asciiBytes } from "../../src/core/base/bytes.js";
import { PREFIX_BYTES } from "../../src/core/crypto/crypto.js";

const NOTHING = new Uint8Array(0);

function openSslHash(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("blake2b512");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

describe("BLAKE2b of short inputs", () => {
  const short = new ShortBlake2b();

  test("gives the example of RFC 7693, appendix A", () => {
    const out = new Uint8Array(64);
    short.hashInto(out, 0, 64, NOTHING, asciiBytes("abc"), 0, 3);
    assert.equal(
      Buffer.from(out).toString("hex"),
      "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1" +
        "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
    );
  });

  test("gives what OpenSSL does for every length, whatever was hashed before", () => {
    const prefix = randomBytes(PREFIX_BYTES);
    const bytes = new Uint8Array(randomBytes(2_048 - PREFIX_BYTES));
    const out = new Uint8Array(64);
    for (let length = bytes.length; length >= 0; length -= 1) {
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
