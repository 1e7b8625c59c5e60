import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hexOf } from "../../src/core/base/bytes.js";
import { Domain } from "../../src/core/base/hasher.js";
import type { Principal } from "../../src/core/base/ids.js";
import { InvariantError } from "../../src/core/base/assert.js";
import { deriveMacKey } from "../../src/core/crypto/mac-keys.js";
import { ClusterHasher, macPrefix } from "../../src/core/crypto/prefix.js";
import { BOTH_PROVIDERS } from "./both-providers.js";

const CLUSTER = new Uint8Array(32).fill(0xc1);
const OTHER_CLUSTER = new Uint8Array(32).fill(0xc2);
const KEY = new Uint8Array(32).fill(0x4b);
const DIGEST_DOMAINS = Object.values(Domain).filter(
  (domain) => domain !== Domain.mac && domain !== Domain.authenticator,
);

describe("the prefix block (AU1)", () => {
  test("has the version tag, the domain, the cluster and the key in their places", () => {
    const tag = "706266742d6c65646765722f31000000";
    assert.equal(
      hexOf(macPrefix(CLUSTER, KEY)),
      `${tag}01${"00".repeat(15)}${"c1".repeat(32)}${"4b".repeat(32)}${"00".repeat(32)}`,
    );
  });

  test("differs for every cluster and key", () => {
    const blocks = [
      macPrefix(CLUSTER, KEY),
      macPrefix(OTHER_CLUSTER, KEY),
      macPrefix(KEY, CLUSTER),
    ];
    assert.equal(new Set(blocks.map(hexOf)).size, blocks.length);
  });

  test("cannot be made with ids and keys of another size", () => {
    assert.throws(() => macPrefix(CLUSTER, KEY.subarray(1)), InvariantError);
    assert.throws(() => macPrefix(CLUSTER.subarray(1), KEY), InvariantError);
  });
});

for (const provider of BOTH_PROVIDERS) {
  const hasher = new ClusterHasher(provider, CLUSTER);

  describe(`a cluster's hasher on ${provider.name}`, () => {
    test("gives the digest that it always gave", () => {
      assert.equal(
        hexOf(hasher.digest(Domain.request, Uint8Array.of(1, 2, 3))),
        "7a0f4f43b0f0a289309e3e9f9135e091e7cc35b92ff5e4272526d548e3aa2030",
      );
    });

    test("separates domains and clusters (AU1)", () => {
      const bytes = Uint8Array.of(1, 2, 3);
      const digests = DIGEST_DOMAINS.map((domain) => hexOf(hasher.digest(domain, bytes)));
      digests.push(hexOf(new ClusterHasher(provider, OTHER_CLUSTER).digest(Domain.request, bytes)));
      assert.equal(new Set(digests).size, digests.length);
    });

    test("hashes a range as it hashes a copy of it", () => {
      const bytes = Uint8Array.from({ length: 50 }, (_, index) => index);
      assert.deepEqual(
        hasher.digestRange(Domain.page, bytes, 10, 30),
        hasher.digest(Domain.page, bytes.slice(10, 30)),
      );
    });

    test("refuses to make a digest that could be taken for a MAC", () => {
      assert.throws(() => hasher.digest(Domain.mac, CLUSTER), InvariantError);
    });
  });

  describe(`MAC keys on ${provider.name}`, () => {
    const replica1: Principal = { role: "replica", id: 1 };
    const replica2: Principal = { role: "replica", id: 2 };
    const client2: Principal = { role: "client", id: 2 };
    const [one, two] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];

    test("come out the same at both ends of a link", () => {
      const atOne = provider.exchange(one, provider.exchangePublicKey(two));
      const atTwo = provider.exchange(two, provider.exchangePublicKey(one));
      assert.deepEqual(
        deriveMacKey(hasher, atOne, 3, replica1, replica2),
        deriveMacKey(hasher, atTwo, 3, replica1, replica2),
      );
    });

    test("differ by direction, role, number, epoch and secret", () => {
      const keys = [
        deriveMacKey(hasher, one, 0, replica1, replica2),
        deriveMacKey(hasher, one, 0, replica2, replica1),
        deriveMacKey(hasher, one, 0, replica1, client2),
        deriveMacKey(hasher, one, 0, client2, replica1),
        deriveMacKey(hasher, one, 0, replica1, { role: "replica", id: 2 * 256 }),
        deriveMacKey(hasher, one, 1, replica1, replica2),
        deriveMacKey(hasher, one, 0xffff_ffff, replica1, replica2),
        deriveMacKey(hasher, two, 0, replica1, replica2),
      ];
      assert.equal(new Set(keys.map(hexOf)).size, keys.length);
    });

    test("need two ends and an epoch of 32 bits", () => {
      assert.throws(() => deriveMacKey(hasher, one, 0, replica1, replica1), InvariantError);
      assert.throws(() => deriveMacKey(hasher, one, 2 ** 32, replica1, replica2), InvariantError);
      assert.throws(() => deriveMacKey(hasher, one, -1, replica1, replica2), InvariantError);
      assert.throws(() => deriveMacKey(hasher, one, 0.5, replica1, replica2), InvariantError);
    });
  });
}
