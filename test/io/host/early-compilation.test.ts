import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

test("this version of V8 knows the flags that a replica sets", () => {
  const urlOf = (name: string): string =>
    JSON.stringify(new URL(`../../../src/io/${name}.js`, import.meta.url).href);
  const program = `
    import { compileEarly } from ${urlOf("early-compilation")};
    import { collectGarbage, collectSeldom } from ${urlOf("garbage")};
    compileEarly();
    collectSeldom();
    collectGarbage();`;
  const words = ["--input-type=module", "--eval", program];
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  // V8 throws for none, but complains.
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
});
