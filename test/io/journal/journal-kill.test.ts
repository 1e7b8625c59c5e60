import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { nodeJournalFiles } from "../../../src/io/journal-files.js";
import { amnesiaReason, bytesOf, intactTexts, journalOf, openJournal, textsOf } from "./fixture.js";

const CHILD = fileURLToPath(new URL("./journal-child.js", import.meta.url));

/**
 * Lets a process append until it has reported `reportCount` times, kills it, and says what it
 * reported.
 */
async function appendUntilKilled(
  directory: string,
  durability: string,
  first: number,
  reportCount: number,
  writer = "thread",
): Promise<number> {
  const args = [CHILD, directory, durability, String(first), writer];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let reported = first - 1;
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    reported = Number(line);
    count += 1;
    if (count === reportCount) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  assert.equal(child.signalCode, "SIGKILL");
  return reported;
}

async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "journal-"));
  try {
    await use(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

for (const [durability, writer] of [
  ["fsync", "thread"],
  ["fsync", "main"],
  ["async", "thread"],
] as const) {
  test(`F5: ${durability} (${writer}): every reported record outlives kill -9`, async () => {
    await withDirectory(async (directory) => {
      let found = 0;
      for (const reportCount of [1, 7, 40]) {
        const reported = await appendUntilKilled(
          directory,
          durability,
          found + 1,
          reportCount,
          writer,
        );
        const opened = await openJournal(nodeJournalFiles, { directory, durability });
        const numbers = intactTexts(opened.outcome).map((text) => Number(text.split(" ")[0]));
        assert.deepEqual(
          numbers,
          numbers.map((_, index) => index + 1),
        );
        found = numbers.length;
        assert.ok(found >= reported, `${reported} were reported, ${found} were found`);
        await journalOf(opened).close();
      }
    });
  });
}

test("with durability none a kill -9 is noticed as amnesia", async () => {
  await withDirectory(async (directory) => {
    await appendUntilKilled(directory, "none", 1, 5);
    const { outcome } = await openJournal(nodeJournalFiles, { directory });
    assert.match(amnesiaReason(outcome), /durability none/);
  });
});

test("on a real disk segments are begun, discarded and found again", async () => {
  await withDirectory(async (directory) => {
    const options = {
      directory,
      segmentBytesMax: 100_000,
      carryOver: () => [bytesOf("carried")],
    };
    const opened = await openJournal(nodeJournalFiles, options);
    const journal = journalOf(opened);
    for (let seq = 1; seq <= 6; seq += 1) {
      journal.append(bytesOf(`${seq}`.repeat(60_000)), seq);
      journal.discard(seq - 2);
      while (opened.durable.at(-1) !== seq) await new Promise((turn) => setImmediate(turn));
    }
    await journal.close();
    const again = await openJournal(nodeJournalFiles, options);
    const texts = textsOf(again.outcome.records).map((text) => text.slice(0, 7));
    assert.deepEqual(texts, ["carried", "5555555", "6666666"]);
    assert.equal((await nodeJournalFiles.list(join(directory, "journal"))).length, 2);
    await journalOf(again).close();
  });
});

test("a directory that does not exist is a clear sentence", async () => {
  await withDirectory(async (directory) => {
    const missing = join(directory, "no-such-replica");
    await assert.rejects(
      openJournal(nodeJournalFiles, { directory: missing }),
      /no-such-replica cannot be opened: ENOENT.*Check that the directory exists/,
    );
  });
});
