import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

type Cleanup = () => void | Promise<void>;

const cleanups = new WeakMap<TestContext, Cleanup[]>();

/** Runs `cleanup` after the test, the last registered first. */
export function afterwards(context: TestContext, cleanup: Cleanup): void {
  const registered = cleanups.get(context);
  if (registered !== undefined) {
    registered.push(cleanup);
    return;
  }
  const stack = [cleanup];
  cleanups.set(context, stack);
  context.after(async () => {
    for (const each of stack.reverse()) await each();
  });
}

/** A fresh directory that is gone after the test. */
export function temporaryDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "pbft-ledger-cli-"));
  afterwards(context, () => {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  });
  return directory;
}
