import assert from "node:assert/strict";
import { test } from "node:test";
import { parseKinds, planRows } from "../../../src/cli/bench/plan-rows.js";
import { UsageError } from "../../../src/cli/command.js";

function texts(iterations: string | null, kinds: string | null): string[] {
  return planRows(iterations, parseKinds(kinds)).map((row) => `${row.iterations} ${row.kind}`);
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

test("what is no count or no kind is refused", () => {
  for (const text of ["", "0", "-1", "1.5", "1e3", "1000,", "x", "100000000"]) {
    assert.throws(() => texts(text, null), UsageError, text);
  }
  for (const text of ["", "reads", "read-only,"]) {
    assert.throws(() => texts("1", text), UsageError, text);
  }
  assert.throws(() => texts(Array.from({ length: 60 }, () => "1").join(","), null), UsageError);
});
