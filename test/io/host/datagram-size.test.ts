import assert from "node:assert/strict";
import { test } from "node:test";
import { createCluster } from "../../../src/io/cluster-create.js";
import { datagramBytesMaxOf } from "../../../src/io/datagram-size.js";
import { loadCrypto } from "../../../src/workers/load-crypto.js";

const MTU = 1_500;
const UDP_HEADER_BYTES = 8;
const LARGEST_UDP_PAYLOAD = 65_507;

async function sizeFor(hosts: readonly string[]): Promise<number> {
  const { provider } = await loadCrypto(process.env);
  const options = { replicaCount: 4, clientCount: 1, hosts, port: 7_000, accounts: [] };
  const kind = { store: "memory", durability: "none" } as const;
  return datagramBytesMaxOf(createCluster({ ...options, ...kind }, provider).genesis);
}

test("a datagram is as large as UDP takes where all replicas are on loopback", async () => {
  assert.equal(await sizeFor(["127.0.0.1"]), LARGEST_UDP_PAYLOAD);
  assert.equal(await sizeFor(["::1"]), LARGEST_UDP_PAYLOAD);
});

test("a datagram fits one Ethernet frame with its headers where any replica is not", async () => {
  const mixed = ["127.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"];
  const headerBytes = { v4: 20, v6: 40 };
  assert.equal((await sizeFor(["10.0.0.1"])) + UDP_HEADER_BYTES + headerBytes.v4, MTU);
  assert.equal((await sizeFor(mixed)) + UDP_HEADER_BYTES + headerBytes.v4, MTU);
  assert.equal((await sizeFor(["fd00::1"])) + UDP_HEADER_BYTES + headerBytes.v6, MTU);
});
