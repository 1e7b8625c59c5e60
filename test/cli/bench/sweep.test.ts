import assert from "node:assert/strict";
import { test } from "node:test";
import { FailedOperation } from "../../../src/cli/failure.js";
import type { MeasuredOutcome } from "../../../src/cli/bench/measured-client.js";
import type { ThroughputReport } from "../../../src/cli/bench/row-report.js";
import { measureSweep } from "../../../src/cli/bench/sweep.js";
import type { SweepPlan } from "../../../src/cli/bench/sweep.js";
import { FakeCluster } from "./fake-cluster.js";

const PLAN: SweepPlan = { inFlight: [1, 8], kinds: ["read-only", "read-write"] };

function sweep(
  cluster: FakeCluster,
  plan = PLAN,
  signal = new AbortController().signal,
  said: string[] = [],
): Promise<ThroughputReport[]> {
  const onPoint = (label: string, { inFlight }: { readonly inFlight: number }): void => {
    said.push(`${label} ${inFlight}`);
  };
  return measureSweep({ cluster, seed: 1, clock: cluster.clock, signal, onPoint }, plan);
}

test("reads alone and writes alone are measured under each load", async () => {
  const cluster = new FakeCluster();
  const said: string[] = [];
  const [reads, writes] = await sweep(cluster, PLAN, undefined, said);
  assert.deepEqual(said, ["reads 1", "reads 8", "writes 1", "writes 8"]);
  for (const series of [reads, writes]) {
    assert.equal(series?.consistent, true, series?.consistency);
    const [lone, many] = series.points;
    // One operation takes 1 ms: 1,500 in the second and a half that is measured.
    assert.deepEqual([lone?.count, lone?.p50Ms], [1_500, 1]);
    assert.ok(Math.abs((many?.opsPerSecond ?? 0) - 1_000) < 20, many?.opsPerSecond.toString());
    assert.deepEqual(many?.failures, {});
  }
  assert.equal(cluster.seqs[0], cluster.seqs[3]);
  assert.ok((cluster.seqs[0] ?? 0) > 3_000, "the writes were really done");
  assert.equal(cluster.openSessions, 0);
});

test("read-only changes nothing", async () => {
  const cluster = new FakeCluster();
  const series = await sweep(cluster, { ...PLAN, kinds: ["read-only"] });
  assert.deepEqual([series.length, cluster.seqs], [1, [0, 0, 0, 0]]);
});

test("a load that takes longer than it is measured still has a point", async () => {
  const cluster = new FakeCluster();
  cluster.onOperation = (): MeasuredOutcome | null => {
    cluster.clock.micros += 5_000_000;
    return null;
  };
  const [series] = await sweep(cluster, { inFlight: [1], kinds: ["read-only"] });
  const [point] = series?.points ?? [];
  assert.ok((point?.count ?? 0) >= 1);
  assert.ok(point !== undefined && point.opsPerSecond <= 0.4, point?.opsPerSecond.toString());
});

test("failures are counted by their code, and databases that differ are told", async () => {
  const cluster = new FakeCluster();
  cluster.onOperation = () => {
    const row = cluster.tables[2]?.get("A");
    if (row !== undefined) cluster.tables[2]?.set("A", { ...row, balance: 0n });
    return { ok: false, code: "timeout" };
  };
  const [series] = await sweep(cluster, { inFlight: [1], kinds: ["read-write"] });
  assert.deepEqual(Object.keys(series?.points[0]?.failures ?? {}), ["timeout"]);
  assert.equal(series?.points[0]?.count, 0);
  assert.equal(series.consistent, false);
});

test("an interrupt ends it and closes every session", async () => {
  const cluster = new FakeCluster();
  const controller = new AbortController();
  cluster.onOperation = () => {
    controller.abort(new FailedOperation("Stopped before the end."));
    return null;
  };
  await assert.rejects(sweep(cluster, PLAN, controller.signal), FailedOperation);
  assert.equal(cluster.openSessions, 0);
});
