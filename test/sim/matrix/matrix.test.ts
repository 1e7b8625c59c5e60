import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

/** This file runs as dist/test/sim/matrix/matrix.test.js. */
const ROOT = new URL("../../../../", import.meta.url);

/** A row of the table: its id, and the paths of the files that automate it. */
function rowsOf(document: string): Map<string, string[]> {
  const rows = new Map<string, string[]>();
  for (const [, id = "", cells = ""] of document.matchAll(/^\| ([A-Z]\d+) \|(.*)$/gm)) {
    rows.set(
      id,
      [...cells.matchAll(/\]\(([^)]+\.ts)\)/g)].map(([, path = ""]) => path),
    );
  }
  return rows;
}

/** F1 to F13, A1 to A17, C1 to C4, T1 and T2. */
const IDS = [...count("F", 13), ...count("A", 17), ...count("C", 4), ...count("T", 2)];

function count(letter: string, last: number): string[] {
  return Array.from({ length: last }, (_, index) => `${letter}${index + 1}`);
}

test("every row of the matrix names the tests that automate it, and they are there", () => {
  const here = new URL("test/sim/matrix/", ROOT);
  const rows = rowsOf(readFileSync(new URL("MATRIX.md", here), "utf8"));
  assert.deepEqual([...rows.keys()], IDS);
  for (const [id, paths] of rows) {
    assert(paths.length > 0, `${id} names a test`);
    const files = paths.map((path) => readFileSync(new URL(path, here), "utf8"));
    // What is automated elsewhere has names of its own.
    if (!paths.every((path) => path.startsWith("."))) {
      const isNamed = files.some((file) => new RegExp(`test\\(["\`]${id} `).test(file));
      assert(isNamed, `a test of ${paths.join(", ")} has ${id} as its first word`);
    }
  }
});

test("every test of the matrix has its row", () => {
  const folder = fileURLToPath(new URL("test/sim/matrix/", ROOT));
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".test.ts"))) {
    if (name === "matrix.test.ts") continue;
    const file = readFileSync(new URL(name, new URL("test/sim/matrix/", ROOT)), "utf8");
    for (const [, first = ""] of file.matchAll(/^ +test\([`"](\S+)/gm)) {
      assert(IDS.includes(first), `${name}: ${first} is a row`);
    }
  }
});
