import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EXAMPLES, type Files } from "./examples.js";
import { RULES } from "./rules.js";
import { Tree } from "./tree.js";

describe("each tidy rule fires where it should and nowhere else", () => {
  for (const { rule, breaks, at, keeps } of EXAMPLES) {
    test(`breaks: ${rule}`, () => assert.deepEqual(findingsOf(rule, breaks), at));
    test(`keeps: ${rule}`, () => assert.deepEqual(findingsOf(rule, keeps), []));
  }

  test("every rule has an example", () => {
    const shown = new Set(EXAMPLES.map(({ rule }) => rule));
    assert.deepEqual(
      RULES.map(({ name }) => name).filter((name) => !shown.has(name)),
      [],
    );
  });
});

/** Where `rule` finds something in `files`, as path:line. */
function findingsOf(rule: string, files: Files): string[] {
  const found = RULES.find(({ name }) => name === rule);
  assert.ok(found !== undefined, `there is a rule called "${rule}"`);
  const tree = new Tree(new Map(Object.entries(files)));
  return [...found.check(tree)].map(({ path, line }) => `${path}:${line}`);
}
