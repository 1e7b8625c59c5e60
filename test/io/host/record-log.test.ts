import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { PortableCrypto } from "../../../binding-free-src/portable-crypto.js";
import type { JournalRecord } from "../../../src/core/message.js";
import { createCluster } from "../../../src/io/cluster-create.js";
import { JournalError } from "../../../src/io/journal-error.js";
import { KeyRing } from "../../../src/io/key-ring.js";
import { nodeJournalFiles } from "../../../src/io/journal-files.js";
import { RecordLog } from "../../../src/io/record-log.js";
import {
  checkpointOf,
  CLUSTER_ID,
  digestOf,
  newViewOf,
  sampleBatch,
  viewChangeOf,
} from "../../core/pbft/builders.js";

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

/** The keys of replica `id`, in the cluster that the builders' digests belong to. */
function keysOf(id: number): KeyRing {
  const secrets = cluster.replicaKeys[id];
  assert(secrets !== undefined);
  const genesis = { ...cluster.genesis, clusterId: CLUSTER_ID };
  return new KeyRing(crypto, genesis, { role: "replica", id }, secrets);
}

function temporaryDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "pbft-ledger-records-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Lets the event loop turn until `holds`. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await nextTurn();
}

interface Opened {
  readonly log: RecordLog;
  readonly records: readonly JournalRecord[];
  readonly durable: number[];
  readonly doubt: string | null;
}

async function open(directory: string, id = 1, doubt: string | null = null): Promise<Opened> {
  const durable: number[] = [];
  const opened = await RecordLog.open({
    doubt,
    directory,
    keys: keysOf(id),
    durability: "none",
    files: nodeJournalFiles,
    onDurable: (append) => durable.push(append),
    onFatal: (error) => assert.fail(error),
  });
  // Buffers become plain arrays, as the builders make them.
  const records = structuredClone(opened.records);
  return { log: opened.log, doubt: opened.doubt, records, durable };
}

const batch = sampleBatch(1);
const votes = [0, 1, 3].map((replica) => viewChangeOf(replica, 2));
const certificate = [0, 2, 3].map((replica) => checkpointOf(replica, 4, digestOf(4)));
const ALL: readonly JournalRecord[] = [
  { kind: "pre-prepared", view: 0, seq: 1, batch },
  { kind: "prepared", view: 0, seq: 1, digest: batch.digest },
  { kind: "committed", seq: 1, digest: batch.digest },
  { kind: "body", seq: 2, batch: sampleBatch(2) },
  { kind: "view-change", vote: viewChangeOf(1, 2) },
  { kind: "new-view", newView: newViewOf(2, votes) },
  { kind: "stable", seq: 4, certificate },
];

test("every kind of record is found again as it was written, in order", async (context) => {
  const directory = temporaryDirectory(context);
  const first = await open(directory);
  assert.deepEqual(first.records, []);
  assert.deepEqual(
    ALL.map((record) => first.log.append(record)),
    [1, 2, 3, 4, 5, 6, 7],
  );
  assert(first.log.canAppend());
  await first.log.close();
  assert.equal(first.durable.at(-1), 7);
  const second = await open(directory);
  assert.deepEqual(second.records, ALL);
  assert.equal(second.log.append(ALL[0] ?? assert.fail()), 1, "appends are counted anew");
  await second.log.close();
});

test("a decision waits for what is written next, or for whoever needs it", async (context) => {
  const { log, durable } = await open(temporaryDirectory(context));
  const [preparation = assert.fail(), , decision = assert.fail()] = ALL;
  log.append(decision);
  await nextTurn();
  await nextTurn();
  assert.deepEqual(durable, []);
  log.hurry();
  await until(() => durable.length === 1);
  assert.deepEqual(durable, [1]);
  log.append(decision);
  log.append(preparation);
  await until(() => durable.length === 2);
  assert.deepEqual(durable, [1, 3], "in one group");
  log.append(decision);
  await log.close();
  assert.deepEqual(durable, [1, 3, 4]);
});

test("a decision that has waited for a whole tick is written", async (context) => {
  const { log, durable } = await open(temporaryDirectory(context));
  const [preparation = assert.fail(), , decision = assert.fail()] = ALL;
  log.append(decision);
  log.tick();
  await nextTurn();
  await nextTurn();
  assert.deepEqual(durable, [], "it may have come just before the tick");
  log.tick();
  await until(() => durable.length === 1);
  log.append(decision);
  log.tick();
  log.append(preparation);
  await until(() => durable.length === 2);
  log.append(decision);
  log.tick();
  await nextTurn();
  await nextTurn();
  assert.deepEqual(durable, [1, 3], "what waited at the tick before was written meanwhile");
  await log.close();
});

test("view and stable checkpoint outlive their segments", async (context) => {
  const directory = temporaryDirectory(context);
  for (let run = 0; run < 3; run += 1) {
    const { log, records } = await open(directory);
    if (run === 0) for (const record of ALL) log.append(record);
    else {
      const kinds = records.map(({ kind }) => kind);
      assert(kinds.includes("new-view") && kinds.includes("stable"));
    }
    log.discard(4);
    // A segment's worth of records that are not needed any more either.
    for (let count = 0; count < 3; count += 1) {
      log.append({ kind: "committed", seq: 4, digest: batch.digest });
    }
    await log.close();
  }
  const { log, records } = await open(directory);
  await log.close();
  const newest = records.findLast(({ kind }) => kind === "new-view" || kind === "view-change");
  assert.deepEqual(newest, ALL[5]);
  assert.deepEqual(
    records.findLast(({ kind }) => kind === "stable"),
    ALL[6],
  );
});

test("what cannot be believed is set aside, until it is made up for (RS4)", async (context) => {
  const directory = temporaryDirectory(context);
  const first = await open(directory);
  for (const record of ALL) first.log.append(record);
  await first.log.close();
  const second = await open(directory, 1, "the disk is a new one");
  assert.match(second.doubt ?? "", /the disk is a new one/);
  assert.deepEqual(second.records, []);
  assert(readdirSync(directory).includes("journal.lost-1"), "and kept for whoever asks");
  second.log.append(ALL[2] ?? assert.fail());
  await second.log.close();
  const third = await open(directory);
  assert.match(third.doubt ?? "", /the disk is a new one/, "a restart does not end it");
  assert.equal(third.records.length, 1, "and what came since is there");
  await third.log.trust();
  await third.log.close();
  const fourth = await open(directory);
  assert.equal(fourth.doubt, null);
  assert.equal(fourth.records.length, 1);
  await fourth.log.close();
});

test("another replica's journal is not read as one's own", async (context) => {
  const directory = temporaryDirectory(context);
  const { log } = await open(directory);
  log.append(ALL[0] ?? assert.fail());
  await log.close();
  await assert.rejects(open(directory, 2), JournalError);
});

test("a journal that may have lost a promise is set aside (F7, RS4)", async (context) => {
  const directory = temporaryDirectory(context);
  for (let run = 0; run < 2; run += 1) {
    const { log } = await open(directory);
    for (const record of ALL) log.append(record);
    await log.close();
  }
  const folder = join(directory, "journal");
  const [segment] = readdirSync(folder).filter((name) => name.endsWith(".log"));
  assert(segment !== undefined);
  const bytes = readFileSync(join(folder, segment));
  // In the first run's records, so that good ones follow.
  const at = bytes.indexOf(batch.requests[0]?.bytes ?? assert.fail());
  assert(at > 0);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0xff, at);
  writeFileSync(join(folder, segment), bytes);
  const { log, doubt, records } = await open(directory);
  await log.close();
  assert.match(doubt ?? "", /cannot be trusted/);
  assert.deepEqual(records, []);
  assert.deepEqual(readFileSync(join(directory, "journal.lost-1", segment)), bytes);
});
