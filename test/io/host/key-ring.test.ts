import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PortableCrypto } from "../../../binding-free-src/portable-crypto.js";
import { bytesConcat } from "../../../src/core/base/bytes.js";
import { Domain } from "../../../src/core/base/hasher.js";
import type { Principal } from "../../../src/core/base/ids.js";
import type { Check } from "../../../src/core/crypto/check.js";
import { authenticatorKey } from "../../../src/core/wire/roster.js";
import { createCluster } from "../../../src/io/cluster-create.js";
import { KeyRing } from "../../../src/io/key-ring.js";
import { CheckRunner } from "../../../src/workers/run-checks.js";

const crypto = new PortableCrypto();
const cluster = createCluster(
  {
    replicaCount: 4,
    clientCount: 2,
    hosts: ["127.0.0.1"],
    port: 7_000,
    store: "memory",
    durability: "none",
    replies: "journal",
    accounts: [],
  },
  crypto,
);
const { genesis } = cluster;

function ringOf(self: Principal): KeyRing {
  const keys = self.role === "replica" ? cluster.replicaKeys : cluster.clientKeys;
  const secrets = keys[self.id];
  assert(secrets !== undefined);
  return new KeyRing(crypto, genesis, self, secrets);
}

function replica(id: number): Principal {
  return { role: "replica", id };
}

function client(id: number): Principal {
  return { role: "client", id };
}

/** Whether `to` takes the frame that `from` sealed for it, as coming from `claimed`. */
function isTaken(from: Principal, to: Principal, claimed: Principal = from): boolean {
  const frame = new Uint8Array(64).fill(5);
  ringOf(from).seal(frame, to);
  const receiver = ringOf(to);
  const key = receiver.macKeyOf(claimed, 0);
  if (key === null) return false;
  const check = { kind: "mac", key, tag: 0, start: 16, end: frame.length } as const;
  return new CheckRunner(crypto, receiver.checkKeys).run(frame, [check]).passed[0] === 1;
}

describe("a key ring", () => {
  test("proves frames to the one they are for (AU1)", () => {
    assert(isTaken(replica(0), replica(3)));
    assert(isTaken(replica(3), replica(0)));
    assert(isTaken(replica(2), client(1)));
    assert(isTaken(client(1), replica(2)));
  });

  test("tells senders apart, and directions", () => {
    assert.equal(isTaken(replica(0), replica(3), replica(1)), false);
    assert.equal(isTaken(client(0), replica(3), client(1)), false);
    const frame = new Uint8Array(64);
    const ring = ringOf(replica(0));
    ring.seal(frame, replica(3));
    const check = { kind: "mac", key: 3, tag: 0, start: 16, end: 64 } as const;
    const { passed } = new CheckRunner(crypto, ring.checkKeys).run(frame, [check]);
    assert.equal(passed[0], 0, "a frame sent back does not pass as the other's");
  });

  test("has no key for itself, for other clients, or of another epoch", () => {
    assert.equal(ringOf(replica(0)).macKeyOf(replica(0), 0), null);
    assert.equal(ringOf(client(0)).macKeyOf(client(1), 0), null);
    assert.equal(ringOf(client(0)).macKeyOf(client(0), 0), null);
    assert.equal(ringOf(replica(0)).macKeyOf(replica(1), 1), null);
    assert.equal(ringOf(replica(0)).macKeyOf(replica(1), 0), 1);
    assert.equal(ringOf(replica(0)).macKeyOf(client(1), 0), 5);
  });

  test("never seals for those that it shares no key with", () => {
    const frame = new Uint8Array(64);
    assert.throws(() => ringOf(client(0)).seal(frame, client(1)));
    assert.throws(() => ringOf(replica(1)).seal(frame, replica(1)));
  });

  test("signs what everybody can verify with the key in the genesis file", () => {
    const ring = ringOf(replica(2));
    const digest = new Uint8Array(32).fill(9);
    const signature = ring.sign(digest);
    const key = genesis.replicas[2]?.signKey ?? assert.fail();
    assert(crypto.verify(digest, signature, key));
    assert.deepEqual(ringOf(client(0)).checkKeys.publicKeys[2], key);
  });

  test("authenticates a request's digest for each replica, and nothing else (AU1)", () => {
    const sender = ringOf(client(1));
    const payload = new Uint8Array(32).fill(9);
    const digest = sender.hasher.digest(Domain.request, payload);
    const authenticator = sender.authenticate(digest);
    assert.equal(authenticator.length, 64);
    const bytes = bytesConcat([authenticator, payload, digest]);
    const first: Check = { kind: "digest", domain: Domain.request, start: 64, end: 96 };
    for (let id = 0; id < 4; id += 1) {
      const { roster, checkKeys } = ringOf(replica(id));
      const runner = new CheckRunner(crypto, checkKeys);
      const passes = (check: Check): boolean => runner.run(bytes, [first, check]).passed[1] === 1;
      const own = { kind: "digest-mac", digest: 0, tag: 16 * id } as const;
      assert(passes({ ...own, key: authenticatorKey(roster, 1) }));
      assert(!passes({ ...own, key: authenticatorKey(roster, 0) }), "it is of one client");
      const others = { ...own, tag: 16 * ((id + 1) % 4) };
      assert(!passes({ ...others, key: authenticatorKey(roster, 1) }), "it is for one replica");
      const frame = { kind: "mac", start: 96, end: 128, tag: 16 * id } as const;
      assert(!passes({ ...frame, key: 5 }), "it proves no frame");
    }
    assert.throws(() => ringOf(replica(0)).authenticate(digest));
  });

  test("knows who is in the cluster", () => {
    const { roster } = ringOf(client(1));
    assert.deepEqual([roster.replicaCount, roster.clientCount], [4, 2]);
    const tag = new DataView(genesis.clusterId.buffer, genesis.clusterId.byteOffset).getUint32(0);
    assert.equal(roster.clusterTag, tag);
  });
});
