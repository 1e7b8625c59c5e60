import { bytesEqual } from "../base/bytes.js";
import type { Digest, Hasher } from "../base/hasher.js";
import { DIGEST_BYTES } from "../base/hasher.js";
import type { Seq } from "../base/ids.js";
import { decodeManifest } from "./manifest.js";
import type { Manifest } from "./manifest.js";
import { decodeSegmentHeader } from "./segment-header.js";
import type { SegmentHeader } from "./segment-header.js";
import { laterGroupStarted, scanSegment } from "./segment-scan.js";
import type { SegmentScan } from "./segment-scan.js";

/*
 * What a replica may believe of the files it finds at start (RS1).
 *
 * Why the torn end of the last segment may be cut off: nobody acted on what is lost with it. A
 * record is reported only after its whole group was synced, the group after it is written only
 * then, and a message that depends on a record waits for that report. So at most one group can be
 * incomplete when the process or the machine stops, it is the last one, and none of its messages
 * was sent. It is cut off as a whole, even if some of its records are sound: a crash a moment
 * earlier would have left the same files.
 *
 * What cannot be a cut-short write is amnesia: the replica may have told others what it no longer
 * knows.
 * - An unsound group with any frame of a later group behind it: it had been synced before that
 *   write.
 * - A segment that does not go on where the one before ended: a segment is synced before the next
 *   is made.
 * - A first group that is unsound: the manifest names a segment only after that group was synced.
 * - A segment missing among those that the manifest names, or the manifest missing beside segments.
 * - Records that were reported before they were synced (`async`, `none`), if what held them is
 *   gone.
 *
 * What cannot be told apart: decay of the very last group, after its sync, looks like a write cut
 * short. Like every loss that a replica cannot see, it counts among the f faults.
 *
 * Segments that the manifest does not name are of no account: left from a rotation that did not get
 * to its end (newer), or from a discard that did not (older). Their removal is part of recovery.
 */

/** A file of the journal, read in full. */
export interface SegmentFile {
  /** From the name of the file. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** What was found on the disk. */
interface RecoveryInput {
  readonly identity: Uint8Array;
  /** Which run of the operating system this is; empty when the system cannot tell. */
  readonly bootId: string;
  /** The manifest's bytes; null when there is no such file. */
  readonly manifest: Uint8Array | null;
  /** Every segment there is, ascending by number. */
  readonly segments: readonly SegmentFile[];
  readonly hasher: Hasher;
}

/** A segment as the writer must remember it. */
export interface SegmentSummary {
  readonly number: number;
  /** Highest sequence number that any of its records concerns; 0 for none. */
  readonly seqMax: Seq;
}

/** Why the records cannot be trusted to be all there. */
export type AmnesiaCause =
  /** Files are damaged or missing. */
  | "damaged"
  /** All segments are gone. */
  | "wiped"
  /** Records had been reported that were not yet safe from what happened then. */
  | "unsynced";

/** What is known, and what has to be done to the files before anything is added. */
export type Recovery =
  /** Never used. */
  | { readonly kind: "new" }
  | {
      readonly kind: "intact";
      readonly manifest: Manifest;
      /** What was appended, in order; what was discarded is replaced by what was carried over. */
      readonly records: readonly Uint8Array[];
      readonly segments: readonly SegmentSummary[];
      /** Number of the last group; 0 for none. */
      readonly group: number;
      /** Hash of the last record; zeros for none. */
      readonly hash: Digest;
      /** Where the last segment has to be cut; null when there is none. */
      readonly cut: { readonly number: number; readonly bytes: number } | null;
      /** Size of what was written beyond the cut and is lost, in bytes. */
      readonly tornBytes: number;
      /** Numbers of the segments to remove. */
      readonly leftovers: readonly number[];
    }
  | { readonly kind: "amnesia"; readonly cause: AmnesiaCause; readonly reason: string }
  /** Sound, but not ours: nothing may be touched. */
  | { readonly kind: "foreign"; readonly reason: string };

type Refusal = Extract<Recovery, { kind: "amnesia" | "foreign" }>;

/** Judges what was found on the disk. Changes nothing, never throws. */
export function recover(input: RecoveryInput): Recovery {
  const { segments } = input;
  if (input.manifest === null) {
    if (segments.length === 0) return { kind: "new" };
    return damaged("its manifest is missing, although there are segments");
  }
  const manifest = decodeManifest(input.manifest);
  if (manifest === null) return damaged("its manifest is unreadable");
  const named = segments.filter(({ number }) => isNamed(manifest, number));
  const refusal = missingSegment(manifest, named) ?? unsyncedEnd(manifest, input.bootId);
  if (refusal !== null) return refusal;
  const leftovers = segments.map(({ number }) => number).filter((n) => !isNamed(manifest, n));
  return recoverSegments(manifest, named, leftovers, input);
}

function damaged(reason: string): Refusal {
  return { kind: "amnesia", cause: "damaged", reason };
}

function isNamed(manifest: Manifest, number: number): boolean {
  return number >= manifest.segmentFirst && number <= manifest.segmentLast;
}

function missingSegment(manifest: Manifest, named: readonly SegmentFile[]): Refusal | null {
  const { segmentFirst, segmentLast } = manifest;
  const expectedCount = segmentLast - segmentFirst + 1;
  if (named.length === expectedCount) return null;
  if (named.length === 0) {
    const reason = "it has been used before, but all of its segments are gone";
    return { kind: "amnesia", cause: "wiped", reason };
  }
  const missing = named.findIndex(({ number }, index) => number !== segmentFirst + index);
  const number = segmentFirst + (missing === -1 ? named.length : missing);
  return damaged(`segment ${number} is missing, of segments ${segmentFirst} to ${segmentLast}`);
}

function unsyncedEnd(manifest: Manifest, bootId: string): Refusal | null {
  const { newestRecords } = manifest;
  if (newestRecords === "on-disk") return null;
  if (newestRecords === "in-kernel") {
    if (bootId !== "" && bootId === manifest.bootId) return null;
    const reason = "the machine stopped while the journal was written with durability async";
    return { kind: "amnesia", cause: "unsynced", reason };
  }
  const reason = "the process did not end properly while the journal ran with durability none";
  return { kind: "amnesia", cause: "unsynced", reason };
}

interface Chain {
  records: Uint8Array[];
  summaries: SegmentSummary[];
  group: number;
  hash: Digest;
}

function recoverSegments(
  manifest: Manifest,
  named: readonly SegmentFile[],
  leftovers: readonly number[],
  input: RecoveryInput,
): Recovery {
  const { identity, hasher } = input;
  const chain: Chain = { records: [], summaries: [], group: 0, hash: new Uint8Array(DIGEST_BYTES) };
  let scan: SegmentScan | null = null;
  for (const [index, file] of named.entries()) {
    const header = usableHeader(file, identity, index === 0 ? null : chain);
    if ("kind" in header) return header;
    scan = scanSegment(file.bytes, header, hasher);
    const refusal = unsoundGroup(file, header, scan, index === named.length - 1);
    if (refusal !== null) return refusal;
    extend(chain, file.number, scan);
  }
  const last = named.at(-1);
  return {
    kind: "intact",
    manifest,
    records: chain.records,
    segments: chain.summaries,
    group: chain.group,
    hash: chain.hash,
    cut: last && scan ? { number: last.number, bytes: scan.endOffset } : null,
    tornBytes: last && scan ? writtenBytes(last.bytes, scan.endOffset) : 0,
    leftovers,
  };
}

/** The header of `file`, which must go on where `before` ended (null: the oldest segment). */
function usableHeader(
  file: SegmentFile,
  identity: Uint8Array,
  before: Chain | null,
): SegmentHeader | Refusal {
  const { number } = file;
  const header = decodeSegmentHeader(file.bytes, identity);
  if (header === "other version") {
    const reason = `segment ${number} was written by another version of this program`;
    return { kind: "foreign", reason };
  }
  if (header === "other identity") {
    const reason = `segment ${number} belongs to another replica or another cluster`;
    return { kind: "foreign", reason };
  }
  if (header === "damaged") return damaged(`the header of segment ${number} is damaged`);
  if (header.number !== number) return damaged(`segment ${number} is really ${header.number}`);
  if (before === null || bytesEqual(header.hashBefore, before.hash)) return header;
  return damaged(`segment ${number} does not go on where segment ${number - 1} ends`);
}

function unsoundGroup(
  file: SegmentFile,
  header: SegmentHeader,
  scan: SegmentScan,
  isLast: boolean,
): Refusal | null {
  const { number, bytes } = file;
  if (scan.group === header.groupBefore) {
    return damaged(`the first records of segment ${number} are damaged`);
  }
  if (isLast && laterGroupStarted(bytes, header.salt, scan)) {
    return damaged(`a record in segment ${number} at byte ${scan.endOffset} is damaged`);
  }
  return null;
}

function extend(chain: Chain, number: number, scan: SegmentScan): void {
  const isOldest = chain.summaries.length === 0;
  for (const { bytes, carried } of scan.records) {
    if (isOldest || !carried) chain.records.push(bytes);
  }
  chain.summaries.push({ number, seqMax: scan.seqMax });
  chain.group = scan.group;
  chain.hash = scan.hash;
}

/** Bytes from `start` to the last one that is not zero: space that was only reserved is zero. */
function writtenBytes(bytes: Uint8Array, start: number): number {
  let end = bytes.length;
  while (end > start && bytes[end - 1] === 0) end -= 1;
  return end - start;
}
