import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Hasher } from "../../../src/core/base/hasher.js";
import { DiskPace } from "../../../src/io/disk-pace.js";
import { Journal } from "../../../src/io/journal.js";
import type { JournalOptions } from "../../../src/io/journal.js";
import type { JournalError } from "../../../src/io/journal-error.js";
import type { JournalFiles } from "../../../src/io/journal-files.js";
import type { JournalOutcome } from "../../../src/io/journal-open.js";

/** A hasher that is good enough to tell one record from another. */
export const HASHER: Hasher = {
  digest: (domain, bytes) =>
    new Uint8Array(
      createHash("blake2b512")
        .update(new Uint8Array([domain]))
        .update(bytes)
        .digest(),
    ).slice(0, 32),
};

/** The identity that the journals of the tests belong to. */
export const IDENTITY = new Uint8Array(32).fill(7);

/** The directory of the replica on a fake disk. */
export const DIRECTORY = "/replica-0";

/** The path of segment `number` on a fake disk. */
export function pathOf(number: number): string {
  return `${DIRECTORY}/journal/${String(number).padStart(12, "0")}.log`;
}

/** The bytes of an ASCII text. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The ASCII texts of byte strings. */
export function textsOf(records: readonly Uint8Array[]): string[] {
  return records.map((bytes) => String.fromCharCode(...bytes));
}

/** A pace that knows the disk to be quick, and to remain so. */
export function quickPace(): DiskPace {
  const pace = new DiskPace(() => 0);
  for (let count = 0; count < 100; count += 1) pace.wrote(pace.start());
  return pace;
}

type OpenedJournal = Awaited<ReturnType<typeof Journal.open>>;

/** A journal and what it said so far. */
interface OpenedForTest extends OpenedJournal {
  readonly durable: number[];
  readonly fatal: JournalError[];
}

/** Opens a journal with `fsync` and nothing to carry over, unless `options` says otherwise. */
export async function openJournal(
  files: JournalFiles,
  options: Partial<JournalOptions> = {},
): Promise<OpenedForTest> {
  const durable: number[] = [];
  const fatal: JournalError[] = [];
  const opened = await Journal.open({
    directory: DIRECTORY,
    identity: IDENTITY,
    durability: "fsync",
    files,
    hasher: HASHER,
    onDurable: (id) => durable.push(id),
    onFatal: (error) => fatal.push(error),
    carryOver: () => [],
    ...options,
  });
  return { ...opened, durable, fatal };
}

/** The journal, which must have been opened. */
export function journalOf({ journal }: OpenedJournal): Journal {
  assert.notEqual(journal, null);
  return journal as Journal;
}

/** The recovered texts; fails unless the outcome is intact. */
export function intactTexts(outcome: JournalOutcome): string[] {
  assert.equal(outcome.kind, "intact", outcome.kind === "amnesia" ? outcome.reason : "");
  return textsOf(outcome.records);
}

/** The reason for amnesia; fails when there is none. */
export function amnesiaReason(outcome: JournalOutcome): string {
  return outcome.kind === "amnesia" ? outcome.reason : assert.fail("there is no amnesia");
}

/** Lets the event loop turn until a disk that answers at once has nothing left to do. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await nextTurn();
}

/** Appends each text as a group of its own. */
export async function appendGroups(
  journal: Journal,
  groups: readonly (readonly string[])[],
  seq = 1,
): Promise<void> {
  for (const texts of groups) {
    for (const text of texts) journal.append(bytesOf(text), seq);
    await settle();
  }
}
