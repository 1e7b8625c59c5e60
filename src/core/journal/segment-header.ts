import { bytesEqual } from "../base/bytes.js";
import { DIGEST_BYTES } from "../base/hasher.js";
import type { Digest } from "../base/hasher.js";
import { crc32c } from "./crc32c.js";
import { readU64, viewOf, writeU64 } from "./integers.js";

/*
 * A segment is a file of the journal: this header, then frames (record-frame.ts), then zeros.
 *
 *   0        4         8          16            24          56               88       92         96
 *   ┌────────┬─────────┬──────────┬─────────────┬───────────┬────────────────┬────────┬──────────┐
 *   │ magic  │ version │ number   │ group before│ identity  │ hash before    │ salt   │ crc32c   │
 *   └────────┴─────────┴──────────┴─────────────┴───────────┴────────────────┴────────┴──────────┘
 *                                                                                  (big endian)
 * "Group before" and "hash before" are those at the end of the previous segment: they tie the files
 * together, so that a missing, swapped or foreign segment is noticed.
 */

/** Size of a segment's header. */
export const SEGMENT_HEADER_BYTES = 96;

/** Size of the tag that names cluster and replica. */
const IDENTITY_BYTES = DIGEST_BYTES;

const MAGIC = 0x70_62_66_4a;
const VERSION = 1;
const OFFSET = {
  version: 4,
  number: 8,
  groupBefore: 16,
  identity: 24,
  hashBefore: 56,
  salt: 88,
  checksum: 92,
} as const;

/** What the first bytes of a segment say. */
export interface SegmentHeader {
  /** 1 and up, consecutive; also the name of the file. */
  readonly number: number;
  /** Number of the last group in the segment before; 0 when there is none. */
  readonly groupBefore: number;
  /** Names cluster and replica, `IDENTITY_BYTES` long. */
  readonly identity: Uint8Array;
  /** Hash of the last record in the segment before; zeros when there is none. */
  readonly hashBefore: Digest;
  /** Seed of the frames' header checksums, 32 random bits that nobody outside can know. */
  readonly salt: number;
}

/** Why a segment header cannot be used. */
type SegmentHeaderFault = "damaged" | "other version" | "other identity";

/** The `SEGMENT_HEADER_BYTES` bytes of `header`. */
export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, MAGIC);
  view.setUint32(OFFSET.version, VERSION);
  writeU64(view, OFFSET.number, header.number);
  writeU64(view, OFFSET.groupBefore, header.groupBefore);
  bytes.set(header.identity, OFFSET.identity);
  bytes.set(header.hashBefore, OFFSET.hashBefore);
  view.setUint32(OFFSET.salt, header.salt);
  view.setUint32(OFFSET.checksum, crc32c(bytes, 0, OFFSET.checksum));
  return bytes;
}

/** Reads the header of the segment in `bytes`, which must belong to `identity`. Never throws. */
export function decodeSegmentHeader(
  bytes: Uint8Array,
  identity: Uint8Array,
): SegmentHeader | SegmentHeaderFault {
  if (bytes.length < SEGMENT_HEADER_BYTES) return "damaged";
  const view = viewOf(bytes);
  if (view.getUint32(0) !== MAGIC) return "damaged";
  if (view.getUint32(OFFSET.checksum) !== crc32c(bytes, 0, OFFSET.checksum)) return "damaged";
  if (view.getUint32(OFFSET.version) !== VERSION) return "other version";
  const owner = bytes.subarray(OFFSET.identity, OFFSET.identity + IDENTITY_BYTES);
  if (!bytesEqual(owner, identity)) return "other identity";
  return {
    number: readU64(view, OFFSET.number),
    groupBefore: readU64(view, OFFSET.groupBefore),
    identity: owner,
    hashBefore: bytes.subarray(OFFSET.hashBefore, OFFSET.hashBefore + DIGEST_BYTES),
    salt: view.getUint32(OFFSET.salt),
  };
}
