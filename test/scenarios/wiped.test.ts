import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import Libsql from "libsql";
import { replicaDatabasePath, replicaDirectory } from "../../src/io/cluster-directory.js";
import { newCluster, Program, run, startCluster } from "../cli/program.js";

const VICTIM = 2;

/** Somewhere in the first group of records, past the head of the file. */
const FIRST_RECORD_OFFSET = 160;

async function fault(dir: string, what: string): Promise<void> {
  const { status, stderr } = await run(["fault", dir, "--replica", String(VICTIM), `--${what}`]);
  assert.equal(status, 0, stderr);
}

async function stateOf(dir: string): Promise<unknown> {
  const { stdout } = await run(["status", dir, "--json"]);
  const line = stdout.split("\n")[VICTIM] ?? "";
  return (JSON.parse(line) as Record<string, unknown>)["state"];
}

async function untilVoting(dir: string): Promise<void> {
  while ((await stateOf(dir)) !== "voting") await setTimeout(100);
}

async function deposit(dir: string, balance: string): Promise<void> {
  const { status, stdout, stderr } = await run(["client", dir, "deposit $100 to A"]);
  assert.equal(status, 0, stderr + stdout);
  assert(stdout.startsWith(`A now holds $${balance}`), stdout);
}

/** Another replica goes away, so that nothing is agreed on without the one that came back. */
async function assertNeeded(dir: string, balance: string): Promise<void> {
  const { status, stderr } = await run(["fault", dir, "--replica", "3", "--crash"]);
  assert.equal(status, 0, stderr);
  await deposit(dir, balance);
}

/** The newest file of the victim's journal. */
function segmentPath(dir: string): string {
  const directory = join(replicaDirectory(dir, VICTIM), "journal");
  return join(directory, readdirSync(directory).sort().at(-1) ?? "");
}

/** Changes one bit of the first record: it is followed by others, so it had been synced. */
function damage(path: string): void {
  const bytes = readFileSync(path);
  bytes[FIRST_RECORD_OFFSET] = (bytes[FIRST_RECORD_OFFSET] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

/** Makes somebody rich behind the replica's back. */
function editBalance(path: string): void {
  const database = new Libsql(path);
  database.exec("UPDATE CUSTOMER SET BALANCE = BALANCE + 100000");
  database.close();
}

test("F8: a wiped replica stays stopped until it may rejoin and vote again", async (context) => {
  const dir = await newCluster(context);
  await startCluster(context, dir);
  await deposit(dir, "200.00");
  await fault(dir, "wipe");
  const refused = await run(["fault", dir, "--replica", String(VICTIM), "--restart"]);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /has taken part before .* let it rejoin: .* --id 2 --rejoin/);
  await fault(dir, "rejoin");
  await untilVoting(dir);
  await assertNeeded(dir, "300.00");
  await fault(dir, "restart");
  assert.equal(await stateOf(dir), "voting", "it need not do so again");
});

test("F7: a replica with a damaged journal keeps it and rejoins by itself", async (context) => {
  const dir = await newCluster(context);
  await startCluster(context, dir);
  await deposit(dir, "200.00");
  await deposit(dir, "300.00");
  await fault(dir, "crash");
  const damaged = segmentPath(dir);
  damage(damaged);
  const bytes = readFileSync(damaged);
  await fault(dir, "restart");
  const kept = damaged.replace("/journal/", "/journal.lost-1/");
  assert.deepEqual(readFileSync(kept), bytes);
  await untilVoting(dir);
  await assertNeeded(dir, "400.00");
});

test("a replica with edited rows keeps them aside and rejoins by itself", async (context) => {
  const dir = await newCluster(context);
  await startCluster(context, dir);
  await deposit(dir, "200.00");
  await fault(dir, "crash");
  const path = replicaDatabasePath(dir, VICTIM);
  editBalance(path);
  await fault(dir, "restart");
  assert(readdirSync(replicaDirectory(dir, VICTIM)).includes("ledger.db.lost-1"));
  await untilVoting(dir);
  const { status, stdout } = await run(["show", dir, "A"]);
  assert.equal(status, 0, stdout);
  await assertNeeded(dir, "300.00");
});

test("a replica that was stopped and lost its folder says how it may rejoin", async (context) => {
  const dir = await newCluster(context);
  const replica = new Program(["replica", dir, "--id", "2"]);
  assert.match(await replica.line(), /^replica 2 serves/);
  replica.process.kill("SIGTERM");
  assert.equal((await replica.ended).status, 0);
  rmSync(replicaDirectory(dir, 2), { recursive: true });
  const { status, stderr } = await run(["replica", dir, "--id", "2"]);
  assert.equal(status, 1);
  assert.match(stderr, /has taken part before .* its journal is gone.* rejoin/);
  const again = await run(["replica", dir, "--id", "2"]);
  assert.equal(again.status, 1, "and saying so changes nothing");
});
