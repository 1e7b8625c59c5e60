import assert from "node:assert/strict";
import { test } from "node:test";
import { isConsistent, problemsOf } from "../../../src/cli/bench/bench-report.js";
import { jsonReport } from "../../../src/cli/bench/json-report.js";
import type { MeasuredOutcome } from "../../../src/cli/bench/measured-client.js";
import { runBench } from "../../../src/cli/bench/run-bench.js";
import type { BenchObserver, BenchPlan, BenchResult } from "../../../src/cli/bench/run-bench.js";
import { experimentText, rowsText } from "../../../src/cli/bench/text-report.js";
import { FakeCluster } from "./fake-cluster.js";

const PLAN: BenchPlan = {
  hasExperiments: true,
  rows: [
    { kind: "read-only", iterations: 100, partitionCount: 0 },
    { kind: "read-write", iterations: 200, partitionCount: 0 },
  ],
  repeat: { passes: 1, budgetMs: null },
  sweep: null,
  hasBaseline: false,
  sessionCount: 2,
  load: { inFlight: 1, ratePerSecond: null, timeoutMs: 1_000 },
  seed: 1,
};

const QUIET: BenchObserver = {
  experimentDone: () => undefined,
  rowStarted: () => undefined,
  operationDone: () => undefined,
  rowDone: () => undefined,
  loadDone: () => undefined,
};

const CLUSTER = {
  replicaCount: 4,
  store: "sqlite",
  durability: "fsync",
  replies: "journal",
  verifier: "native",
  network: "loopback",
  fileSystem: "ext4",
};

function bench(cluster: FakeCluster, plan = PLAN, observer = QUIET): Promise<BenchResult> {
  const { signal } = new AbortController();
  return runBench(cluster, CLUSTER, plan, observer, cluster.clock, signal);
}

test("experiments 1 and 3 come out as published on the demo accounts", async () => {
  const { report } = await bench(new FakeCluster());
  const [first, third] = report.experiments;
  assert.deepEqual(first?.answers, ["200.00", "200.00"]);
  assert.deepEqual(third?.answers, ["300.00", "300.00", "1000.00", "1000.00", "300.00", "300.00"]);
  const balances = third.accounts.map((account) => account.balances);
  const four = (balance: string): string[] => [balance, balance, balance, balance];
  assert.deepEqual(balances, [four("300.00"), four("1000.00"), four("300.00")]);
  assert.deepEqual(problemsOf(report), []);
});

test("a wrong balance in one table makes the experiment differ", async () => {
  const cluster = new FakeCluster();
  const row = cluster.tables[2]?.get("A");
  assert.ok(row !== undefined);
  cluster.tables[2]?.set("A", { ...row, balance: 0n });
  const { report } = await bench(cluster, { ...PLAN, rows: [] });
  const [first] = report.experiments;
  assert.deepEqual([first?.identical, first?.asPublished], [false, false]);
  assert.equal(isConsistent(report), false);
  assert.ok(problemsOf(report).length > 0);
});

test("equal tables with a wrong balance are not as published either", async () => {
  const cluster = new FakeCluster();
  for (const table of cluster.tables) {
    const row = table.get("A");
    if (row !== undefined) table.set("A", { ...row, balance: 1n });
  }
  const { report } = await bench(cluster, { ...PLAN, rows: [] });
  const [first] = report.experiments;
  assert.deepEqual([first?.identical, first?.asPublished], [true, false]);
});

test("a row holds what was measured, without its warm-up", async () => {
  const { report, distributions } = await bench(new FakeCluster());
  const [reads, mixed] = report.rows;
  assert.deepEqual([reads?.readCount, reads?.writeCount, reads?.warmUpCount], [100, 0, 100]);
  assert.deepEqual([mixed?.readCount, mixed?.writeCount, mixed?.warmUpCount], [100, 100, 200]);
  assert.equal(mixed?.latency.count, 200);
  assert.equal(mixed.passes[0]?.consistent, true);
  assert.equal(mixed.passes[0].balancesAsPredicted, true);
  assert.deepEqual(
    distributions.map(({ file }) => file),
    ["row-1-read-only.hgrm", "row-2-read-write.hgrm"],
  );
});

test("a lost write is caught although all four databases agree", async () => {
  const cluster = new FakeCluster();
  let isLost = false;
  cluster.onOperation = (operation): MeasuredOutcome | null => {
    if (isLost || operation.kind !== "deposit") return null;
    isLost = true;
    return { ok: true, balance: 0n, view: 0, sequence: 0 };
  };
  const { report } = await bench(cluster, { ...PLAN, hasExperiments: false });
  const [pass] = report.rows[1]?.passes ?? [];
  assert.deepEqual([pass?.consistent, pass?.balancesAsPredicted], [true, false]);
  assert.ok(problemsOf(report).some((problem) => problem.includes("add up to")));
});

test("failures are problems, and an unknown outcome leaves nothing to predict", async () => {
  const cluster = new FakeCluster();
  let writeCount = 0;
  cluster.onOperation = (operation): MeasuredOutcome | null => {
    if (operation.kind === "get") return null;
    writeCount += 1;
    return writeCount === 150 ? { ok: false, code: "timeout" } : null;
  };
  const { report } = await bench(cluster, { ...PLAN, hasExperiments: false });
  const [pass] = report.rows[1]?.passes ?? [];
  assert.deepEqual(pass?.failures, { timeout: 1 });
  assert.equal(pass.balancesAsPredicted, null);
  assert.ok(problemsOf(report).some((problem) => problem.includes('"timeout"')));
});

test("view changes are the increase that the replicas counted during the row", async () => {
  const cluster = new FakeCluster();
  cluster.viewChanges.fill(5);
  let readCount = 0;
  cluster.onOperation = () => {
    readCount += 1;
    if (readCount === 150) cluster.viewChanges.splice(0, 4, 7, 7, 5, 7);
    return null;
  };
  const { report } = await bench(cluster, { ...PLAN, hasExperiments: false });
  assert.deepEqual(
    report.rows.map((row) => row.passes[0]?.viewChangeCount),
    [2, 0],
  );
});

test("a row says what its partitions were and cost", async () => {
  const cluster = new FakeCluster();
  const rows = [{ kind: "read-write", iterations: 300, partitionCount: 1 }] as const;
  const { report } = await bench(cluster, {
    ...PLAN,
    rows,
    sessionCount: 1,
    hasExperiments: false,
  });
  assert.deepEqual(problemsOf(report), []);
  assert.deepEqual(cluster.faults, ["cut-off 0", "connect 0"]);
  const { rows: lines } = JSON.parse(jsonReport(report, "report.html")) as {
    rows: { partitions: number; catchUpMs: number[] }[];
  };
  assert.deepEqual([lines[0]?.partitions, lines[0]?.catchUpMs], [1, [0]]);
  const text = rowsText(report).replaceAll("\n", " ");
  assert.match(text, /replica 0, the primary of view 0, was cut off after 100 operations, healed/);
  assert.match(
    text,
    /after 200, and caught up within 0\.00 ms, while clients got .* slowest operation took 1\.00/,
  );
});

test("a replica that stays away after its partition is a problem", async () => {
  const cluster = new FakeCluster();
  const rows = [{ kind: "read-write", iterations: 300, partitionCount: 1 }] as const;
  const inject = cluster.inject.bind(cluster);
  cluster.inject = (fault, replica) =>
    fault === "connect" ? Promise.resolve() : inject(fault, replica);
  const { report } = await bench(cluster, { ...PLAN, rows, hasExperiments: false });
  assert.equal(report.rows[0]?.passes[0]?.partitions[0]?.catchUpMs, null);
  assert.equal(isConsistent(report), false);
});

test("every session is closed again, also when the run breaks", async () => {
  const cluster = new FakeCluster();
  await bench(cluster);
  assert.equal(cluster.openSessions, 0);
  cluster.onOperation = () => {
    throw new Error("broken");
  };
  await assert.rejects(bench(cluster), /broken/);
  assert.equal(cluster.openSessions, 0);
});

test("progress counts every operation, the warm-up included", async () => {
  let announced = 0;
  let done = 0;
  const observer: BenchObserver = {
    ...QUIET,
    rowStarted: (_, operationCount) => (announced += operationCount),
    operationDone: () => (done += 1),
  };
  await bench(new FakeCluster(), PLAN, observer);
  assert.equal(announced, 600);
  assert.equal(done, 600);
});

test("the JSON line begins with the promised members, in the promised order", async () => {
  const { report } = await bench(new FakeCluster(), { ...PLAN, sessionCount: 1 });
  const line = jsonReport(report, "runs/1/report.html");
  assert.ok(!line.includes("\n"));
  const parsed = JSON.parse(line) as { rows: object[] };
  assert.deepEqual(Object.keys(parsed), ["consistent", "rows", "report", "throughput"]);
  assert.deepEqual(Object.keys(parsed.rows[0] ?? {}), [
    "iterations",
    "read",
    "write",
    "meanMs",
    "p50Ms",
    "p99Ms",
    "p999Ms",
    "opsPerSecond",
    "viewChanges",
    "partitions",
    "consistent",
    "maxMs",
    "catchUpMs",
    "passes",
    "meanMsRange",
  ]);
  assert.deepEqual(parsed.rows[1], {
    iterations: 200,
    read: 100,
    write: 100,
    meanMs: 1,
    p50Ms: 1,
    p99Ms: 1,
    p999Ms: 1,
    opsPerSecond: 1000,
    viewChanges: 0,
    partitions: 0,
    consistent: true,
    maxMs: 1,
    catchUpMs: [],
    passes: 1,
    meanMsRange: [1, 1],
  });
});

test("the text shows the tables, the figures and the conditions", async () => {
  const { report } = await bench(new FakeCluster());
  const [experiment] = report.experiments;
  assert.ok(experiment !== undefined);
  const tables = experimentText(experiment);
  for (const part of ["Michael Chen", "BALANCE", "replica 3", "200.00", "identical: yes"]) {
    assert.ok(tables.includes(part), part);
  }
  const rows = rowsText(report);
  for (const part of ["p99.9", "ops/s", "seed: 1", "2.31–2.56", "other hardware"]) {
    assert.ok(rows.includes(part), part);
  }
});
