import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import type { LedgerOperation } from "../../src/core/ledger/operation.js";
import { loadClientKey, loadGenesis, replicaDatabasePath } from "../../src/io/cluster-directory.js";
import type { Genesis } from "../../src/io/config.js";
import { connect, type LedgerClient } from "../../src/io/ledger-client.js";
import { readCustomerTable } from "../../src/io/sqlite-database.js";
import { loadCrypto } from "../../src/workers/load-crypto.js";
import { newCluster } from "../cli/program.js";
import { UnreliableSocket } from "./unreliable-socket.js";

const REPLICA_PATH = fileURLToPath(new URL("./unreliable-replica.js", import.meta.url));
const SEED = 20_261_122;
/** Only says that something hangs: the work itself takes seconds. */
const PATIENCE_MS = 120_000;
const POLL_MS = 50;

/** Starts every replica behind its own unreliable socket; they are gone after the test. */
async function startReplicas(context: TestContext, dir: string, count: number): Promise<void> {
  const children: ChildProcess[] = [];
  context.after(async () => {
    const ended = children.map((child) => once(child, "exit"));
    for (const child of children) child.disconnect();
    await Promise.all(ended);
  });
  for (let id = 0; id < count; id += 1) {
    children.push(fork(REPLICA_PATH, [dir, String(id), String(SEED)]));
  }
  await Promise.all(children.map((child) => once(child, "message")));
}

async function openClient(dir: string, genesis: Genesis) {
  const { provider } = await loadCrypto(process.env);
  const key = loadClientKey(dir, genesis, "teller", provider);
  const sockets: UnreliableSocket[] = [];
  const client = await connect({
    ...{ genesis, key },
    openSocket: async (local) => {
      const unreliability = {
        lossShare: 0.2,
        duplicationShare: 0.1,
        reorderShare: 0.2,
        seed: SEED,
      };
      const socket = await UnreliableSocket.open(local, unreliability);
      sockets.push(socket);
      return socket;
    },
  });
  return { client, sockets };
}

/** What the operations did, kept by the test itself. */
class Expectation {
  readonly balances = new Map([
    ["A", 100_00n],
    ["B", 800_00n],
    ["C", 400_00n],
  ]);

  /** The operation number `index` of the story; none of them can fail. */
  operation(index: number): LedgerOperation {
    const amount = BigInt(1 + (index % 7));
    if (index % 3 === 0) return { kind: "deposit", account: "A", amount };
    if (index % 3 === 1) return { kind: "move", source: "B", target: "C", amount };
    return { kind: "get", account: "C" };
  }

  /** Applies `operation` and says what balance it ends with. */
  apply(operation: LedgerOperation): bigint {
    if (operation.kind === "deposit") return this.#add(operation.account, operation.amount);
    if (operation.kind === "move") {
      this.#add(operation.target, operation.amount);
      return this.#add(operation.source, -operation.amount);
    }
    assert.equal(operation.kind, "get");
    return this.#add(operation.account, 0n);
  }

  #add(account: string, amount: bigint): bigint {
    const balance = (this.balances.get(account) ?? 0n) + amount;
    this.balances.set(account, balance);
    return balance;
  }
}

/** @returns the last batch that an operation of the story was answered from. */
async function runStory(
  client: LedgerClient,
  expected: Expectation,
  count: number,
): Promise<number> {
  let lastSeq = 0;
  for (let index = 0; index < count; index += 1) {
    const operation = expected.operation(index);
    const outcome = await client.run(operation, { timeoutMs: PATIENCE_MS });
    assert.ok(outcome.ok, `operation ${String(index)} ended with ${inspect(outcome)}`);
    assert.equal(outcome.balance, expected.apply(operation), `balance after ${String(index)}`);
    lastSeq = Math.max(lastSeq, outcome.sequence);
  }
  return lastSeq;
}

/** Waits until all databases hold the last batch of the story, then compares what they hold. */
async function assertSameTables(
  dir: string,
  count: number,
  expected: Expectation,
  lastSeq: number,
): Promise<void> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  const read = () =>
    Array.from({ length: count }, (_, id) => readCustomerTable(replicaDatabasePath(dir, id)));
  let tables = read();
  while (
    tables.some((table) => table.seq < lastSeq) ||
    new Set(tables.map(({ seq }) => seq)).size > 1
  ) {
    const seqs = tables.map((table) => table.seq).join(", ");
    assert.ok(performance.now() < deadlineMs, `the databases stay at batches ${seqs}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    tables = read();
  }
  for (const table of tables) {
    const balances = new Map(table.accounts.map((row) => [row.account, row.balance]));
    assert.deepEqual(balances, expected.balances);
  }
}

for (const replicaCount of [4, 7]) {
  const name = `F1: ${String(replicaCount)} processes agree although 20 % of datagrams are lost`;
  test(name, async (context) => {
    const dir = await newCluster(context, "--replicas", String(replicaCount));
    const genesis = loadGenesis(dir);
    await startReplicas(context, dir, replicaCount);
    const { client, sockets } = await openClient(dir, genesis);
    const expected = new Expectation();
    try {
      const lastSeq = await runStory(client, expected, 60);
      await assertSameTables(dir, replicaCount, expected, lastSeq);
    } finally {
      await client.close();
    }
    const [fates] = sockets.map((socket) => socket.fates);
    assert.ok(fates !== undefined && fates.lost > 0 && fates.duplicated > 0 && fates.reordered > 0);
  });
}
