import assert from "node:assert/strict";
import { test } from "node:test";
import { catchUpCost } from "../../../src/cli/bench/catch-up-cost.js";
import { LatencyHistogram } from "../../../src/cli/bench/latency-histogram.js";
import type { PartitionReport } from "../../../src/cli/bench/partitions.js";
import type { PassReport } from "../../../src/cli/bench/row-report.js";
import { spreadOf } from "../../../src/cli/bench/spread.js";
import { Timeline, windowOf } from "../../../src/cli/bench/timeline.js";

test("a timeline counts operations by the interval they ended in, and keeps the slowest", () => {
  const timeline = new Timeline();
  timeline.record(0, 100);
  timeline.record(9_999, 300);
  timeline.record(25_000, 200);
  assert.deepEqual(timeline.report(), { intervalMs: 10, counts: [2, 0, 1], maxMs: [0.3, 0, 0.2] });
});

test("a long timeline gets wider intervals and loses no operation", () => {
  const timeline = new Timeline();
  for (let second = 0; second < 100; second += 1) timeline.record(second * 1_000_000, second);
  const { intervalMs, counts, maxMs } = timeline.report();
  assert.equal(intervalMs, 80, "10 ms, doubled until 99 s fit into 2,048 intervals");
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    100,
  );
  assert.equal(Math.max(...maxMs), 0.099);
});

test("a window counts what ended in it", () => {
  const timeline = { intervalMs: 10, counts: [1, 2, 3, 4], maxMs: [1, 2, 3, 4] };
  assert.deepEqual(windowOf(timeline, 10, 30), { count: 5, opsPerSecond: 250, maxMs: 3 });
});

test("catching up costs what clients missed of their undisturbed pace", () => {
  // 100 intervals of 10 ms: 10 operations in each, but 2 while the replica catches up.
  const counts = Array.from({ length: 100 }, (_, index) => (index >= 60 && index < 70 ? 2 : 10));
  const maxMs = counts.map((count) => 20 / count);
  const partition = { cutOffMs: 300, healedMs: 600, catchUpMs: 100 } as PartitionReport;
  const pass = {
    ...{ durationMs: 1_000, partitions: [partition], timeline: { intervalMs: 10, counts, maxMs } },
  } as unknown as PassReport;
  const cost = catchUpCost(pass, partition);
  assert.deepEqual(cost, { opsPerSecond: 200, maxMs: 10, undisturbedOpsPerSecond: 1_000 });
  assert.equal(catchUpCost(pass, { ...partition, catchUpMs: null }), null);
});

test("medians of odd and even numbers of passes, and the range", () => {
  assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, min: 1, max: 3 });
  assert.deepEqual(spreadOf([4, 1, 2, 3]), { median: 2.5, min: 1, max: 4 });
  assert.deepEqual(spreadOf([]), { median: 0, min: 0, max: 0 });
});

test("histograms that are joined hold what each held", () => {
  const [left, right, whole] = [1, 2, 3].map(() => new LatencyHistogram());
  assert.ok(left !== undefined && right !== undefined && whole !== undefined);
  for (const micros of [10, 200, 3_000]) left.record(micros);
  for (const micros of [50, 60_000]) right.record(micros);
  whole.add(left);
  whole.add(right);
  assert.equal(whole.count, 5);
  assert.equal(whole.summary().maxMs, 60);
  assert.equal(whole.summary().meanMs, (10 + 200 + 3_000 + 50 + 60_000) / 5 / 1_000);
  const columns = whole.columns();
  assert.equal(
    columns.reduce((sum, column) => sum + column.count, 0),
    5,
  );
  for (const [index, column] of columns.entries()) {
    assert.ok(column.fromMs < column.toMs);
    if (index > 0) assert.ok(Math.abs((columns[index - 1]?.toMs ?? 0) / column.fromMs - 1) < 1e-9);
  }
});
