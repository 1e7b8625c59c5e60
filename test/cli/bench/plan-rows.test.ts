import assert from "node:assert/strict";
import { test } from "node:test";
import { parseKinds, planRows } from "../../../src/cli/bench/plan-rows.js";
import { UsageError } from "../../../src/cli/command.js";

function texts(iterations: string | null, kinds: string | null): string[] {
  const rows = planRows(iterations, parseKinds(kinds), 0);
  return rows.map((row) => `${row.iterations} ${row.kind}`);
}

function partitions(iterations: string | null, count: number | null): number[] {
  return planRows(iterations, parseKinds(null), count).map((row) => row.partitionCount);
}

test("without a wish the rows are those of Table 1, narrowed by kind", () => {
  const mixed = ["1000 read-write", "5000 read-write", "10000 read-write"];
  assert.deepEqual(texts(null, null), ["1000 read-only", ...mixed]);
  assert.deepEqual(texts(null, "read-write"), mixed);
  assert.deepEqual(texts(null, "read-only"), ["1000 read-only"]);
});

test("given iterations are measured once for each kind", () => {
  const rows = ["10 read-only", "200 read-only", "10 read-write", "200 read-write"];
  assert.deepEqual(texts("10, 200", "read-write,read-only"), rows);
  assert.deepEqual(texts("7", "read-only"), ["7 read-only"]);
});

test("Table 1 has its own partitions, other rows none, and both what is asked for", () => {
  assert.deepEqual(partitions(null, null), [0, 0, 1, 2]);
  assert.deepEqual(partitions(null, 3), [3, 3, 3, 3]);
  assert.deepEqual(partitions(null, 0), [0, 0, 0, 0]);
  assert.deepEqual(partitions("100", null), [0, 0]);
  assert.deepEqual(partitions("5,100", 2), [2, 2, 2, 2]);
});

test("a row that is too short for its partitions is refused", () => {
  assert.throws(() => partitions("4", 2), /--iterations must be 5 or more with --partitions 2/);
});

test("what is no count or no kind is refused", () => {
  for (const text of ["", "0", "-1", "1.5", "1e3", "1000,", "x", "100000000"]) {
    assert.throws(() => texts(text, null), UsageError, text);
  }
  for (const text of ["", "reads", "read-only,"]) {
    assert.throws(() => texts("1", text), UsageError, text);
  }
  assert.throws(() => texts(Array.from({ length: 60 }, () => "1").join(","), null), UsageError);
});
