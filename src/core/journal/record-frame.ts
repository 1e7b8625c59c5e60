import { bytesEqual } from "../base/bytes.js";
import { DIGEST_BYTES, Domain } from "../base/hasher.js";
import type { Digest, Hasher } from "../base/hasher.js";
import type { Seq } from "../base/ids.js";
import { crc32c } from "./crc32c.js";
import { readU64, viewOf, writeU64 } from "./integers.js";

/*
 * A frame holds one record. Frames start at multiples of 8 bytes.
 *
 *   0       4        8        12       16       20      24       32      40              72
 *   ┌───────┬────────┬────────┬────────┬────────┬───────┬────────┬───────┬────────────┬───────┬───┐
 *   │ magic │ header │ length │ record │ records│ flags │ group  │ seq   │ hash of the│ record│ 0 │
 *   │       │ crc32c │        │ crc32c │ to come│       │        │       │ one before │       │   │
 *   └───────┴────────┴────────┴────────┴────────┴───────┴────────┴───────┴────────────┴───────┴───┘
 *                                                                                     (big endian)
 * A group is what one write and one sync made durable. "Records to come" counts the rest of the
 * group: only a group that is there to its last record counts as written.
 *
 * The hash of a record covers its whole frame, so the hash before it too: one value stands for the
 * whole past. It is stored in the next frame, or the next segment's header; the hash of the last
 * record is not stored.
 *
 * The header's checksum is seeded with the segment's salt. Record bytes come from clients; without
 * the salt a client could send bytes that pass for a frame when recovery looks for frames behind a
 * torn one.
 */

/** Size of what stands before the record in a frame. */
export const FRAME_HEADER_BYTES = 72;

/** Where frames may start: at multiples of this. */
export const FRAME_ALIGNMENT_BYTES = 8;

const MAGIC = 0x72_65_63_3a;
const CARRIED_FLAG = 1;
const OFFSET = {
  headerChecksum: 4,
  length: 8,
  recordChecksum: 12,
  recordsToCome: 16,
  flags: 20,
  group: 24,
  seq: 32,
  hashBefore: 40,
} as const;

/** What a frame says about its record. */
export interface FrameHeader {
  /** Size of the record in bytes. */
  readonly length: number;
  /** CRC-32C of the record. */
  readonly recordChecksum: number;
  /** How many records of the same group follow this one. */
  readonly recordsToCome: number;
  /** Whether the record repeats, at the start of a segment, what earlier segments said. */
  readonly carried: boolean;
  /** Number of the group, 1 and up, consecutive. */
  readonly group: number;
  /** Highest sequence number that the record concerns; 0 for none. */
  readonly seq: Seq;
  /** Hash of the record before, or of the segment's header. */
  readonly hashBefore: Digest;
}

/** Size of the frame of a record of `length` bytes, padding included. */
export function frameBytes(length: number): number {
  const bare = FRAME_HEADER_BYTES + length;
  return Math.ceil(bare / FRAME_ALIGNMENT_BYTES) * FRAME_ALIGNMENT_BYTES;
}

/**
 * Writes the header of the frame at `start`; the record stands behind it already, and zeros where
 * the padding is.
 */
export function writeFrameHeader(
  bytes: Uint8Array,
  start: number,
  salt: number,
  header: Omit<FrameHeader, "recordChecksum">,
): void {
  const view = viewOf(bytes);
  const record = start + FRAME_HEADER_BYTES;
  view.setUint32(start, MAGIC);
  view.setUint32(start + OFFSET.length, header.length);
  const recordChecksum = crc32c(bytes, record, record + header.length);
  view.setUint32(start + OFFSET.recordChecksum, recordChecksum);
  view.setUint32(start + OFFSET.recordsToCome, header.recordsToCome);
  view.setUint32(start + OFFSET.flags, header.carried ? CARRIED_FLAG : 0);
  writeU64(view, start + OFFSET.group, header.group);
  writeU64(view, start + OFFSET.seq, header.seq);
  bytes.set(header.hashBefore, start + OFFSET.hashBefore);
  view.setUint32(start + OFFSET.headerChecksum, headerChecksum(bytes, start, salt));
}

/**
 * Reads the header of a frame that starts at `start`; null when there is none, or a damaged one.
 */
export function readFrameHeader(
  bytes: Uint8Array,
  start: number,
  salt: number,
): FrameHeader | null {
  if (start + FRAME_HEADER_BYTES > bytes.length) return null;
  // Recovery looks at every place where a frame may start: most are ruled out without a view.
  if (bytes[start] !== MAGIC >>> 24) return null;
  const view = viewOf(bytes);
  if (view.getUint32(start) !== MAGIC) return null;
  const checksum = view.getUint32(start + OFFSET.headerChecksum);
  if (checksum !== headerChecksum(bytes, start, salt)) return null;
  const hashStart = start + OFFSET.hashBefore;
  return {
    length: view.getUint32(start + OFFSET.length),
    recordChecksum: view.getUint32(start + OFFSET.recordChecksum),
    recordsToCome: view.getUint32(start + OFFSET.recordsToCome),
    carried: (view.getUint32(start + OFFSET.flags) & CARRIED_FLAG) !== 0,
    group: readU64(view, start + OFFSET.group),
    seq: readU64(view, start + OFFSET.seq),
    hashBefore: bytes.subarray(hashStart, hashStart + DIGEST_BYTES),
  };
}

/**
 * Reads the header of the frame at `start` and checks the record behind it and its place in the
 * chain; null when anything is wrong.
 */
export function readWholeFrame(
  bytes: Uint8Array,
  start: number,
  salt: number,
  hashBefore: Digest,
): FrameHeader | null {
  const header = readFrameHeader(bytes, start, salt);
  if (header === null || !bytesEqual(header.hashBefore, hashBefore)) return null;
  const record = start + FRAME_HEADER_BYTES;
  if (start + frameBytes(header.length) > bytes.length) return null;
  const checksum = crc32c(bytes, record, record + header.length);
  return checksum === header.recordChecksum ? header : null;
}

/** Hash of the record whose frame starts at `start`: what the next frame refers to. */
export function frameHash(
  hasher: Hasher,
  bytes: Uint8Array,
  start: number,
  length: number,
): Digest {
  const end = start + FRAME_HEADER_BYTES + length;
  return hasher.digest(Domain.journal, bytes.subarray(start, end));
}

function headerChecksum(bytes: Uint8Array, start: number, salt: number): number {
  return crc32c(bytes, start + OFFSET.length, start + FRAME_HEADER_BYTES, salt);
}
