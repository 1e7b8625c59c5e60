import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { benchAndReport } from "../../../src/cli/bench/bench-output.js";
import { ProgressBar } from "../../../src/cli/bench/progress-bar.js";
import { runFolder } from "../../../src/cli/report/run-folder.js";
import { FailedOperation } from "../../../src/cli/failure.js";
import { ConfigError } from "../../../src/io/config-error.js";
import { temporaryDirectory } from "../temporary-directory.js";
import { FakeCluster } from "./fake-cluster.js";

interface Ran {
  readonly status: number;
  readonly results: readonly string[];
  readonly notes: readonly string[];
}

async function bench(
  parent: string,
  cluster: FakeCluster,
  isJson: boolean,
  signal = new AbortController().signal,
): Promise<Ran> {
  const results: string[] = [];
  const notes: string[] = [];
  const status = await benchAndReport({
    cluster,
    conditions: {
      replicaCount: 4,
      store: "sqlite",
      durability: "fsync",
      replies: "journal",
      verifier: "inline",
      network: "loopback",
      fileSystem: null,
    },
    plan: {
      hasExperiments: true,
      rows: [{ kind: "read-write", iterations: 20, partitionCount: 0 }],
      repeat: { passes: 1, budgetMs: null },
      sweep: null,
      hasBaseline: true,
      sessionCount: 1,
      load: { inFlight: 1, ratePerSecond: null, timeoutMs: 1_000 },
      seed: 4,
    },
    parent,
    isJson,
    progress: new ProgressBar(false),
    output: { result: (line) => results.push(line), note: (line) => notes.push(line) },
    signal,
  });
  return { status, results, notes };
}

test("a run saves everything: figures, percentiles and the report", async (context) => {
  const parent = temporaryDirectory(context);
  const { status, results, notes } = await bench(parent, new FakeCluster(), true);
  assert.equal(status, 0, notes.join("\n"));
  const line = JSON.parse(results.at(-1) ?? "") as { consistent: boolean; report: string };
  assert.equal(line.consistent, true);
  const folder = dirname(line.report);
  const files = readdirSync(folder).sort();
  assert.deepEqual(files, [
    "baseline-read-write-histogram.csv",
    "baseline-read-write-percentiles.csv",
    "baseline-read-write.hgrm",
    "baseline-read-write.svg",
    "histogram.svg",
    "percentiles.svg",
    "report.html",
    "row-1-read-write-histogram.csv",
    "row-1-read-write-pass-1-timeline.csv",
    "row-1-read-write-percentiles.csv",
    "row-1-read-write.hgrm",
    "run.json",
    "throughput-over-time-1.svg",
  ]);
  const run = JSON.parse(readFileSync(join(folder, "run.json"), "utf8")) as {
    conditions: { load: { seed: number }; machine: { cpuCount: number } };
    rows: { latency: { count: number } }[];
  };
  assert.equal(run.conditions.load.seed, 4);
  assert.ok(run.conditions.machine.cpuCount >= 1);
  assert.equal(run.rows[0]?.latency.count, 20);
  assert.match(readFileSync(line.report, "utf8"), /^<!doctype html>/);
});

test("with --json nothing but the object is a result; without, the tables are", async (context) => {
  const parent = temporaryDirectory(context);
  const json = await bench(parent, new FakeCluster(), true);
  assert.equal(json.results.length, 1);
  const text = await bench(parent, new FakeCluster(), false);
  assert.ok(text.results.some((part) => part.includes("Experiment 3")));
  assert.ok(text.results.some((part) => part.includes("p99.9")));
  assert.match(text.results.at(-1) ?? "", /^Report: .*report\.html$/);
});

test("a difference between databases ends with status 1, and is said", async (context) => {
  const cluster = new FakeCluster();
  const row = cluster.tables[2]?.get("B");
  assert.ok(row !== undefined);
  cluster.tables[2]?.set("B", { ...row, name: "Wei Kin" });
  const { status, results, notes } = await bench(temporaryDirectory(context), cluster, true);
  assert.equal(status, 1);
  assert.match(results.at(-1) ?? "", /^\{"consistent":false,/);
  assert.ok(notes.some((note) => note.startsWith("PROBLEM") && note.includes("Wei Kin")));
});

test("a failed operation ends with status 1 although the databases agree", async (context) => {
  const cluster = new FakeCluster();
  let count = 0;
  cluster.onOperation = () => {
    count += 1;
    return count === 40 ? { ok: false, code: "timeout" } : null;
  };
  const { status, results } = await bench(temporaryDirectory(context), cluster, true);
  assert.equal(status, 1);
  assert.match(results.at(-1) ?? "", /^\{"consistent":true,/);
});

test("an interrupted run leaves no folder behind", async (context) => {
  const parent = temporaryDirectory(context);
  const controller = new AbortController();
  const cluster = new FakeCluster();
  cluster.onOperation = () => {
    controller.abort(new FailedOperation("Stopped before the end."));
    return null;
  };
  await assert.rejects(bench(parent, cluster, true, controller.signal), FailedOperation);
  assert.equal(existsSync(join(parent, "runs")), false);
});

test("a place that cannot be written is refused before anything is measured", (context) => {
  const parent = join(temporaryDirectory(context), "missing");
  assert.throws(() => runFolder(parent, new Date(0)), ConfigError);
  mkdirSync(parent);
  assert.equal(runFolder(parent, new Date(0)), join(parent, "runs", "1970-01-01T00-00-00-000Z"));
  writeFileSync(join(parent, "runs"), "a file, not a folder");
  assert.throws(() => runFolder(parent, new Date(0)), ConfigError);
});
