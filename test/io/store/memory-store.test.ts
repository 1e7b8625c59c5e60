import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "../../../src/io/memory-store.js";
import { genesisOf, groupOf } from "./fixture.js";
import { testStoreContract } from "./store-contract.js";

testStoreContract({
  name: "memory",
  make: () => new MemoryStore(),
  async reopen(_context, store) {
    await store.close();
    return store.open();
  },
});

test("memory: a group that leaves something out is our own bug", async () => {
  const store = new MemoryStore();
  assert.throws(() => store.commit(groupOf(1, 1)), { name: "InvariantError" });
  await store.replace(genesisOf([]));
  assert.throws(() => store.commit(groupOf(2, 2)), { name: "InvariantError" });
  assert.throws(() => store.commit({ ...groupOf(1, 2), blocks: [] }), { name: "InvariantError" });
});
