import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const RUNNER = fileURLToPath(new URL("./run.js", import.meta.url));

const PASSES = 'import { test } from "node:test";\ntest("passes", () => {});\n';
const FAILS =
  'import { test } from "node:test";\ntest("fails", () => { throw new Error("no"); });\n';

describe("the test runner", () => {
  test("ends with the totals and status 0 when all tests pass", (t) => {
    const { status, lines } = runIn(makeRepository(t, { "a/a.test": PASSES, "b.test": PASSES }));
    assert.equal(status, 0);
    assert.deepEqual(lines.slice(-8, -4), ["ℹ tests 2", "ℹ suites 0", "ℹ pass 2", "ℹ fail 0"]);
  });

  test("ends with the totals and status 1 when a test fails, after the failures", (t) => {
    const { status, lines } = runIn(makeRepository(t, { "a.test": FAILS, "b.test": PASSES }));
    assert.equal(status, 1);
    assert.deepEqual(lines.slice(-8, -4), ["ℹ tests 2", "ℹ suites 0", "ℹ pass 1", "ℹ fail 1"]);
  });

  test("fails when a file cannot be loaded", (t) => {
    assert.equal(runIn(makeRepository(t, { "a.test": 'import "./gone.js";' })).status, 1);
  });

  test("fails when a file runs no test", (t) => {
    const { status, lines } = runIn(makeRepository(t, { "a.test": PASSES, "b.test": "go: {}" }));
    assert.equal(status, 1);
    assert.ok(lines.includes("✖ test/b.test ran no test"));
  });

  test("fails when there is no test", (t) => {
    assert.equal(runIn(makeRepository(t, {})).status, 1);
  });

  test("runs only the files whose path holds an argument, and fails when none does", (t) => {
    const root = makeRepository(t, { "a/x.test": PASSES, "b/y.test": FAILS });
    assert.equal(runIn(root, "test/a", "z").status, 0);
    assert.equal(runIn(root, "z").status, 1);
  });

  test("removes a compiled test whose source is gone", (t) => {
    const root = makeRepository(t, { "a.test": PASSES, "old.test": FAILS });
    rmSync(join(root, "test", "old.test.ts"));
    assert.equal(runIn(root).status, 0);
    assert.ok(!existsSync(join(root, "dist", "test", "old.test.js")));
  });
});

/** A folder with the runner and `tests`, by name without ending, as if they had been compiled. */
function makeRepository(t: TestContext, tests: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "pbft-ledger-run-"));
  t.after(() => rmSync(root, { recursive: true }));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write("package.json", '{ "type": "module" }');
  for (const [name, text] of Object.entries(tests)) {
    write(`test/${name}.ts`, text);
    write(`dist/test/${name}.js`, text);
  }
  mkdirSync(join(root, "dist", "test"), { recursive: true });
  copyFileSync(RUNNER, join(root, "dist", "test", "run.js"));
  return root;
}

function runIn(root: string, ...filters: string[]): { status: number | null; lines: string[] } {
  const environment = { ...process.env };
  // Otherwise the runner takes itself for one of the files that it runs.
  delete environment["NODE_TEST_CONTEXT"];
  const child = spawnSync(process.execPath, [join(root, "dist", "test", "run.js"), ...filters], {
    env: environment,
    encoding: "utf8",
  });
  return { status: child.status, lines: child.stdout.trimEnd().split("\n") };
}
