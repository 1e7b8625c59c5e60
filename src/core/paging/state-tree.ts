import { assert } from "../base/assert.js";
import type { Digest, Hasher } from "../base/hasher.js";
import type { Seq } from "../base/ids.js";
import { MerkleTree } from "./merkle-tree.js";

/**
 * The rows of a state: numbered from 0, of which none ever goes, so many to a page. `Copy` is what
 * of some rows of a page may change.
 */
export interface PagedRows<Copy> {
  /** Rows there are. */
  readonly count: number;
  /** Rows of a full page. */
  readonly pageRows: number;
  /** What rows `first` (included) to `end` (excluded) of one page hold now that may change. */
  copy(first: number, end: number): Copy;
  /**
   * The bytes of the page of these rows.
   * @param copy what they held, and rows after them; null: what they hold now.
   */
  encode(first: number, end: number, copy: Copy | null): Uint8Array;
  /** Digest of the bytes that `encode` would return, which need not be called for it. */
  digest(first: number, end: number, copy: Copy | null): Digest;
}

const PAGES_INITIAL = 16;

/** The page's digest in the tree is out of date. */
const STALE = 1;
/** The newest pin does not need the page as it is now: it has its own copy, or there is no pin. */
const SAVED = 2;
const TOUCHED = STALE | SAVED;
/** The newest pin's digest of the page is out of date as well. */
const DUE = 4;

/** The state at a checkpoint, kept readable. */
interface Pin<Copy> {
  readonly seq: Seq;
  readonly rowCount: number;
  /** Null while pages are due, or what is above them. */
  tree: MerkleTree | null;
  /** Of the pages that changed after this pin and before the next, what they held at this pin. */
  readonly saved: Map<number, Copy>;
}

/**
 * Rows cut into pages under a Merkle tree, and the two newest checkpoints of them, with those that
 * somebody is fetching.
 *
 * A pin costs a copy of the tree's digests, about 35 bytes a page. The pages themselves are copied
 * on the first write after the pin, and of these only what may change. A page that an older pin
 * lacks is found in the next newer pin, or, when no pin has it, in the present.
 *
 * What changed before a pin need not be hashed before the state changes again: the pin's digests
 * are made of what it saved. Until they are, the tree holds its digests, not those of the present.
 */
export class StateTree<Copy> {
  readonly #rows: PagedRows<Copy>;
  readonly #pageRows: number;
  readonly #tree: MerkleTree;
  /** Bits `STALE`, `SAVED` and `DUE` of each page. */
  #flags = new Uint8Array(PAGES_INITIAL);
  #pageCount = 0;
  /** No page before this one is stale; infinity when none is. */
  #staleFrom = Number.POSITIVE_INFINITY;
  /** No page before this one is due. */
  #dueFrom = 0;
  #pins: readonly Pin<Copy>[] = [];
  #held: readonly Seq[] = [];

  constructor(hasher: Hasher, rows: PagedRows<Copy>) {
    this.#rows = rows;
    this.#pageRows = rows.pageRows;
    this.#tree = new MerkleTree(hasher);
    while (this.#pageCount < this.#pageCountOf(rows.count)) this.#addPage();
  }

  /** To be called before row `index` changes. */
  beforeWrite(index: number): void {
    const page = Math.floor(index / this.#pageRows);
    if (((this.#flags[page] ?? 0) & TOUCHED) !== TOUCHED) this.#touch(page);
  }

  /** To be called after row `index` was added. */
  afterAdd(index: number): void {
    const page = Math.floor(index / this.#pageRows);
    if (page === this.#pageCount) this.#addPage();
    this.#flags[page] = (this.#flags[page] ?? 0) | STALE;
    this.#noteStale(page);
  }

  /** Merkle root of the present state. */
  root(): Digest {
    this.#rehash();
    return this.#tree.root();
  }

  /**
   * Hashes up to `pagesMax` of the pages that changed, or, once none is left, what is above them:
   * that of a million rows takes as long as some hundred pages. Returns whether `root` has nothing
   * left to hash. What the newest pin lacks comes first.
   */
  rehash(pagesMax: number): boolean {
    if (!this.rehashPin(pagesMax)) return false;
    if (this.#staleFrom === Number.POSITIVE_INFINITY) {
      this.#tree.rehash();
      return true;
    }
    this.#rehash(pagesMax);
    return false;
  }

  /**
   * Keeps the present state readable as that of `seq`, and forgets older ones but for the previous
   * pin and those that are held. Hashes no page, unless the previous pin lacks the digest of one.
   */
  pin(seq: Seq): void {
    assert(seq > (this.#pins.at(-1)?.seq ?? -1), "checkpoints are pinned in ascending order");
    this.#completePin();
    const pin = { seq, rowCount: this.#rows.count, tree: null, saved: new Map() };
    this.#pins = [...this.#pinsToKeep(), pin];
    this.#dueFrom = Math.min(this.#staleFrom, this.#pageCount);
    for (let page = 0; page < this.#flags.length; page += 1) {
      this.#flags[page] = ((this.#flags[page] ?? 0) & STALE) === 0 ? 0 : STALE | DUE;
    }
    if (this.#dueFrom === this.#pageCount) this.#completePin();
  }

  /**
   * Hashes up to `pagesMax` of the pages that the newest pin lacks the digests of, or what is above
   * them, as `rehash`. Returns whether it lacks nothing.
   */
  rehashPin(pagesMax: number): boolean {
    const pin = this.#pins.at(-1);
    if (pin?.tree !== null) return true;
    if (this.#dueFrom < this.#pageCountOf(pin.rowCount)) this.#hashDue(pin, pagesMax);
    else pin.tree = this.#tree.snapshot();
    return pin.tree !== null;
  }

  /** Merkle root of the state pinned at `seq`, or null when it is not pinned. */
  pinRoot(seq: Seq): Digest | null {
    return this.#treeAt(seq)?.root() ?? null;
  }

  /** Which pins stay, from now on, when newer ones come. */
  hold(seqs: readonly Seq[]): void {
    this.#held = seqs;
  }

  /** The sequence numbers pinned now, ascending: the two newest, and those that are held. */
  pins(): readonly Seq[] {
    return this.#pins.map((pin) => pin.seq);
  }

  /** Number of pages at `seq`, or null when it is not pinned. */
  pageCount(seq: Seq): number | null {
    const pin = this.#pins.find((candidate) => candidate.seq === seq);
    return pin === undefined ? null : this.#pageCountOf(pin.rowCount);
  }

  /** The children's digests of one inner node at `seq`, or null. */
  treeNode(seq: Seq, level: number, index: number): Uint8Array | null {
    return this.#treeAt(seq)?.node(level, index) ?? null;
  }

  /** The bytes of one page at `seq`, or null. */
  page(seq: Seq, index: number): Uint8Array | null {
    const place = this.#pins.findIndex((candidate) => candidate.seq === seq);
    const pin = this.#pins[place];
    if (pin === undefined || index >= this.#pageCountOf(pin.rowCount)) return null;
    const first = this.#pageRows * index;
    const end = Math.min(first + this.#pageRows, pin.rowCount);
    return this.#rows.encode(first, end, this.#savedSince(place, index) ?? null);
  }

  /** The bytes of page `index` of the present state, or null. */
  presentPage(index: number): Uint8Array | null {
    const first = this.#pageRows * index;
    const end = Math.min(first + this.#pageRows, this.#rows.count);
    return first < end ? this.#rows.encode(first, end, null) : null;
  }

  #treeAt(seq: Seq): MerkleTree | null {
    const pin = this.#pins.find((candidate) => candidate.seq === seq);
    if (pin === undefined) return null;
    if (pin.tree === null) this.#completePin();
    return pin.tree;
  }

  #completePin(): void {
    let isComplete = false;
    while (!isComplete) isComplete = this.rehashPin(Number.POSITIVE_INFINITY);
  }

  #hashDue(pin: Pin<Copy>, pagesMax: number): void {
    const { count } = this.#rows;
    const pageCount = this.#pageCountOf(pin.rowCount);
    let left = pagesMax;
    let page = this.#dueFrom;
    for (; page < pageCount && left > 0; page += 1) {
      const flags = this.#flags[page] ?? 0;
      if ((flags & DUE) === 0) continue;
      left -= 1;
      const first = this.#pageRows * page;
      const end = Math.min(first + this.#pageRows, pin.rowCount);
      this.#tree.setLeaf(page, this.#rows.digest(first, end, pin.saved.get(page) ?? null));
      // Rows may have been added to the last page since, which does not save it.
      const isPresent = (flags & SAVED) === 0 && end === Math.min(first + this.#pageRows, count);
      this.#flags[page] = flags & ~(isPresent ? DUE | STALE : DUE);
    }
    this.#dueFrom = page;
  }

  #pinsToKeep(): Pin<Copy>[] {
    const kept: Pin<Copy>[] = [];
    const newest = this.#pins.at(-1);
    for (const pin of this.#pins) {
      if (pin === newest || this.#held.includes(pin.seq)) kept.push(pin);
      else passOn(pin, kept.at(-1));
    }
    return kept;
  }

  #savedSince(place: number, page: number): Copy | undefined {
    for (const pin of this.#pins.slice(place)) {
      const saved = pin.saved.get(page);
      if (saved !== undefined) return saved;
    }
    return undefined;
  }

  #touch(page: number): void {
    const newest = this.#pins.at(-1);
    const flags = this.#flags[page] ?? 0;
    const isSaved = (flags & SAVED) !== 0;
    if (newest !== undefined && !isSaved) {
      const first = this.#pageRows * page;
      const end = Math.min(first + this.#pageRows, newest.rowCount);
      if (first < end) newest.saved.set(page, this.#rows.copy(first, end));
    }
    this.#flags[page] = flags | TOUCHED;
    this.#noteStale(page);
  }

  #addPage(): void {
    const page = this.#pageCount;
    if (page >= this.#flags.length) {
      const flags = new Uint8Array(2 * this.#flags.length);
      flags.set(this.#flags);
      this.#flags = flags;
    }
    this.#pageCount += 1;
    this.#flags[page] = STALE;
    this.#noteStale(page);
  }

  #noteStale(page: number): void {
    if (page < this.#staleFrom) this.#staleFrom = page;
  }

  #rehash(pagesMax = Number.POSITIVE_INFINITY): void {
    this.#completePin();
    const { count } = this.#rows;
    let left = pagesMax;
    for (let page = this.#staleFrom; page < this.#pageCount; page += 1) {
      const flags = this.#flags[page] ?? 0;
      if ((flags & STALE) === 0) continue;
      if (left === 0) {
        this.#staleFrom = page;
        return;
      }
      left -= 1;
      const first = this.#pageRows * page;
      const end = Math.min(first + this.#pageRows, count);
      this.#tree.setLeaf(page, this.#rows.digest(first, end, null));
      this.#flags[page] = flags & ~STALE;
    }
    this.#staleFrom = Number.POSITIVE_INFINITY;
  }

  #pageCountOf(rowCount: number): number {
    return Math.ceil(rowCount / this.#pageRows);
  }
}

/** What `pin` saved is also what the pin before it relies on. */
function passOn<Copy>(pin: Pin<Copy>, before: Pin<Copy> | undefined): void {
  if (before === undefined) return;
  for (const [page, copy] of pin.saved) {
    if (!before.saved.has(page)) before.saved.set(page, copy);
  }
}
