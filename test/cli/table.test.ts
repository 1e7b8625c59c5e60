import assert from "node:assert/strict";
import { test } from "node:test";
import { renderNarrow, renderTable } from "../../src/cli/table.js";

test("a table that fits a terminal stands upright", () => {
  const rows = [
    ["write", "1"],
    ["read", "2"],
  ];
  assert.equal(renderNarrow(["kind", "rate"], rows), renderTable(["kind", "rate"], rows));
});

test("a wider one is turned: a column for each row, with the heads before them", () => {
  const heads = ["kind", ...Array.from({ length: 12 }, (_, index) => `figure-${index}`)];
  const row = (kind: string) => [kind, ...heads.slice(1).map((head) => `${kind} ${head}`)];
  const text = renderNarrow(heads, [row("write"), row("read")]);
  const lines = text.split("\n");
  assert(lines.every((line) => line.length <= 100));
  assert.match(lines[1] ?? "", /^│ kind +│ write +│ read +│$/);
  assert.match(text, /│ figure-11 +│ write figure-11 +│ read figure-11 +│/);
});
