import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { lockDirectory } from "../../../src/io/lock-file.js";

const CHILD = fileURLToPath(new URL("./lock-child.js", import.meta.url));
const HAS_START_TIMES = existsSync("/proc/self/stat");

interface Contender {
  readonly process: ChildProcess;
  readonly answer: string;
}

async function contend(directory: string): Promise<Contender> {
  const child = spawn(process.execPath, [CHILD, directory], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [answer] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return { process: child, answer };
}

async function end({ process: child }: Contender, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, "exit");
}

async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "lock-"));
  try {
    await use(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

function flags(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.startsWith("lock-"));
}

test("RS6: a second process is refused, with the number of the first", async () => {
  await withDirectory(async (directory) => {
    const first = await contend(directory);
    assert.equal(first.answer, "locked");
    const second = await contend(directory);
    const { pid } = first.process;
    assert.match(second.answer, new RegExp(`in use by process ${pid}\\. Stop that process`));
    await end(second, "SIGKILL");
    await end(first, "SIGKILL");
  });
});

test("RS6: of several processes that start at once exactly one gets the directory", async () => {
  await withDirectory(async (directory) => {
    const contenders = await Promise.all([1, 2, 3].map(() => contend(directory)));
    const winners = contenders.filter(({ answer }) => answer === "locked");
    assert.equal(winners.length, 1, contenders.map(({ answer }) => answer).join("\n"));
    for (const contender of contenders) await end(contender, "SIGKILL");
  });
});

test("RS6: the flag of a process that was killed does not count, and is removed", async () => {
  await withDirectory(async (directory) => {
    const first = await contend(directory);
    await end(first, "SIGKILL");
    assert.equal(flags(directory).length, 1);
    const lock = await lockDirectory(directory);
    assert.deepEqual(flags(directory).length, 1);
    assert.ok(!flags(directory)[0]?.startsWith(`lock-${first.process.pid}-`));
    lock.release();
    lock.release();
    assert.deepEqual(flags(directory), []);
  });
});

test("RS6: a process is refused what it has, and gets it again after it let go", async () => {
  await withDirectory(async (directory) => {
    const lock = await lockDirectory(directory);
    await assert.rejects(lockDirectory(directory), /This process already uses/);
    lock.release();
    (await lockDirectory(directory)).release();
  });
});

/** Puts up the flag that a process with this number would have, changed by `change`. */
async function plantFlag(directory: string, change: (fields: string[]) => string[]): Promise<void> {
  const lock = await lockDirectory(directory);
  const [name = ""] = flags(directory);
  lock.release();
  writeFileSync(join(directory, change(name.split("-")).join("-")), "");
}

test(
  "RS6: a number that another process has by now does not keep a dead one's flag alive",
  { skip: HAS_START_TIMES ? false : "this system does not say when a process started" },
  async () => {
    await withDirectory(async (directory) => {
      await plantFlag(directory, ([lock = "", pid = "", , ...rest]) => [lock, pid, "1", ...rest]);
      (await lockDirectory(directory)).release();
    });
  },
);

test("RS6: a flag from before the machine was started anew does not count", async () => {
  await withDirectory(async (directory) => {
    const parent = String(process.ppid);
    await plantFlag(directory, ([lock = "", , start = "", , ...host]) => [
      ...[lock, parent, start, "0123abcd"],
      ...host,
    ]);
    (await lockDirectory(directory)).release();
  });
});

test("RS6: a flag of another host is believed; the sentence names the file to delete", async () => {
  await withDirectory(async (directory) => {
    await plantFlag(directory, ([lock = "", ...fields]) => [
      ...[lock, ...fields.slice(0, 3)],
      "elsewhere",
    ]);
    const [flag = ""] = flags(directory);
    await assert.rejects(lockDirectory(directory), (error) => {
      assert.ok(error instanceof Error && error.name === "LockError");
      assert.match(error.message, /on host elsewhere/);
      assert.ok(error.message.includes(flag));
      return true;
    });
    assert.deepEqual(flags(directory), [flag]);
  });
});

test("a directory that cannot be written to is a clear sentence", async () => {
  await withDirectory(async (directory) => {
    await assert.rejects(lockDirectory(join(directory, "none")), /cannot be locked \(ENOENT/);
  });
});
