import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { NativeCrypto } from "../../src/workers/native-crypto.js";
import { PortableCrypto } from "../../binding-free-src/portable-crypto.js";
import { RecentlyUsed } from "../../binding-free-src/recently-used.js";
import { PREFIX_BYTES } from "../../src/core/crypto/crypto.js";
import { BOTH_PROVIDERS } from "./both-providers.js";

const native = new NativeCrypto();
const portable = new PortableCrypto();

const anyKey = fc.uint8Array({ minLength: 32, maxLength: 32 });
const anyPrefix = fc.uint8Array({ minLength: PREFIX_BYTES, maxLength: PREFIX_BYTES });
const anyMessage = fc.uint8Array({ maxLength: 400 });

/** Lengths around every switch: one block, WebAssembly or OpenSSL, copied or fed twice. */
const NOTABLE_LENGTHS = [
  0, 1, 127, 128, 129, 255, 256, 512, 513, 2048, 2049, 8191, 8192, 8193, 100_000,
];

describe("both providers give the same result, bit for bit", () => {
  test("hashes, of any range, into any place, cut to any length", () => {
    fc.assert(
      fc.property(
        anyPrefix,
        anyMessage,
        fc.nat(400),
        fc.nat(400),
        fc.integer({ min: 1, max: 64 }),
        (prefix, bytes, one, other, length) => {
          const start = Math.min(one, other, bytes.length);
          const end = Math.min(Math.max(one, other), bytes.length);
          const reference = createHash("blake2b512")
            .update(prefix)
            .update(bytes.subarray(start, end))
            .digest();
          for (const provider of BOTH_PROVIDERS) {
            const out = new Uint8Array(70);
            provider.hashInto(out, 3, length, prefix, bytes, start, end);
            const expected = new Uint8Array(70);
            expected.set(reference.subarray(0, length), 3);
            assert.deepEqual(out, expected);
          }
        },
      ),
    );
  });

  for (const length of NOTABLE_LENGTHS) {
    test(`the hash of ${length} bytes`, () => {
      const prefix = new Uint8Array(PREFIX_BYTES).fill(9);
      const bytes = Uint8Array.from({ length: length + 5 }, (_, index) => index * 7);
      for (const [start, end] of [
        [0, length],
        [3, 3 + length],
      ] as const) {
        const range = bytes.subarray(start, end);
        const reference = createHash("blake2b512").update(prefix).update(range).digest();
        for (const provider of BOTH_PROVIDERS) {
          const out = new Uint8Array(64);
          provider.hashInto(out, 0, 64, prefix, bytes, start, end);
          assert.deepEqual(out, new Uint8Array(reference));
        }
      }
    });
  }

  test("Ed25519 keys and signatures, which each other and noble accept", () => {
    fc.assert(
      fc.property(anyKey, anyMessage, (seed, message) => {
        const key = native.signPublicKey(seed);
        const signature = native.sign(message, seed);
        assert.deepEqual(portable.signPublicKey(seed), key);
        assert.deepEqual(portable.sign(message, seed), signature);
        assert.equal(native.verify(message, signature, key), true);
        assert.equal(portable.verify(message, signature, key), true);
        assert.equal(ed25519.verify(signature, message, key), true);
      }),
      { numRuns: 40 },
    );
  });

  test("a signature or digest stays as it is when the next one is made", () => {
    const [one, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    for (const provider of BOTH_PROVIDERS) {
      const key = provider.signPublicKey(one);
      const first = provider.sign(one, one);
      const copy = first.slice();
      const second = provider.sign(other, one);
      assert.deepEqual(first, copy);
      assert.deepEqual([one, other], [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]);
      assert.equal(provider.verify(one, first, key), true);
      assert.equal(provider.verify(other, second, key), true);
      assert.equal(provider.verify(other, first, key), false);
    }
  });

  test("verdicts on signatures with any one byte changed", () => {
    const seed = new Uint8Array(32).fill(1);
    const message = new Uint8Array(20).fill(2);
    const anyPlace = fc.nat(20 + 64 + 32 - 1);
    fc.assert(
      fc.property(anyPlace, fc.integer({ min: 1, max: 255 }), (place, change) => {
        const whole = new Uint8Array(20 + 64 + 32);
        whole.set(message);
        whole.set(native.sign(message, seed), 20);
        whole.set(native.signPublicKey(seed), 84);
        whole[place] = (whole[place] ?? 0) ^ change;
        for (const provider of BOTH_PROVIDERS) {
          const parts = [
            whole.subarray(0, 20),
            whole.subarray(20, 84),
            whole.subarray(84),
          ] as const;
          assert.equal(provider.verify(...parts), false);
        }
      }),
    );
  });

  test("verdicts on arbitrary bytes, without throwing", () => {
    const anySignature = fc.uint8Array({ minLength: 64, maxLength: 64 });
    fc.assert(
      fc.property(anyMessage, anySignature, anyKey, (message, signature, key) => {
        const verdict = native.verify(message, signature, key);
        assert.equal(portable.verify(message, signature, key), verdict);
      }),
    );
  });

  test("X25519 keys and secrets, the same from either side and in noble", () => {
    fc.assert(
      fc.property(anyKey, anyKey, (alice, bob) => {
        const bobPublic = native.exchangePublicKey(bob);
        const alicePublic = portable.exchangePublicKey(alice);
        const shared = native.exchange(alice, bobPublic);
        assert.deepEqual(portable.exchangePublicKey(bob), bobPublic);
        assert.deepEqual(portable.exchange(alice, bobPublic), shared);
        assert.deepEqual(native.exchange(bob, alicePublic), shared);
        assert.deepEqual(x25519.getSharedSecret(alice, bobPublic), shared);
      }),
      { numRuns: 40 },
    );
  });

  test("X25519 with an arbitrary peer key: the same secret, or an error of both", () => {
    const secretOrError = (exchange: () => Uint8Array): Uint8Array | string => {
      try {
        return exchange();
      } catch (error) {
        return error instanceof Error ? error.message : "not an Error";
      }
    };
    fc.assert(
      fc.property(anyKey, anyKey, (secret, peer) => {
        const outcome = secretOrError(() => native.exchange(secret, peer));
        assert.deepEqual(
          secretOrError(() => portable.exchange(secret, peer)),
          outcome,
        );
      }),
    );
  });

  test("an X25519 key of small order is an error that says so", () => {
    for (const provider of BOTH_PROVIDERS) {
      const secret = new Uint8Array(32).fill(1);
      assert.throws(() => provider.exchange(secret, new Uint8Array(32)), /of small order/);
    }
  });
});

describe("the cache of parsed keys", () => {
  test("keeps what was used last and forgets the rest, within its bound", () => {
    const made: number[] = [];
    const cache = new RecentlyUsed(2, (key) => {
      made.push(key[0] ?? 0);
      return key[0];
    });
    const [a, b, c] = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)];
    for (const key of [a, b, a, c, a, b]) assert.equal(cache.get(key), key[0]);
    assert.deepEqual(made, [1, 2, 3, 2], "a stayed; b was forgotten for c and made again");
  });

  test("goes by the bytes of a key, not by the object that holds them", () => {
    let made = 0;
    const cache = new RecentlyUsed(4, () => (made += 1));
    const wide = Uint8Array.of(9, 1, 2, 9);
    assert.equal(cache.get(Uint8Array.of(1, 2)), cache.get(wide.subarray(1, 3)));
    wide[1] = 7;
    assert.equal(cache.get(wide.subarray(1, 3)), 2);
  });
});
