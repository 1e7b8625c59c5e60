import type { Digest, Hasher } from "../base/hasher.js";
import type { Seq } from "../base/ids.js";
import { FRAME_HEADER_BYTES, frameBytes, frameHash, writeFrameHeader } from "./record-frame.js";

const BYTES_INITIAL = 4 * 1024;
const BYTES_KEPT_MAX = 1024 * 1024;

/** Where the frames of a group go, and what they come after. */
interface GroupPlace {
  /** Number of the group. */
  readonly group: number;
  /** Salt of the segment. */
  readonly salt: number;
  /** Hash of the record before the first one. */
  readonly hashBefore: Digest;
  /** How many records of the group stand in another buffer behind these. */
  readonly recordsBehind: number;
}

/**
 * The records that will be written and synced together, in one growing buffer. Records are copied
 * in at once; their frames' headers are filled in by `seal`, when the size and number of the group
 * are known.
 */
export class Group {
  readonly #carried: boolean;
  #buffer = new Uint8Array(BYTES_INITIAL);
  #length = 0;
  #records: { readonly start: number; readonly length: number; readonly seq: Seq }[] = [];
  #seqMax: Seq = 0;

  /** @param carried whether the records repeat what earlier segments said. */
  constructor(carried: boolean) {
    this.#carried = carried;
  }

  /** Number of records. */
  get count(): number {
    return this.#records.length;
  }

  /** Size of the frames so far, in bytes. */
  get byteLength(): number {
    return this.#length;
  }

  /** Highest sequence number that any record concerns; 0 for none. */
  get seqMax(): Seq {
    return this.#seqMax;
  }

  /** Copies `record` in. */
  append(record: Uint8Array, seq: Seq): void {
    const start = this.#length;
    this.#reserve(frameBytes(record.length));
    this.#buffer.set(record, start + FRAME_HEADER_BYTES);
    this.#buffer.fill(0, start + FRAME_HEADER_BYTES + record.length, this.#length);
    this.#records.push({ start, length: record.length, seq });
    this.#seqMax = Math.max(this.#seqMax, seq);
  }

  /** Fills in the headers and returns the hash of the last record. */
  seal(place: GroupPlace, hasher: Hasher): Digest {
    let hash = place.hashBefore;
    let recordsToCome = place.recordsBehind + this.#records.length;
    for (const { start, length, seq } of this.#records) {
      recordsToCome -= 1;
      const { group, salt } = place;
      const carried = this.#carried;
      const header = { length, recordsToCome, carried, group, seq, hashBefore: hash };
      writeFrameHeader(this.#buffer, start, salt, header);
      hash = frameHash(hasher, this.#buffer, start, length);
    }
    return hash;
  }

  /**
   * The frames, followed by zeros up to `byteLength + paddingBytes`; valid until the next change.
   */
  bytes(paddingBytes: number): Uint8Array {
    const end = this.#length + paddingBytes;
    this.#grow(end);
    return this.#buffer.fill(0, this.#length, end).subarray(0, end);
  }

  /** Empties the group and gives back a buffer that one large group had made grow. */
  clear(): void {
    this.#length = 0;
    this.#records = [];
    this.#seqMax = 0;
    if (this.#buffer.length > BYTES_KEPT_MAX) this.#buffer = new Uint8Array(BYTES_INITIAL);
  }

  #reserve(byteCount: number): void {
    this.#length += byteCount;
    this.#grow(this.#length);
  }

  #grow(byteCount: number): void {
    if (byteCount <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(byteCount, 2 * this.#buffer.length));
    grown.set(this.#buffer);
    this.#buffer = grown;
  }
}
