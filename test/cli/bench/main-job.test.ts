import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { MAIN_PATH, newCluster, run, startCluster } from "../program.js";
import { temporaryDirectory } from "../temporary-directory.js";

interface Row {
  readonly iterations: number;
  readonly read: number;
  readonly write: number;
  readonly meanMs: number;
  readonly viewChanges: number;
  readonly partitions: number;
  readonly catchUpMs: readonly (number | null)[];
  readonly consistent: boolean;
}

interface Report {
  readonly consistent: boolean;
  readonly rows: readonly Row[];
  readonly report: string;
  readonly throughput: readonly {
    readonly label: string;
    readonly points: readonly { readonly inFlight: number }[];
  }[];
}

/** What `npm start` starts, in a folder of its own, with temporary files in another. */
class Start {
  readonly folder: string;
  readonly temporary: string;
  readonly process: ChildProcessByStdio<null, Readable, Readable>;

  constructor(context: TestContext, ...words: string[]) {
    this.folder = temporaryDirectory(context);
    this.temporary = join(this.folder, "temporary");
    mkdirSync(this.temporary);
    this.process = spawn(process.execPath, [MAIN_PATH, "bench", "table1", ...words], {
      cwd: this.folder,
      env: { ...process.env, TMPDIR: this.temporary },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  async ended(): Promise<{ status: number | null; stdout: string; stderr: string }> {
    const { stdout, stderr } = this.process;
    const closed = once(this.process, "close");
    const texts = { stdout: await text(stdout), stderr: await text(stderr) };
    await closed;
    return { status: this.process.exitCode, ...texts };
  }
}

function lastLine(output: string): Report {
  return JSON.parse(output.trimEnd().split("\n").at(-1) ?? "") as Report;
}

test("the main job experiments, measures and leaves nothing but its report", async (context) => {
  const words = ["--iterations", "40", "--rows", "read-only,read-write", "--seed", "3", "--json"];
  const start = new Start(context, ...words, "--sweep", "16");
  const { status, stdout, stderr } = await start.ended();
  assert.equal(status, 0, stderr);
  const { consistent, rows, report, throughput } = lastLine(stdout);
  assert.equal(consistent, true);
  assert.deepEqual(
    rows.map(({ iterations, read, write }) => [iterations, read, write]),
    [
      [40, 40, 0],
      [40, 20, 20],
    ],
  );
  assert.ok(rows.every((row) => row.consistent && row.meanMs > 0));
  const html = readFileSync(report, "utf8");
  for (const balance of ["200.00", "300.00", "1000.00"]) assert.ok(html.includes(balance), balance);
  assert.deepEqual(
    throughput.map(({ label, points }) => [label, points[0]?.inFlight]),
    [
      ["reads", 16],
      ["writes", 16],
    ],
  );
  assert.ok(existsSync(join(report, "..", "throughput-latency.svg")));
  assert.match(html, /<dt>network<\/dt><dd>loopback, .*; datagrams of up to 65,507 bytes<\/dd>/);
  assert.match(stderr, /Experiment 3: deposit A 100, get A, deposit B 200/);
  assert.deepEqual(readdirSync(start.temporary), []);
});

test("a primary and a backup are cut off and healed, and all databases agree", async (context) => {
  const words = ["--iterations", "100", "--rows", "read-write", "--partitions", "2"];
  const start = new Start(context, ...words, "--repeat", "1", "--json");
  const { status, stdout, stderr } = await start.ended();
  assert.equal(status, 0, stderr);
  const [row] = lastLine(stdout).rows;
  assert.deepEqual([row?.iterations, row?.partitions, row?.consistent], [100, 2, true]);
  assert.ok((row?.viewChanges ?? 0) >= 1, "the primary was replaced");
  assert.ok(row?.catchUpMs.every((ms) => ms !== null && ms > 0));
  assert.match(stderr, /replica 0, the primary of view 0, was cut off after 20 operations/);
});

test("a store in memory is compared by its state roots", async (context) => {
  const start = new Start(context, "--store", "memory", "--iterations", "10", "--json");
  const { status, stdout, stderr } = await start.ended();
  assert.equal(status, 0, stderr);
  const { consistent, report } = lastLine(stdout);
  assert.equal(consistent, true);
  assert.match(
    readFileSync(join(report, "..", "run.json"), "utf8"),
    /replicas name one state root/,
  );
});

test("an interrupt ends the main job and the replicas that it started", async (context) => {
  const start = new Start(context, "--iterations", "1000000", "--rows", "read-only");
  const ended = start.ended();
  await once(start.process.stdout, "data"); // The first experiment is done, so the replicas run.
  const [cluster = ""] = readdirSync(start.temporary);
  const pids = [0, 1, 2, 3].map((replica) => {
    const path = join(start.temporary, cluster, `replica-${replica}`, "replica.pid");
    return Number(readFileSync(path, "utf8"));
  });
  start.process.kill("SIGINT");
  const { status, stderr } = await ended;
  assert.equal(status, 1);
  assert.match(stderr, /Stopped before the end/);
  assert.deepEqual(readdirSync(start.temporary), []);
  assert.equal(existsSync(join(start.folder, "runs")), false);
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
});

test("the main job says how it is used, and refuses what it does not know", async (context) => {
  const help = await new Start(context, "--help").ended();
  assert.equal(help.status, 0);
  assert.match(help.stdout, /--iterations[\s\S]*Examples:/);
  for (const words of [
    ["--rows", "some"],
    ["--bogus"],
    ["--store", "paper"],
    ["--partitions", "-1"],
    ["--sweep", "0"],
    ["--hosts", "islands"],
    ["--delay", "5"],
    ["extra"],
  ]) {
    const { status, stderr } = await new Start(context, ...words).ended();
    assert.equal(status, 2, words.join(" "));
    assert.match(stderr, /^error: /);
  }
});

test("bench measures a cluster that is up, in the closed and in the open loop", async (context) => {
  const dir = await newCluster(context);
  await startCluster(context, dir);
  const closed = ["--read-write", "--iterations", "60", "--sessions", "2", "--in-flight", "8"];
  const open = ["--read-only", "--iterations", "60", "--rate", "500"];
  const faulty = ["--read-write", "--iterations", "60", "--partitions", "1"];
  for (const words of [closed, open, faulty]) {
    const { status, stdout, stderr } = await run(["bench", dir, "--json", ...words]);
    assert.equal(status, 0, stderr);
    const { consistent, rows, report } = lastLine(stdout);
    assert.deepEqual([consistent, rows.length, rows[0]?.iterations], [true, 1, 60]);
    assert.equal(rows[0]?.partitions, words === faulty ? 1 : 0);
    assert.ok(existsSync(report));
  }
  assert.equal(readdirSync(join(dir, "runs")).length, 3);
});

test("bench refuses a cluster that is down and options that make no sense", async (context) => {
  const dir = await newCluster(context);
  const down = await run(["bench", dir]);
  assert.equal(down.status, 1);
  assert.match(down.stderr, /No answer from replica 0, 1, 2, 3.*pbft-ledger up/);
  for (const words of [
    ["--read-only", "--read-write"],
    ["--rate", "fast"],
    ["--sessions", "0"],
    ["--partitions", "some"],
    ["--iterations", "2", "--partitions", "1"],
  ]) {
    const { status, stderr } = await run(["bench", dir, ...words]);
    assert.equal(status, 2, stderr);
  }
});
