import assert from "node:assert/strict";
import fs, { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { type JournalFile, nodeJournalFiles } from "../../../src/io/journal-files.js";

/** Called when bytes were written, by another thread. */
type Written = (error: Error | null, byteCount: number) => void;

const BYTES = Uint8Array.from({ length: 100 }, (_, index) => index + 1);
const OFFSET = 50;

/** From now on no call of this test writes more than what `limits` says of each; then nothing. */
function limitWrites(context: TestContext, limits: readonly number[]): void {
  const { write, writeSync } = fs;
  const left = [...limits];
  const lengthOf = (length: number): number => Math.min(length, left.shift() ?? 0);
  const changed = {
    write: (fd: number, bytes: Uint8Array, start: number, ...others: [number, number, Written]) => {
      const [length, at, written] = others;
      write(fd, bytes, start, lengthOf(length), at, written);
    },
    writeSync: (fd: number, bytes: Uint8Array, start: number, length: number, at: number) =>
      writeSync(fd, bytes, start, lengthOf(length), at),
  };
  Object.assign(fs, changed);
  syncBuiltinESMExports();
  context.after(() => {
    Object.assign(fs, { write, writeSync });
    syncBuiltinESMExports();
  });
}

/** A file in a directory of its own. */
async function fileOf(context: TestContext): Promise<{ path: string; file: JournalFile }> {
  const directory = mkdtempSync(join(tmpdir(), "pbft-journal-files-"));
  const path = join(directory, "file");
  const file = await nodeJournalFiles.create(path, true);
  context.after(async () => {
    await file.close();
    rmSync(directory, { recursive: true });
  });
  return { path, file };
}

const WAYS: Readonly<Record<string, (file: JournalFile) => Promise<void>>> = {
  "another thread": (file) => file.write(BYTES, OFFSET),
  "the calling thread": (file) =>
    new Promise((resolve) => {
      file.writeNow(BYTES, OFFSET);
      resolve();
    }),
};

for (const [who, write] of Object.entries(WAYS)) {
  describe(`a write to a journal's file by ${who}`, () => {
    test("that the system divides goes on to its end, part by part", async (context) => {
      const { path, file } = await fileOf(context);
      limitWrites(context, [1, 40, 7, 52]);
      await write(file);
      const found = readFileSync(path);
      assert.deepEqual([...found.subarray(0, OFFSET)], new Array(OFFSET).fill(0));
      assert.deepEqual([...found.subarray(OFFSET)], [...BYTES]);
    });

    test("of which the system takes nothing more is an error", async (context) => {
      const { file } = await fileOf(context);
      limitWrites(context, [40]);
      await assert.rejects(write(file), /writes nothing/);
    });
  });
}
