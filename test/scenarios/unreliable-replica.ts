/*
 * One replica in a process of its own, behind an unreliable socket. Started by unreliable.test.ts:
 * `node unreliable-replica.js DIR ID SEED`. Reports "serving" over IPC; on disconnect it stops in
 * order.
 */
import assert from "node:assert/strict";
import { loadGenesis, loadReplicaKey } from "../../src/io/cluster-directory.js";
import { createLog } from "../../src/io/log.js";
import { startReplica } from "../../src/io/replica-process.js";
import { loadCrypto } from "../../src/workers/load-crypto.js";
import { UnreliableSocket } from "./unreliable-socket.js";

const [dir, id, seed] = process.argv.slice(2);
assert.ok(dir !== undefined && id !== undefined && seed !== undefined);
const genesis = loadGenesis(dir);
const { provider } = await loadCrypto(process.env);
const key = loadReplicaKey(dir, genesis, Number(id), provider);
const log = createLog("warn", { replica: key.id });
const replica = await startReplica({
  ...{ dir, genesis, key, log },
  openSocket: (local) =>
    UnreliableSocket.open(local, {
      lossShare: 0.2,
      duplicationShare: 0.1,
      reorderShare: 0.2,
      seed: Number(seed) + key.id,
    }),
});
process.once("disconnect", () => {
  void replica.stop();
});
process.send?.("serving");
