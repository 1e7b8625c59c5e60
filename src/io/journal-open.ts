import { dirname, join } from "node:path";
import { assert, unreachable } from "../core/base/assert.js";
import type { Hasher } from "../core/base/hasher.js";
import { encodeManifest } from "../core/journal/manifest.js";
import type { Manifest, NewestRecords } from "../core/journal/manifest.js";
import { recover } from "../core/journal/recovery.js";
import type { AmnesiaCause, Recovery, SegmentFile } from "../core/journal/recovery.js";
import type { SegmentLogStart } from "../core/journal/segment-log.js";
import { JournalError } from "./journal-error.js";
import type { JournalFiles } from "./journal-files.js";

/** What was found at start. */
export type JournalOutcome =
  /** Every record that was ever reported durable and not discarded is there. */
  | {
      readonly kind: "intact";
      /**
       * In the order in which they were appended; discarded ones are replaced by those carried
       * over.
       */
      readonly records: readonly Uint8Array[];
      /** Size of an unreported last write that was cut short by a crash and removed, in bytes. */
      readonly tornBytes: number;
    }
  /** Records may be missing that were acted on (RS4). */
  | {
      readonly kind: "amnesia";
      /**
       * `earlier`: found at an earlier start, after which nobody called `trust`; `doubted`: the
       * caller says so.
       */
      readonly cause: AmnesiaCause | "earlier" | "doubted";
      /** A sentence for the operator. */
      readonly reason: string;
      /** What was recorded since. */
      readonly records: readonly Uint8Array[];
    };

/** Where a journal is and how it is to be opened. */
interface JournalPlace {
  /** Directory of one replica. The journal keeps `journal/` and `journal.manifest` in it. */
  readonly directory: string;
  /** Names cluster and replica, 32 bytes. */
  readonly identity: Uint8Array;
  readonly files: JournalFiles;
  readonly hasher: Hasher;
  /** On amnesia, whether to set the old journal aside and go on with an empty one. */
  readonly startOver: boolean;
  /** Why to do that in any case; null when what is found decides. */
  readonly doubt: string | null;
  /** What this run will be able to say of its newest records. */
  readonly newestRecords: NewestRecords;
}

/**
 * A journal's files, in order for the first write; `start` is null when amnesia forbids to go on.
 */
interface PreparedJournal {
  readonly outcome: JournalOutcome;
  readonly start: { readonly log: SegmentLogStart; readonly manifest: Manifest } | null;
}

const SEGMENT_NAME = /^(\d{12})\.log$/;
const SEGMENT_DIGITS = 12;

/**
 * Whether a journal was ever opened in `directory`: the manifest is the first that is written, and
 * it is never removed.
 */
export async function journalExists(files: JournalFiles, directory: string): Promise<boolean> {
  if ((await files.read(join(directory, "journal.manifest"))) !== null) return true;
  return (await files.list(segmentsDirectory(directory))).length > 0;
}

/** The folder of the segments. */
export function segmentsDirectory(directory: string): string {
  return join(directory, "journal");
}

/** The file of segment `number`. */
export function segmentPath(directory: string, number: number): string {
  const name = `${String(number).padStart(SEGMENT_DIGITS, "0")}.log`;
  return join(segmentsDirectory(directory), name);
}

/** Replaces the manifest as a whole; durable on return. */
export async function writeManifest(
  files: JournalFiles,
  directory: string,
  manifest: Manifest,
): Promise<void> {
  await writeWhole(files, join(directory, "journal.manifest"), encodeManifest(manifest));
}

/** Replaces a file as a whole, or makes it; durable on return. */
async function writeWhole(files: JournalFiles, path: string, bytes: Uint8Array): Promise<void> {
  const file = await files.create(`${path}.new`, false);
  await file.write(bytes, 0);
  await file.sync();
  await file.close();
  await files.rename(`${path}.new`, path);
  await files.syncDirectory(dirname(path));
}

/**
 * Reads and judges what is there, removes what does not count, and makes what does count durable.
 * @throws JournalError when the files belong to somebody else; the system's error when they cannot
 * be read.
 */
export async function prepareJournal(place: JournalPlace): Promise<PreparedJournal> {
  const bootId = await place.files.bootId();
  const segments = await readSegments(place);
  const recovery = await judge(place, bootId, segments);
  const { doubt } = place;
  if (doubt !== null && recovery.kind !== "foreign") {
    return prepareAmnesia(place, bootId, "doubted", doubt);
  }
  switch (recovery.kind) {
    case "new":
      return prepareEmpty(place, bootId, null, { kind: "intact", records: [], tornBytes: 0 });
    case "intact":
      return prepareIntact(place, bootId, recovery, segments);
    case "amnesia":
      return prepareAmnesia(place, bootId, recovery.cause, recovery.reason);
    case "foreign":
      throw new JournalError(
        `The journal in ${place.directory} is not this replica's: ${recovery.reason}. ` +
          "Start the replica with the directory that was made for it.",
      );
    default:
      return unreachable(recovery);
  }
}

async function judge(
  { files, directory, identity, hasher }: JournalPlace,
  bootId: string,
  segments: readonly SegmentFile[],
): Promise<Recovery> {
  const manifest = await files.read(join(directory, "journal.manifest"));
  return recover({ identity, bootId, manifest, segments, hasher });
}

async function readSegments({ files, directory }: JournalPlace): Promise<readonly SegmentFile[]> {
  const segments: SegmentFile[] = [];
  for (const name of [...(await files.list(segmentsDirectory(directory)))].sort()) {
    const [, digits] = SEGMENT_NAME.exec(name) ?? [];
    if (digits === undefined) continue;
    const number = Number(digits);
    const bytes = await files.read(segmentPath(directory, number));
    if (bytes !== null) segments.push({ number, bytes });
  }
  return segments;
}

async function prepareEmpty(
  place: JournalPlace,
  bootId: string,
  doubt: string | null,
  outcome: JournalOutcome,
): Promise<PreparedJournal> {
  const { files, directory, newestRecords } = place;
  const manifest = { segmentFirst: 1, segmentLast: 0, newestRecords, bootId, doubt };
  await writeManifest(files, directory, manifest);
  if (doubt !== null) await setAside(files, directory);
  await files.makeDirectory(segmentsDirectory(directory));
  await files.syncDirectory(directory);
  return { outcome, start: { log: { segments: [], group: 0, hash: null }, manifest } };
}

async function prepareIntact(
  place: JournalPlace,
  bootId: string,
  found: Extract<Recovery, { kind: "intact" }>,
  read: readonly SegmentFile[],
): Promise<PreparedJournal> {
  const { files, directory, newestRecords } = place;
  const { records, tornBytes, segments, group, hash, cut } = found;
  if (cut !== null) await rewriteNewest(place, cut, read);
  await files.makeDirectory(segmentsDirectory(directory));
  const manifest = { ...found.manifest, newestRecords, bootId };
  await writeManifest(files, directory, manifest);
  // Only now: the manifest that we read may not have been on the disk yet, if the process before us
  // was killed between its rename and its sync, and the one behind it may name these segments.
  for (const number of found.leftovers) await files.unlink(segmentPath(directory, number));
  const { doubt } = manifest;
  const outcome: JournalOutcome =
    doubt === null
      ? { kind: "intact", records, tornBytes }
      : { kind: "amnesia", cause: "earlier", reason: doubt, records };
  return { outcome, start: { log: { segments, group, hash }, manifest } };
}

/**
 * Writes the newest segment anew, without what was cut short. What we read may never have reached
 * the disk: the process before us was killed before its sync, or that sync failed. After a failed
 * sync the system keeps the bytes in its memory and takes them for written, so syncing the same
 * file again would succeed and save nothing. Older segments were synced before newer ones began.
 */
async function rewriteNewest(
  { files, directory }: JournalPlace,
  { number, bytes: byteCount }: { readonly number: number; readonly bytes: number },
  read: readonly SegmentFile[],
): Promise<void> {
  const newest = read.find((segment) => segment.number === number);
  assert(newest !== undefined, "a segment that is cut was read");
  await writeWhole(files, segmentPath(directory, number), newest.bytes.subarray(0, byteCount));
}

async function prepareAmnesia(
  place: JournalPlace,
  bootId: string,
  cause: AmnesiaCause | "doubted",
  why: string,
): Promise<PreparedJournal> {
  const reason = `The journal in ${place.directory} cannot be trusted: ${why}.`;
  const outcome: JournalOutcome = { kind: "amnesia", cause, reason, records: [] };
  if (!place.startOver && place.doubt === null) return { outcome, start: null };
  return prepareEmpty(place, bootId, why, outcome);
}

/** Keeps the old segments for whoever wants to find out what happened to them. */
async function setAside(files: JournalFiles, directory: string): Promise<void> {
  const names = new Set(await files.list(directory));
  if (!names.has("journal")) return;
  let number = 1;
  while (names.has(`journal.lost-${number}`)) number += 1;
  await files.rename(segmentsDirectory(directory), join(directory, `journal.lost-${number}`));
}
