import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { findFreePorts } from "../../src/cli/free-ports.js";
import {
  createCluster,
  createLog,
  createReplica,
  createServiceClient,
  type EntryService,
  type Genesis,
  loadCrypto,
  loadGenesis,
  loadReplicaKey,
  loadClientKey,
  type RunningReplica,
  type ServiceClient,
  type ServiceOutcome,
  writeCluster,
} from "../../src/io/pbft-ledger.js";
import { readSqliteContent } from "../../src/io/sqlite-database.js";
import { replicaDatabasePath, replicaDirectory } from "../../src/io/cluster-directory.js";
import { Program, run } from "../cli/program.js";
import { afterwards, temporaryDirectory } from "../cli/temporary-directory.js";

const NAMES_PATH = fileURLToPath(new URL("../../../examples/names.js", import.meta.url));
const CLIENT_PATH = fileURLToPath(new URL("../../../examples/names-client.js", import.meta.url));
/** Only says that something hangs. */
const PATIENCE_MS = 60_000;

interface Answer {
  readonly ok: boolean;
  readonly owner: string | null;
}

function answerOf(outcome: ServiceOutcome): Answer {
  assert(outcome.ok, `the outcome is ${outcome.ok ? "done" : outcome.code}`);
  return JSON.parse(new TextDecoder().decode(outcome.result)) as Answer;
}

function operation(verb: string, name: string, to?: string): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ verb, name, to }));
}

async function namesService(): Promise<EntryService> {
  const module = (await import(pathToFileURL(NAMES_PATH).href)) as { default: EntryService };
  return module.default;
}

async function clientOf(context: TestContext, dir: string, who: string): Promise<ServiceClient> {
  const genesis = loadGenesis(dir);
  const { provider } = await loadCrypto(process.env);
  const key = loadClientKey(dir, genesis, who, provider);
  const client = await createServiceClient({ genesis, key, service: "names" });
  afterwards(context, () => client.close());
  return client;
}

test("a service of one's own runs, is watched and audited like the ledger", async (context) => {
  const dir = join(temporaryDirectory(context), "names");
  const port = String(await findFreePorts(4));
  const words = ["--service", NAMES_PATH];
  const made = await run(["init", dir, "--port", port, "--clients", "2", ...words]);
  assert.match(made.stdout, /up .* --service .*names\.js\n$/);
  const refused = await run(["up", dir]);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /runs the service "names", and this is for the ledger/);

  const up = new Program(["up", dir, ...words]);
  afterwards(context, async () => {
    up.process.kill("SIGINT");
    await up.ended;
  });
  await up.line();
  const [teller, other] = await Promise.all([
    clientOf(context, dir, "teller"),
    clientOf(context, dir, "client-1"),
  ]);
  assert.deepEqual(answerOf(await teller.invoke(operation("register", "alpha"))), {
    ...{ ok: true, owner: "teller" },
  });
  const taken = { ok: false, owner: "teller" };
  assert.deepEqual(answerOf(await other.invoke(operation("register", "alpha"))), taken);
  assert.deepEqual(answerOf(await other.invoke(operation("pass-on", "alpha", "me"))), taken);
  await teller.invoke(operation("pass-on", "alpha", "client-1"));
  const read = await other.query(operation("owner", "alpha"));
  assert.deepEqual(answerOf(read), { ok: true, owner: "client-1" });
  assert(read.ok && read.path === "read-only");
  const failed = await other.invokeAll([Uint8Array.of(1), operation("register", "beta")]);
  assert.deepEqual(
    failed.map((outcome) => (outcome.ok ? "ok" : outcome.code)),
    ["failed", "ok"],
  );
  const example = await runExample(dir, "client-1", "owner", "beta");
  assert.deepEqual(example, { status: 0, stdout: '{"ok":true,"owner":"client-1"} (read-only)\n' });

  assert.equal((await run(["status", dir])).status, 0);
  for (const command of [
    ["client", dir, "get A"],
    ["show", dir],
    ["bench", dir],
  ]) {
    const { status, stderr } = await run(command);
    assert.equal(status, 1, command[0]);
    assert.match(stderr, /runs the service "names"/);
  }
  up.process.kill("SIGINT");
  await up.ended;
  const audit = await run(["verify", dir]);
  assert.match(audit.stdout, /replica 3: .* 2 entries in 2 slots: sound\n/);
  assert.match(audit.stdout, /Nothing is wrong\./);
});

async function runExample(...words: readonly string[]) {
  const child = spawn(process.execPath, [CLIENT_PATH, ...words]);
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  await once(child, "close");
  return { status: child.exitCode, stdout };
}

test("a file without a service is refused with a sentence", async (context) => {
  const dir = temporaryDirectory(context);
  const cases: readonly (readonly [name: string, text: string, sentence: RegExp])[] = [
    ["none.js", "export const x = 1;", /The default export of .*none\.js is no service: it is no/],
    ["syntax.js", "export default {", /syntax\.js can't be loaded as a JavaScript module: Syntax/],
    ["throws.js", "throw new Error('first line');", /throws\.js can't be loaded .* first line\n/],
    ["data.json", "{}", /data\.json can't be loaded/],
    ["count.js", countless("'lots'"), /count\.js is no service: it needs an entriesMax from 1 to/],
  ];
  for (const [name, text, sentence] of cases) {
    writeFileSync(join(dir, name), text);
    const { status, stderr } = await run(["init", join(dir, "new"), "--service", join(dir, name)]);
    assert.equal(status, 1, name);
    assert.match(stderr, sentence);
    assert(!stderr.includes("    at "), "no stack");
  }
  const missing = await run(["init", join(dir, "new"), "--service", join(dir, "missing.js")]);
  assert.match(missing.stderr, /There is no file .*missing\.js/);
});

function countless(entriesMax: string): string {
  const run = "() => new Uint8Array(0)";
  return `export default { name: "x", execute: ${run}, query: ${run}, entriesMax: ${entriesMax} };`;
}

test("who lost all fetches the state of a service of one's own (ST2)", async (context) => {
  const dir = join(temporaryDirectory(context), "names");
  const genesis = await smallCluster(dir);
  const service = await namesService();
  const replicas: RunningReplica[] = [];
  const start = async (id: number, mayHaveForgotten = false): Promise<void> => {
    const parts = { ...(await partsOf(dir, genesis, id)), service, mayHaveForgotten };
    const replica = await createReplica(parts);
    replicas[id] = replica;
    afterwards(context, () => replica.stop());
  };
  await assert.rejects(startAs(dir, genesis, "other"), /runs the service "names"/);
  for (const { id } of genesis.replicas) await start(id);
  const client = await clientOf(context, dir, "teller");
  for (let index = 0; index < 12; index += 1) {
    answerOf(await client.invoke(operation("register", `name-${index % 10}`)));
  }
  await replicas[3]?.stop();
  rmSync(replicaDirectory(dir, 3), { recursive: true });
  for (let index = 0; index < 12; index += 1) {
    answerOf(await client.invoke(operation("register", `more-${index}`)));
  }
  await start(3, true);
  const until = performance.now() + PATIENCE_MS;
  const isLevel = async (): Promise<boolean> => {
    const statuses = await Promise.all(replicas.map((one) => one.status()));
    return new Set(statuses.map(({ stateRoot }) => stateRoot)).size === 1;
  };
  while (!(await isLevel()) && performance.now() < until) await setTimeout(50);
  assert(await isLevel(), "all have the same state");
  await client.close();
  for (const replica of replicas) await replica.stop();
  const contents = genesis.replicas.map(({ id }) =>
    readSqliteContent(replicaDatabasePath(dir, id)),
  );
  for (const { entries } of contents) {
    assert.equal(entries?.length, 22);
    assert.deepEqual(entries, contents[0]?.entries);
  }
  // And once more from their databases.
  for (const { id } of genesis.replicas) await start(id);
  await checkReads(await clientOf(context, dir, "teller"));
});

/** Makes a cluster whose checkpoints come often. */
async function smallCluster(dir: string): Promise<Genesis> {
  const { provider } = await loadCrypto(process.env);
  const options = {
    ...{ replicaCount: 4, clientCount: 1, hosts: ["127.0.0.1"], port: await findFreePorts(4) },
    ...({ store: "sqlite", durability: "fsync" } as const),
    ...{ service: "names", accounts: [] },
    settings: { checkpointIntervalSlots: 4, windowSlots: 8 },
  };
  writeCluster(dir, createCluster(options, provider));
  return loadGenesis(dir);
}

/** What a replica of it is started with, but for its service. */
async function partsOf(dir: string, genesis: Genesis, id: number) {
  const { provider } = await loadCrypto(process.env);
  const key = loadReplicaKey(dir, genesis, id, provider);
  return { dir, genesis, key, log: createLog("silent", { replica: id }), workerCount: 0 };
}

/** More results than a request has room for among them. */
async function checkReads(client: ServiceClient): Promise<void> {
  const read = answerOf(await client.query(operation("owner", "more-11")));
  assert.deepEqual(read, { ok: true, owner: "teller" });
  const long = "x".repeat(8_000);
  await client.invoke(operation("register", "long"));
  await client.invoke(operation("pass-on", "long", long));
  const reads = Array.from({ length: 20 }, () => client.query(operation("owner", "long")));
  for (const outcome of await Promise.all(reads)) assert.equal(answerOf(outcome).owner, long);
}

test("a service that is not deterministic stops all, and is told of (CK3)", async (context) => {
  const dir = join(temporaryDirectory(context), "names");
  const genesis = await smallCluster(dir);
  const replicas: RunningReplica[] = [];
  for (const { id } of genesis.replicas) {
    const service = { ...(await namesService()), execute: differentlyAt(id) };
    const replica = await createReplica({ ...(await partsOf(dir, genesis, id)), service });
    afterwards(context, () => replica.stop());
    replicas.push(replica);
  }
  const client = await clientOf(context, dir, "teller");
  for (let index = 0; index < 4; index += 1) {
    assert((await client.invoke(operation("register", `name-${index}`))).ok);
  }
  const until = performance.now() + PATIENCE_MS;
  const alarms = async (): Promise<(string | null)[]> => {
    const statuses = await Promise.all(replicas.map((replica) => replica.status()));
    return statuses.map(({ alarm }) => alarm);
  };
  while ((await alarms()).includes(null) && performance.now() < until) await setTimeout(50);
  for (const alarm of await alarms()) assert.match(alarm ?? "", /different states after batch 4/);
});

/** Answers alike, and keeps something else at each replica. */
function differentlyAt(id: number): EntryService["execute"] {
  return (state, operation) => {
    state.set(`key ${state.count}`, Uint8Array.of(id));
    return operation;
  };
}

async function startAs(dir: string, genesis: Genesis, name: string): Promise<RunningReplica> {
  const service = { ...(await namesService()), name };
  return createReplica({ ...(await partsOf(dir, genesis, 0)), service });
}
