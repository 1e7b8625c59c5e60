import assert from "node:assert/strict";
import { test } from "node:test";
import { PortableCrypto } from "../../../binding-free-src/portable-crypto.js";
import { createCluster, DEMO_ACCOUNTS } from "../../../src/io/cluster-create.js";
import { storePaceOf } from "../../../src/io/store-pace.js";

const { genesis } = createCluster(
  {
    replicaCount: 4,
    clientCount: 1,
    hosts: ["127.0.0.1"],
    port: 7000,
    store: "memory",
    durability: "none",
    accounts: DEMO_ACCOUNTS,
  },
  new PortableCrypto(),
);

test("each replica's database writes later behind a checkpoint, within half an interval", () => {
  const late = [0, 1, 2, 3].map((id) => storePaceOf(genesis, id, false).lateSlots);
  assert.deepEqual(late, [0, 16, 32, 48]);
});

test("a database that clients wait for waits for nothing", () => {
  const { intervalMsMin, intervalMsMax, lateSlots } = storePaceOf(genesis, 3, true);
  assert.deepEqual([intervalMsMin, intervalMsMax, lateSlots], [0, 0, 0]);
});
