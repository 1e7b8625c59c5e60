import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LatencyHistogram } from "../../../src/cli/bench/latency-histogram.js";

const MICROS = fc.array(fc.integer({ min: 1, max: 60_000_000 }), { minLength: 1, maxLength: 400 });

function histogramOf(micros: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of micros) histogram.record(value);
  return histogram;
}

/** The definition: the smallest value that at least `percentile` per cent do not exceed. */
function naivePercentile(micros: readonly number[], percentile: number): number {
  const sorted = [...micros].sort((left, right) => left - right);
  const rank = Math.max(1, Math.ceil((percentile / 100) * sorted.length - 1e-9));
  return sorted[rank - 1] ?? 0;
}

test("percentiles are those of sorting all values, to a thousandth", () => {
  fc.assert(
    fc.property(MICROS, fc.constantFrom(50, 90, 99, 100), (micros, percentile) => {
      const found = histogramOf(micros).percentileMs(percentile) * 1_000;
      const expected = naivePercentile(micros, percentile);
      assert.ok(
        Math.abs(found - expected) <= expected / 1_000 + 1e-6,
        `${percentile} %: ${found}, sorting says ${expected}`,
      );
    }),
  );
});

test("mean, maximum and count are exact", () => {
  fc.assert(
    fc.property(MICROS, (micros) => {
      const { count, meanMs, maxMs } = histogramOf(micros).summary();
      const sum = micros.reduce((total, value) => total + value, 0);
      assert.equal(count, micros.length);
      assert.ok(Math.abs(meanMs * 1_000 - sum / micros.length) < 1e-3);
      assert.equal(maxMs, Math.max(...micros) / 1_000);
    }),
  );
});

test("an empty histogram says zero, not a fault", () => {
  const { count, meanMs, p50Ms, maxMs } = new LatencyHistogram().summary();
  assert.deepEqual([count, meanMs, p50Ms, maxMs], [0, 0, 0, 0]);
});

test("the curve rises from 0 % to the percentile that a single record decides", () => {
  const curve = histogramOf(Array.from({ length: 1_000 }, (_, index) => index + 1)).curve(4);
  assert.equal(curve.length, 13);
  assert.equal(curve[0]?.percentile, 0);
  assert.equal(curve.at(-1)?.percentile, 99.9);
  for (const [index, point] of curve.entries()) {
    const before = curve[index - 1];
    if (before === undefined) continue;
    assert.ok(point.percentile > before.percentile);
    assert.ok(point.latencyMs >= before.latencyMs);
  }
});

test("the percentile text is HdrHistogram's format, in milliseconds", () => {
  const lines = histogramOf([1_000, 2_000, 4_000]).percentileText().split("\n");
  assert.match(lines[0] ?? "", /Value\s+Percentile\s+TotalCount\s+1\/\(1-Percentile\)/);
  assert.ok(lines.some((line) => /^\s+4\.\d+\s+1\.0+\s+3\s*$/.test(line)));
  assert.ok(lines.some((line) => line.startsWith("#[Max") && line.includes("Total count")));
});
