import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import {
  controlSocketPath,
  replicaLogPath,
  replicaPidPath,
} from "../../src/io/cluster-directory.js";
import { newCluster, Program, run, startCluster } from "./program.js";

/** The members of each line of `text`, JSON objects. */
function objects(text: string): Record<string, unknown>[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The balances of each account by replica, as `show` finds them in the databases. */
async function shown(dir: string): Promise<{ readonly balances: unknown; readonly end: unknown }> {
  const { status, stdout, stderr } = await run(["show", dir, "--json"]);
  assert.equal(status, 0, stderr + stdout);
  const rows = objects(stdout);
  const end = rows.pop();
  const balances = new Map(rows.map((row) => [row["account"], row["balances"]]));
  return { balances: Object.fromEntries(balances) as unknown, end };
}

test("experiments 1 and 3 come out as published, in every database", async (context) => {
  const dir = await newCluster(context);
  await startCluster(context, dir);

  const first = await run(["client", dir, "--json", "deposit", "A", "100,", "get", "A"]);
  assert.equal(first.status, 0, first.stderr);
  const answers = objects(first.stdout);
  assert.deepEqual(
    answers.map(({ command, ok, balance, path }) => [command, ok, balance, path]),
    [
      ["deposit A 100", true, "200.00", "ordered"],
      ["get A", true, "200.00", "read-only"],
    ],
  );
  assert.deepEqual((await shown(dir)).balances, {
    A: ["200.00", "200.00", "200.00", "200.00"],
    B: ["800.00", "800.00", "800.00", "800.00"],
    C: ["400.00", "400.00", "400.00", "400.00"],
  });

  const third = "deposit A 100, get A, deposit B 200, get B, withdraw C 100, get C";
  const second = await run(["client", dir, third]);
  assert.equal(second.status, 0, second.stderr);
  assert.equal(second.stdout.split("\n").length, 7);
  const { balances, end } = await shown(dir);
  assert.deepEqual(balances, {
    A: ["300.00", "300.00", "300.00", "300.00"],
    B: ["1000.00", "1000.00", "1000.00", "1000.00"],
    C: ["300.00", "300.00", "300.00", "300.00"],
  });
  assert.deepEqual(end, { identical: true, sequences: [4, 4, 4, 4] });

  const status = await run(["status", dir, "--json"]);
  assert.equal(status.status, 0);
  for (const [replica, row] of objects(status.stdout).entries()) {
    const { pid, stateRoot, ...rest } = row;
    assert.equal(pid, Number(readFileSync(replicaPidPath(dir, replica), "utf8")));
    assert.match(String(stateRoot), /^[0-9a-f]{64}$/);
    // Less if it was asked while that took long.
    assert(Number(rest["stateRootSeq"]) <= 4);
    const expected = { replica, up: true, view: 0, primary: 0, executed: 4, stable: 0, batches: 4 };
    for (const [field, value] of Object.entries(expected)) assert.equal(rest[field], value, field);
    assert.deepEqual([rest["viewChanges"], rest["databaseLag"]], [0, 0]);
  }
});

test("a script talks to the client line by line", async (context) => {
  const dir = await newCluster(context);
  await startCluster(context, dir);
  const client = new Program(["client", dir, "--json"]);
  const ask = async (line: string): Promise<Record<string, unknown>> => {
    client.type(line);
    return JSON.parse(await client.line()) as Record<string, unknown>;
  };
  assert.equal((await ask("move $100 from B to A"))["targetBalance"], "200.00");
  assert.equal((await ask("open D name 'Ada L.' balance 5"))["balance"], "5.00");
  assert.equal((await ask("get Z"))["code"], "unknown-account");
  assert.equal((await ask("fly to Z"))["code"], "unknown-command");
  assert.equal((await ask("withdraw D 5.01"))["code"], "insufficient-funds");
  assert.equal((await ask("withdraw D 5.00"))["balance"], "0.00");
  assert.equal((await ask("retry"))["code"], "nothing-to-retry");
  client.endInput();
  assert.equal((await client.ended).status, 1, "some of them failed");
});

test("customers may use what they opened, and nothing else", async (context) => {
  const dir = await newCluster(context, "--clients", "3");
  await startCluster(context, dir);
  const as = (name: string, line: string) => run(["client", dir, "--as", name, "--json", line]);
  const opened = await as("client-1", "open E balance 5, get E, deposit E 1");
  assert.equal(opened.status, 0, opened.stdout);
  const refused = await as("client-2", "get E, withdraw E 1, get A");
  assert.equal(refused.status, 1);
  const codes = objects(refused.stdout).map(({ code }) => code);
  assert.deepEqual(codes, ["not-authorized", "not-authorized", "not-authorized"]);
  const teller = await as("teller", "withdraw E 6");
  assert.equal(objects(teller.stdout)[0]?.["balance"], "0.00");
});

test("with two of four down a write times out; retry applies it once", async (context) => {
  const dir = await newCluster(context);
  await startCluster(context, dir);
  const crash = async (replica: string): Promise<void> => {
    assert.equal((await run(["fault", dir, "--replica", replica, "--crash"])).status, 0);
  };
  await crash("2");
  await crash("3");
  const client = new Program(["client", dir, "--timeout", "0.3", "--json"]);
  const ask = async (line: string): Promise<Record<string, unknown>> => {
    client.type(line);
    return JSON.parse(await client.line()) as Record<string, unknown>;
  };
  const unknown = await ask("deposit A 100");
  assert.deepEqual([unknown["ok"], unknown["code"]], [false, "timeout"]);
  const down = objects((await run(["status", dir, "--json"])).stdout);
  assert.deepEqual(
    down.map(({ up }) => up),
    [true, true, false, false],
  );

  const restart = await run(["fault", dir, "--replica", "3", "--restart", "--json"]);
  assert.deepEqual(
    objects(restart.stdout).map(({ state }) => state),
    ["serving", "serving", "crashed", "serving"],
  );
  let answer = await ask("retry");
  for (let tries = 0; answer["code"] === "timeout" && tries < 100; tries += 1) {
    answer = await ask("retry");
  }
  assert.deepEqual([answer["command"], answer["balance"]], ["deposit A 100", "200.00"]);
  client.endInput();
  assert.equal((await client.ended).status, 0, "in the end everything was done");
  const again = await run(["client", dir, "--json", "deposit A 1"]);
  assert.equal(objects(again.stdout)[0]?.["balance"], "201.00", "and only once");
});

test("a replica that is cut off hears nothing, and catches up when healed", async (context) => {
  const dir = await newCluster(context);
  await startCluster(context, dir);
  const partition = async (state: string): Promise<unknown[]> => {
    const words = ["fault", dir, "--replica", "3", "--partition", state, "--json"];
    const { status, stdout, stderr } = await run(words);
    assert.equal(status, 0, stderr);
    return objects(stdout).map(({ isCutOff }) => isCutOff);
  };
  assert.deepEqual(await partition("on"), [false, false, false, true]);
  const written = await run(["client", dir, "--json", "deposit A 100"]);
  assert.equal(written.status, 0, written.stdout);
  const cut = objects((await run(["status", dir, "--json"])).stdout);
  assert.deepEqual(
    cut.map(({ up }) => up),
    [true, true, true, false],
  );
  const differing = await run(["show", dir, "A", "--json"]);
  assert.equal(differing.status, 1);
  const balances = ["200.00", "200.00", "200.00", "100.00"];
  assert.deepEqual(objects(differing.stdout)[0]?.["balances"], balances);

  assert.deepEqual(await partition("off"), [false, false, false, false]);
  // How soon it hears of what it missed depends on the machine; the runner's time limit is the
  // judge.
  while ((await run(["show", dir])).status !== 0) await setTimeout(100);
  assert.deepEqual((await shown(dir)).end, { identical: true, sequences: [1, 1, 1, 1] });
});

test("up restarts a replica that dies, and ends all when it ends", async (context) => {
  const dir = await newCluster(context);
  const up = await startCluster(context, dir);
  assert.equal(statSync(controlSocketPath(dir)).mode & 0o777, 0o600);
  const second = await run(["up", dir]);
  assert.equal(second.status, 1);
  assert.match(second.stderr, /is up already/);

  const pidOf = (replica: number) => Number(readFileSync(replicaPidPath(dir, replica), "utf8"));
  const killed = pidOf(1);
  process.kill(killed, "SIGKILL");
  assert.equal(await up.note(), "replica 1 was killed by SIGKILL: starting it again in 100 ms");
  assert.equal(await up.note(), "replica 1 serves again");
  assert.notEqual(pidOf(1), killed);

  const pids = [0, 1, 2, 3].map(pidOf);
  up.process.kill("SIGINT");
  assert.equal((await up.ended).status, 0);
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), /ESRCH/);
  assert.ok(!existsSync(controlSocketPath(dir)));
  for (const replica of [0, 1, 2, 3]) {
    assert.ok(!existsSync(replicaPidPath(dir, replica)));
    assert.match(readFileSync(replicaLogPath(dir, replica), "utf8"), /"msg":"stopped"/);
  }
});

test("no replica outlives a supervisor that is killed", async (context) => {
  const dir = await newCluster(context);
  const up = await startCluster(context, dir);
  const pids = [0, 1, 2, 3].map((id) => Number(readFileSync(replicaPidPath(dir, id), "utf8")));
  up.process.kill("SIGKILL");
  await up.ended;
  const isRunning = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  // They end in order, which takes a moment; the runner's time limit is the judge.
  while (pids.some(isRunning)) await setTimeout(20);
  const after = await startCluster(context, dir);
  assert.equal(after.process.exitCode, null, "what was left of it is no obstacle");
});
