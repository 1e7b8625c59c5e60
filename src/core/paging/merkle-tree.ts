import { assert } from "../base/assert.js";
import { DIGEST_BYTES, Domain, type Digest, type Hasher } from "../base/hasher.js";

/** Children of a full inner node: 1 KiB of digests. */
export const FAN_OUT = 32;

/**
 * Number of levels of inner nodes above `leafCount` leaves; 1 and up. Level 0 is next to the
 * leaves.
 */
export function levelCount(leafCount: number): number {
  let levels = 1;
  for (let nodes = Math.ceil(leafCount / FAN_OUT); nodes > 1; nodes = Math.ceil(nodes / FAN_OUT)) {
    levels += 1;
  }
  return levels;
}

/** The root: binds the number of leaves, and with it the shape of the tree, to the top node. */
export function rootOf(hasher: Hasher, leafCount: number, topDigest: Digest): Digest {
  const bytes = new Uint8Array(4 + DIGEST_BYTES);
  new DataView(bytes.buffer).setUint32(0, leafCount);
  bytes.set(topDigest, 4);
  return hasher.digest(Domain.state, bytes);
}

/**
 * A Merkle tree of fixed fan-out over digests, which only ever gets new leaves at its end. Rehashes
 * the paths above changed leaves only.
 */
export class MerkleTree {
  readonly #hasher: Hasher;
  #leafCount = 0;
  /** Digests, 32 bytes each: of the leaves, of the nodes of level 0, of those of level 1 … */
  readonly #digests: Uint8Array[] = [];
  /** Nodes of level 0 with changed children; neighbours are not repeated. */
  #stale: number[] = [0];

  constructor(hasher: Hasher) {
    this.#hasher = hasher;
  }

  /** How many leaves it has. */
  get leafCount(): number {
    return this.#leafCount;
  }

  /** Sets leaf `index`; `leafCount` appends. Cheapest in ascending order. */
  setLeaf(index: number, digest: Digest): void {
    assert(index <= this.#leafCount, "leaves are appended one by one");
    this.#write(0, index, digest);
    if (index === this.#leafCount) this.#leafCount += 1;
    this.#pushParent(this.#stale, index);
  }

  /** The root, after rehashing what changed. */
  root(): Digest {
    this.rehash();
    const top = levelCount(this.#leafCount);
    return rootOf(this.#hasher, this.#leafCount, this.#read(top, 0, 1));
  }

  /** Hashes the nodes above leaves that changed, which others do where it was not done before. */
  rehash(): void {
    let stale = this.#stale;
    if (stale.length === 0) return;
    const levels = levelCount(this.#leafCount);
    for (let level = 0; level < levels; level += 1) {
      const above: number[] = [];
      for (const index of stale) {
        const digest = this.#hasher.digest(Domain.node, this.#children(level, index));
        this.#write(level + 1, index, digest);
        this.#pushParent(above, index);
      }
      stale = above;
    }
    this.#stale = [];
  }

  /** Digest of leaf `index`, or null. */
  leaf(index: number): Digest | null {
    return index < this.#leafCount ? this.#read(0, index, index + 1) : null;
  }

  /** The digests of the children of node `index` of `level` one after another, or null. */
  node(level: number, index: number): Uint8Array | null {
    if (level >= levelCount(this.#leafCount) || index >= this.#rowLength(level + 1)) return null;
    this.rehash();
    return this.#children(level, index).slice();
  }

  /** A copy as it is now: some 35 bytes for each leaf. */
  snapshot(): MerkleTree {
    this.rehash();
    const copy = new MerkleTree(this.#hasher);
    copy.#leafCount = this.#leafCount;
    for (let row = 0; row <= levelCount(this.#leafCount); row += 1) {
      copy.#digests.push(this.#read(row, 0, this.#rowLength(row)).slice());
    }
    copy.#stale = [];
    return copy;
  }

  #pushParent(parents: number[], child: number): void {
    const parent = Math.floor(child / FAN_OUT);
    if (parents.at(-1) !== parent) parents.push(parent);
  }

  #children(level: number, index: number): Uint8Array {
    const start = FAN_OUT * index;
    return this.#read(level, start, Math.min(start + FAN_OUT, this.#rowLength(level)));
  }

  /* Row 0 of the digests are the leaves, row k the nodes of level k - 1. */

  #rowLength(row: number): number {
    let length = this.#leafCount;
    for (let below = 0; below < row; below += 1) length = Math.ceil(length / FAN_OUT);
    return row === 0 ? length : Math.max(length, 1);
  }

  #read(row: number, start: number, end: number): Uint8Array {
    const digests = this.#digests[row] ?? new Uint8Array(0);
    return digests.subarray(DIGEST_BYTES * start, DIGEST_BYTES * end);
  }

  #write(row: number, index: number, digest: Digest): void {
    const end = DIGEST_BYTES * (index + 1);
    let digests = this.#digests[row];
    if (digests === undefined || digests.length < end) {
      const grown = new Uint8Array(2 * end);
      if (digests !== undefined) grown.set(digests);
      this.#digests[row] = grown;
      digests = grown;
    }
    digests.set(digest, end - DIGEST_BYTES);
  }
}
