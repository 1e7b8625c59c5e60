import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesConcat } from "../../src/core/base/bytes.js";
import { isAcceptableSignature } from "../../src/core/crypto/ed25519-acceptance.js";
import { BOTH_PROVIDERS, fromHex } from "./both-providers.js";
import { EDGE_VECTORS, RFC_8032_VECTORS } from "./vectors/ed25519.js";
import type { SignatureVector } from "./vectors/ed25519.js";

/** Noble's strict mode checks the cofactored equation and lets an R of small order pass. */
function isKnownDifferenceOfNoble(vector: SignatureVector): boolean {
  return vector.name.includes("cofactored equation only") || vector.name.startsWith("R of order");
}

/** R far from every limit, S = 0: whether a signature is acceptable is up to the key alone. */
const NEUTRAL_SIGNATURE = new Uint8Array(64).fill(5, 0, 32);

function isAcceptableKey(publicKey: Uint8Array): boolean {
  return isAcceptableSignature(NEUTRAL_SIGNATURE, publicKey);
}

function signatureOf(vector: { readonly r: string; readonly s: string }): Uint8Array {
  return bytesConcat([fromHex(vector.r), fromHex(vector.s)]);
}

for (const provider of BOTH_PROVIDERS) {
  describe(`${provider.name} judges signatures as the protocol demands`, () => {
    for (const vector of EDGE_VECTORS) {
      test(`${vector.valid ? "accepts" : "refuses"}: ${vector.name}`, () => {
        const key = fromHex(vector.publicKey);
        const verdict = provider.verify(fromHex(vector.message), signatureOf(vector), key);
        assert.equal(verdict, vector.valid);
      });
    }

    for (const vector of RFC_8032_VECTORS) {
      test(`makes and accepts ${vector.name}`, () => {
        const message = fromHex(vector.message);
        const seed = fromHex(vector.seed);
        const key = fromHex(vector.publicKey);
        assert.deepEqual(provider.signPublicKey(seed), key);
        assert.deepEqual(provider.sign(message, seed), signatureOf(vector));
        assert.equal(provider.verify(message, signatureOf(vector), key), true);
      });
    }

    test("refuses signatures and keys of the wrong size instead of throwing", () => {
      const message = new Uint8Array(3);
      for (const [signatureBytes, keyBytes] of [
        [0, 32],
        [63, 32],
        [65, 32],
        [64, 0],
        [64, 31],
        [64, 33],
      ] as const) {
        const signature = new Uint8Array(signatureBytes).fill(1);
        assert.equal(provider.verify(message, signature, new Uint8Array(keyBytes).fill(1)), false);
      }
    });
  });
}

describe("the acceptance rule", () => {
  test("noble, as a third opinion, agrees wherever its equation is ours", () => {
    for (const vector of EDGE_VECTORS) {
      const key = fromHex(vector.publicKey);
      const message = fromHex(vector.message);
      const noble = ed25519.verify(signatureOf(vector), message, key, { zip215: false });
      const expected = isKnownDifferenceOfNoble(vector) ? !vector.valid : vector.valid;
      assert.equal(noble, expected, vector.name);
    }
  });

  test("refuses the eight points of small order as keys, under either sign bit", () => {
    const smallOrder = EDGE_VECTORS.filter(({ name }) => name.startsWith("A of order"));
    assert.equal(new Set(smallOrder.map(({ publicKey }) => publicKey)).size, 8);
    for (const { publicKey } of smallOrder) {
      const key = fromHex(publicKey);
      assert.equal(isAcceptableKey(key), false);
      key[31] = (key[31] ?? 0) ^ 0x80;
      assert.equal(isAcceptableKey(key), false);
    }
  });

  test("draws its limits exactly: p - 2 and L - 1 pass, p and L do not", () => {
    const y = new Uint8Array(32).fill(0xff);
    y[31] = 0x7f;
    y[0] = 0xeb;
    assert.equal(isAcceptableKey(y), true, "p - 2");
    y[31] = 0xff;
    assert.equal(isAcceptableKey(y), true, "p - 2, sign bit set");
    y[0] = 0xed;
    assert.equal(isAcceptableKey(y), false, "p, sign bit set");
    const order = fromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    const point = new Uint8Array(32).fill(5);
    assert.equal(isAcceptableSignature(bytesConcat([point, order]), point), false, "L");
    order[0] = 0xec;
    assert.equal(isAcceptableSignature(bytesConcat([point, order]), point), true, "L - 1");
  });

  test("does not depend on what else lies in the buffers of its inputs", () => {
    const [vector] = EDGE_VECTORS;
    assert.ok(vector?.valid === true);
    const wide = new Uint8Array(200).fill(0xff);
    wide.set(signatureOf(vector), 70);
    wide.set(fromHex(vector.publicKey), 7);
    for (const provider of BOTH_PROVIDERS) {
      const message = fromHex(vector.message);
      assert.equal(provider.verify(message, wide.subarray(70, 134), wide.subarray(7, 39)), true);
    }
  });
});
