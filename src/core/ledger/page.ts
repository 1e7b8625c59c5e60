import { bytesConcat } from "../base/bytes.js";
import { DIGEST_BYTES, Domain, type Digest, type Hasher } from "../base/hasher.js";
import { HIGH_HALF } from "./halves.js";

/*
 * A page is up to 128 accounts with consecutive numbers, as it is hashed and sent:
 *
 *   │ count u16 │ balance i64 × count │ profile × count │        (big endian)
 *
 * Its digest is made in two steps, H(1 ‖ count ‖ balances ‖ H(2 ‖ profiles)), because the profiles,
 * nine tenths of the bytes, hardly ever change: after a checkpoint full of deposits a page costs a
 * hash of one kilobyte instead of eleven. Bytes that are no page get a digest of their own, H(3 ‖
 * bytes), which no page has: so a fetcher may ask for the digest of anything.
 */

/**
 * Accounts of a full page: balances of 1 KiB, so that a page costs about as much as an inner node.
 */
export const PAGE_ACCOUNTS = 128;

const COUNT_BYTES = 2;
const BALANCE_BYTES = 8;
const TAG_HEAD = 1;
const TAG_PROFILES = Uint8Array.of(2);
const TAG_OTHER = Uint8Array.of(3);

/** A page's parts. */
export interface Page {
  readonly balances: BigInt64Array;
  /** A view into the page. */
  readonly profiles: Uint8Array;
}

/** The bytes of a page of 1 to `PAGE_ACCOUNTS` (included) accounts. */
export function encodePage(balances: BigInt64Array, profiles: Uint8Array): Uint8Array {
  const headBytes = COUNT_BYTES + BALANCE_BYTES * balances.length;
  const bytes = new Uint8Array(headBytes + profiles.length);
  writeHead(new DataView(bytes.buffer), 0, balances);
  bytes.set(profiles, headBytes);
  return bytes;
}

/** The parts of a page, or null when `bytes` can't be one. The profiles are not looked into. */
export function splitPage(bytes: Uint8Array): Page | null {
  if (bytes.length < COUNT_BYTES) return null;
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = data.getUint16(0);
  const headBytes = COUNT_BYTES + BALANCE_BYTES * count;
  if (count === 0 || count > PAGE_ACCOUNTS || headBytes > bytes.length) return null;
  const balances = new BigInt64Array(count);
  for (let index = 0; index < count; index += 1) {
    balances[index] = data.getBigInt64(COUNT_BYTES + BALANCE_BYTES * index);
  }
  return { balances, profiles: bytes.subarray(headBytes) };
}

/** Digests of pages; keeps one scratch buffer. */
export class PageHasher {
  readonly #hasher: Hasher;
  readonly #scratch = new Uint8Array(
    1 + COUNT_BYTES + BALANCE_BYTES * PAGE_ACCOUNTS + DIGEST_BYTES,
  );
  readonly #data = new DataView(this.#scratch.buffer);

  constructor(hasher: Hasher) {
    this.#hasher = hasher;
  }

  /** Digest of the profiles of one page. */
  profilesDigest(profiles: Uint8Array): Digest {
    return this.#hasher.digest(Domain.page, bytesConcat([TAG_PROFILES, profiles]));
  }

  /** Digest of a page, given the digest of its profiles. */
  pageDigest(balances: BigInt64Array, profilesDigest: Digest): Digest {
    this.#data.setUint8(0, TAG_HEAD);
    const headEnd = writeHead(this.#data, 1, balances);
    this.#scratch.set(profilesDigest, headEnd);
    return this.#hasher.digest(Domain.page, this.#scratch.subarray(0, headEnd + DIGEST_BYTES));
  }

  /** Digest of the bytes of a page, or of anything else. Never throws. */
  digestOf(bytes: Uint8Array): Digest {
    const page = splitPage(bytes);
    if (page === null) {
      return this.#hasher.digest(Domain.page, bytesConcat([TAG_OTHER, bytes]));
    }
    return this.pageDigest(page.balances, this.profilesDigest(page.profiles));
  }
}

/**
 * Balances are moved as halves: as `BigInt`s each would be an object, which made up two thirds of
 * what it took to hash a page.
 */
function writeHead(data: DataView, start: number, balances: BigInt64Array): number {
  data.setUint16(start, balances.length);
  const halves = new Uint32Array(balances.buffer, balances.byteOffset, 2 * balances.length);
  let offset = start + COUNT_BYTES;
  for (let index = 0; index < halves.length; index += 2) {
    data.setUint32(offset, halves[index + HIGH_HALF] ?? 0);
    data.setUint32(offset + 4, halves[index + 1 - HIGH_HALF] ?? 0);
    offset += BALANCE_BYTES;
  }
  return offset;
}
