import assert from "node:assert/strict";
import { test } from "node:test";
import { lineOfArguments } from "../../src/cli/tokens.js";

const LINES: readonly (readonly [words: readonly string[], line: string])[] = [
  [[], ""],
  [["deposit", "A", "100,", "get", "A"], "deposit A 100, get A"],
  [["deposit A 100, get A"], "deposit A 100, get A"],
  [["deposit A 100", "get A"], "deposit A 100, get A"],
  [["get", "A,", "deposit A 100"], "get A,, deposit A 100"],
  [["open", "D", "name", "Wei Qin", "balance", "5"], 'open D name "Wei Qin" balance 5'],
  [["open", "D", "NAME", 'a "b" \\c'], 'open D NAME "a \\"b\\" \\\\c"'],
  [["open", "D", "address", "1 Main St,", "get", "D"], 'open D address "1 Main St", get D'],
  [["open", "D", "name", '"Wei Qin"'], 'open D name "Wei Qin"'],
];

for (const [words, line] of LINES) {
  test(`the arguments ${JSON.stringify(words)} mean the line \`${line}\``, () => {
    assert.equal(lineOfArguments(words), line);
  });
}
