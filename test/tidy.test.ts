import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { formatFinding } from "./tidy/rule.js";
import { RULES } from "./tidy/rules.js";
import { readTree } from "./tidy/tree.js";

describe("the tree is tidy", () => {
  // This file runs as dist/test/tidy.test.js.
  const tree = readTree(fileURLToPath(new URL("../..", import.meta.url)));

  for (const rule of RULES) {
    test(rule.name, () => {
      const findings = [...rule.check(tree)].map(formatFinding);
      assert.ok(findings.length === 0, `\n${findings.join("\n")}\n`);
    });
  }

  test("the rules see the tree", () => {
    assert.ok(tree.texts.has("package.json"));
    assert.ok(tree.sourcePaths().includes("test/tidy.test.ts"));
    assert.ok([...tree.texts.keys()].some((path) => path.startsWith("dist/src/core/")));
  });
});
