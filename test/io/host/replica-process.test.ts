import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type ClusterOptions, createCluster } from "../../../src/io/cluster-create.js";
import { collectGarbage } from "../../../src/io/garbage.js";
import { createLog } from "../../../src/io/log.js";
import { type RunningReplica, startReplica } from "../../../src/io/replica-process.js";
import type { AccountRow } from "../../../src/io/store.js";
import type { DatagramSocket } from "../../../src/io/udp-socket.js";
import { loadCrypto } from "../../../src/workers/load-crypto.js";

const ACCOUNT_COUNT = 1_000;

/** A network on which nobody else is. */
const emptyNetwork: DatagramSocket = {
  local: { address: "127.0.0.1", port: 1 },
  counts: {
    ...{ datagramsReceived: 0, bytesReceived: 0, datagramsSent: 0, bytesSent: 0 },
    ...{ sendErrors: 0, socketErrors: 0, dropped: 0 },
  },
  receive: () => undefined,
  send: (_bytes, _to, done) => {
    queueMicrotask(done);
  },
  unref: () => undefined,
  close: () => Promise.resolve(),
};

const OPTIONS: Omit<ClusterOptions, "accounts"> = {
  replicaCount: 4,
  clientCount: 1,
  hosts: ["127.0.0.1"],
  port: 1,
  store: "sqlite",
  durability: "none",
};

function accountRow(index: number): AccountRow {
  const name = `Customer ${index}`;
  const account = `account-${index}`;
  return { customerId: index + 1, account, name, address: "", balance: 1n, owner: null };
}

/** Starts replica 0 of a new cluster; the accounts of its genesis are nobody else's. */
async function startNew(dir: string): Promise<[RunningReplica, WeakRef<object>]> {
  const { provider } = await loadCrypto(process.env);
  const accounts = Array.from({ length: ACCOUNT_COUNT }, (_, index) => accountRow(index));
  const { genesis, replicaKeys } = createCluster({ ...OPTIONS, accounts }, provider);
  const [key] = replicaKeys;
  assert(key !== undefined);
  const openSocket = (): Promise<DatagramSocket> => Promise.resolve(emptyNetwork);
  const log = createLog("silent", {});
  const replica = await startReplica({ dir, genesis, key, log, openSocket, workerCount: 0 });
  return [replica, new WeakRef(accounts)];
}

function directoryOf(context: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "pbft-ledger-process-"));
  context.after(() => {
    rmSync(dir, { recursive: true });
  });
  return dir;
}

test("a replica that runs keeps no rows of its genesis", async (context) => {
  const [replica, accounts] = await startNew(directoryOf(context));
  // What is held weakly stays until the turn in which it was looked at ends.
  await nextTurn();
  collectGarbage();
  const isKept = accounts.deref() !== undefined;
  await replica.stop();
  assert.equal(isKept, false);
});
