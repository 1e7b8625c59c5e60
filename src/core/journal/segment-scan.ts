import { Domain } from "../base/hasher.js";
import type { Digest, Hasher } from "../base/hasher.js";
import type { Seq } from "../base/ids.js";
import {
  FRAME_ALIGNMENT_BYTES,
  FRAME_HEADER_BYTES,
  frameBytes,
  frameHash,
  readFrameHeader,
  readWholeFrame,
} from "./record-frame.js";
import type { FrameHeader } from "./record-frame.js";
import { SEGMENT_HEADER_BYTES } from "./segment-header.js";
import type { SegmentHeader } from "./segment-header.js";

/** A record found in a segment. */
interface ScannedRecord {
  /** A view into the segment's bytes. */
  readonly bytes: Uint8Array;
  /** Whether it repeats what earlier segments said. */
  readonly carried: boolean;
}

/** What a segment holds, up to the end of its last whole group. */
export interface SegmentScan {
  /** The records of all whole groups, in order. */
  readonly records: readonly ScannedRecord[];
  /** Where the last whole group ends, an offset into the segment. */
  readonly endOffset: number;
  /** Number of the last whole group. */
  readonly group: number;
  /** Hash of the last record, or of the header when there is none. */
  readonly hash: Digest;
  /** Highest sequence number that any record concerns; 0 for none. */
  readonly seqMax: Seq;
}

/** Reads group after group from the segment in `bytes`, as far as everything is in order. */
export function scanSegment(bytes: Uint8Array, header: SegmentHeader, hasher: Hasher): SegmentScan {
  const records: ScannedRecord[] = [];
  let scan = emptyScan(bytes, header, hasher);
  for (;;) {
    const frames = scanGroup(bytes, header.salt, scan, hasher);
    if (frames === null) return { ...scan, records };
    for (const frame of frames.frames) records.push(recordOf(bytes, frame));
    scan = frames.after;
  }
}

/**
 * Whether any frame of a group after the next one stands behind `scan.endOffset`.
 *
 * A group is written only after the one before was synced. So a frame of group g + 2 proves that
 * group g + 1 had been on the disk in full: what is wrong with it now is damage, not a write cut
 * short.
 */
export function laterGroupStarted(bytes: Uint8Array, salt: number, scan: SegmentScan): boolean {
  const last = bytes.length - FRAME_HEADER_BYTES;
  for (let start = scan.endOffset; start <= last; start += FRAME_ALIGNMENT_BYTES) {
    const header = readFrameHeader(bytes, start, salt);
    if (header !== null && header.group > scan.group + 1) return true;
  }
  return false;
}

interface Frame {
  readonly start: number;
  readonly header: FrameHeader;
}

function emptyScan(bytes: Uint8Array, header: SegmentHeader, hasher: Hasher): SegmentScan {
  return {
    records: [],
    endOffset: SEGMENT_HEADER_BYTES,
    group: header.groupBefore,
    hash: hasher.digest(Domain.journal, bytes.subarray(0, SEGMENT_HEADER_BYTES)),
    seqMax: 0,
  };
}

/** The frames of the group after `before` and where they lead; null unless all of it is there. */
function scanGroup(
  bytes: Uint8Array,
  salt: number,
  before: SegmentScan,
  hasher: Hasher,
): { frames: readonly Frame[]; after: SegmentScan } | null {
  const frames: Frame[] = [];
  const group = before.group + 1;
  let { endOffset: start, hash, seqMax } = before;
  for (let isWhole = false; !isWhole;) {
    const header = readWholeFrame(bytes, start, salt, hash);
    if (header?.group !== group) return null;
    frames.push({ start, header });
    hash = frameHash(hasher, bytes, start, header.length);
    seqMax = Math.max(seqMax, header.seq);
    start += frameBytes(header.length);
    isWhole = header.recordsToCome === 0;
  }
  return { frames, after: { records: [], endOffset: start, group, hash, seqMax } };
}

function recordOf(bytes: Uint8Array, { start, header }: Frame): ScannedRecord {
  const record = start + FRAME_HEADER_BYTES;
  return { bytes: bytes.subarray(record, record + header.length), carried: header.carried };
}
