import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { HOOK_FD, type KillOrder, ORDER_VARIABLE } from "./kill-points.js";

const HOOK_URL = new URL("./hook.js", import.meta.url).href;
const PROGRAM_PATH = fileURLToPath(new URL("../io/journal/journal-child.js", import.meta.url));

/** A moment that comes in the first groups of a journal. */
const COUNTDOWN = 3;

interface Death {
  readonly signal: unknown;
  readonly lastWords: unknown;
  readonly segment: Uint8Array;
}

/** Lets a process write a journal that is to kill itself as ordered. */
async function death(context: TestContext, writer: string, order: KillOrder): Promise<Death> {
  const directory = mkdtempSync(join(tmpdir(), "pbft-torture-hook-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const words = [directory, "fsync", "1", writer];
  const child = spawn(process.execPath, ["--import", HOOK_URL, PROGRAM_PATH, ...words], {
    stdio: ["ignore", "ignore", "inherit", "ignore", "pipe"],
    env: { ...process.env, [ORDER_VARIABLE]: JSON.stringify(order) },
  });
  context.after(() => child.kill("SIGKILL"));
  const ended = once(child, "exit");
  let lastWords: unknown = null;
  for await (const line of createInterface({ input: child.stdio[HOOK_FD] as Readable })) {
    lastWords = JSON.parse(line);
  }
  const [, signal] = (await ended) as unknown[];
  const segment = readFileSync(join(directory, "journal", "000000000001.log"));
  return { signal, lastWords, segment };
}

/** Where what was written ends. */
function endOf(segment: Uint8Array): number {
  return segment.findLastIndex((byte) => byte !== 0) + 1;
}

describe("a process that is to die in a write of its journal", () => {
  for (const writer of ["thread", "main"]) {
    it(`does so before, within and after it (writer: ${writer})`, async (context) => {
      const ends: number[] = [];
      for (const phase of ["before", "torn", "after"] as const) {
        const order = { operation: "segment write", phase, countdown: COUNTDOWN };
        const { signal, lastWords, segment } = await death(context, writer, order);
        assert.equal(signal, "SIGKILL");
        assert.deepEqual(lastWords, { operation: "segment write", phase });
        ends.push(endOf(segment));
      }
      const [before = 0, torn = 0, after = 0] = ends;
      assert.ok(0 < before && before < torn && torn < after, ends.join(" "));
    });
  }

  it("does so in a write of the manifest too", async (context) => {
    const order = { operation: "manifest write", phase: "torn", countdown: 2 } as const;
    const { signal, lastWords } = await death(context, "thread", order);
    assert.equal(signal, "SIGKILL");
    assert.deepEqual(lastWords, { operation: "manifest write", phase: "torn" });
  });
});
