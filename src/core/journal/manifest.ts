import { asciiBytes } from "../base/bytes.js";
import { crc32c } from "./crc32c.js";

/*
 * The manifest says which segments there must be. It stands outside their folder, is a line of text
 * per field for people to read, and is replaced as a whole, by a rename. A segment counts from the
 * moment the manifest names it. Without it, nothing would tell a new replica from one whose journal
 * was wiped, nor an old segment that was discarded from one that was lost.
 *
 *   pbft-ledger journal 1
 *   segments 3 to 7
 *   newest-records on-disk
 *   boot 1f0c…
 *   doubt none
 *   crc32c 89abcdef
 */

/**
 * Where the newest records that were reported may still have been when the process ended: on the
 * disk (`fsync`, or a clean end), in the operating system's memory (`async`), in the process
 * (`none`).
 */
export type NewestRecords = "on-disk" | "in-kernel" | "in-process";

/** What the manifest says. */
export interface Manifest {
  /** Number of the oldest segment that must be there, 1 and up. */
  readonly segmentFirst: number;
  /** Number of the newest segment; `segmentFirst - 1` when there is none. */
  readonly segmentLast: number;
  readonly newestRecords: NewestRecords;
  /** Which run of the operating system wrote this; empty when the system cannot tell. */
  readonly bootId: string;
  /**
   * Why the records before the oldest segment are not known, in one ASCII line; null if they are.
   */
  readonly doubt: string | null;
}

const FORM = new RegExp(
  "^(pbft-ledger journal 1\n" +
    "segments (\\d{1,15}) to (\\d{1,15})\n" +
    "newest-records (on-disk|in-kernel|in-process)\n" +
    "boot ([0-9A-Za-z-]*)\n" +
    "doubt (none|because [ -~]*)\n)" +
    "crc32c ([0-9a-f]{8})\n$",
);

/** The bytes of the file. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const { segmentFirst, segmentLast, newestRecords, bootId, doubt } = manifest;
  const text =
    "pbft-ledger journal 1\n" +
    `segments ${segmentFirst} to ${segmentLast}\n` +
    `newest-records ${newestRecords}\n` +
    `boot ${bootId}\n` +
    `doubt ${doubt === null ? "none" : `because ${doubt}`}\n`;
  return asciiBytes(`${text}crc32c ${checksumOf(text)}\n`);
}

/** Reads the file; null when it is damaged. Never throws. */
export function decodeManifest(bytes: Uint8Array): Manifest | null {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  const [, body = "", first, last, newest, bootId = "", doubt = "", checksum] =
    FORM.exec(text) ?? [];
  if (checksum === undefined || checksum !== checksumOf(body)) return null;
  return {
    segmentFirst: Number(first),
    segmentLast: Number(last),
    newestRecords: newest as NewestRecords,
    bootId,
    doubt: doubt === "none" ? null : doubt.slice("because ".length),
  };
}

function checksumOf(text: string): string {
  return crc32c(asciiBytes(text), 0, text.length).toString(16).padStart(8, "0");
}
