import { assert } from "../base/assert.js";
import type { Digest, Hasher } from "../base/hasher.js";
import type { Seq } from "../base/ids.js";
import type { Accounts } from "./accounts.js";
import { MerkleTree } from "./merkle-tree.js";
import { encodePage, PAGE_ACCOUNTS, PageHasher } from "./page.js";

const PAGES_INITIAL = 16;

/** The page's digest in the tree is out of date. */
const STALE = 1;
/** The newest pin does not need the page as it is now: it has its own copy, or there is no pin. */
const SAVED = 2;
const TOUCHED = STALE | SAVED;

/** The state at a checkpoint, kept readable. */
interface Pin {
  readonly seq: Seq;
  readonly accountCount: number;
  readonly tree: MerkleTree;
  /**
   * Balances of the pages that changed after this pin and before the next, as they were at this
   * pin.
   */
  readonly saved: Map<number, BigInt64Array>;
}

/**
 * The accounts cut into pages under a Merkle tree, and the two newest checkpoints of them, with
 * those that somebody is fetching.
 *
 * A pin costs a copy of the tree's digests, about 35 bytes for 128 accounts. The pages themselves
 * are copied on the first write after the pin, and of these only the balances: profiles never
 * change. A page that an older pin lacks is found in the next newer pin, or, when no pin has it, in
 * the present.
 */
export class StateTree {
  readonly #accounts: Accounts;
  readonly #pageHasher: PageHasher;
  readonly #tree: MerkleTree;
  /** Bits `STALE` and `SAVED` of each page. */
  #flags = new Uint8Array(PAGES_INITIAL);
  /** Digest of each page's profiles; null when an account was added since. */
  readonly #profilesDigests: (Digest | null)[] = [];
  #anyStale = false;
  #pins: readonly Pin[] = [];
  #held: readonly Seq[] = [];

  constructor(hasher: Hasher, accounts: Accounts) {
    this.#accounts = accounts;
    this.#pageHasher = new PageHasher(hasher);
    this.#tree = new MerkleTree(hasher);
    for (let page = 0; page < pageCountOf(accounts.count); page += 1) this.#addPage(page);
  }

  /** To be called before the balance of account `index` changes. */
  beforeWrite(index: number): void {
    const page = Math.floor(index / PAGE_ACCOUNTS);
    if (this.#flags[page] !== TOUCHED) this.#touch(page);
  }

  /** To be called after account `index` was opened. */
  afterOpen(index: number): void {
    const page = Math.floor(index / PAGE_ACCOUNTS);
    if (page === this.#profilesDigests.length) this.#addPage(page);
    this.#profilesDigests[page] = null;
    this.#flags[page] = (this.#flags[page] ?? 0) | STALE;
    this.#anyStale = true;
  }

  /** Merkle root of the present state. */
  root(): Digest {
    this.#rehash();
    return this.#tree.root();
  }

  /**
   * Hashes up to `pagesMax` of the pages that changed; returns whether `root` and `pin` have none
   * left to hash.
   */
  rehash(pagesMax: number): boolean {
    this.#rehash(pagesMax);
    return !this.#anyStale;
  }

  /**
   * Keeps the present state readable as that of `seq`, and forgets older ones but for the previous
   * pin and those that are held.
   */
  pin(seq: Seq): void {
    assert(seq > (this.#pins.at(-1)?.seq ?? -1), "checkpoints are pinned in ascending order");
    this.#rehash();
    const { count } = this.#accounts;
    const pin = { seq, accountCount: count, tree: this.#tree.snapshot(), saved: new Map() };
    this.#pins = [...this.#pinsToKeep(), pin];
    for (let page = 0; page < this.#flags.length; page += 1) this.#flags[page] = 0;
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
    return pin === undefined ? null : pageCountOf(pin.accountCount);
  }

  /** The children's digests of one inner node at `seq`, or null. */
  treeNode(seq: Seq, level: number, index: number): Uint8Array | null {
    const pin = this.#pins.find((candidate) => candidate.seq === seq);
    return pin === undefined ? null : pin.tree.node(level, index);
  }

  /** The bytes of one page at `seq`, or null. */
  page(seq: Seq, index: number): Uint8Array | null {
    const place = this.#pins.findIndex((candidate) => candidate.seq === seq);
    const pin = this.#pins[place];
    if (pin === undefined || index >= pageCountOf(pin.accountCount)) return null;
    const first = PAGE_ACCOUNTS * index;
    const end = Math.min(first + PAGE_ACCOUNTS, pin.accountCount);
    const saved = this.#savedSince(place, index);
    const balances = saved?.subarray(0, end - first) ?? this.#accounts.balances(first, end);
    return encodePage(balances, this.#accounts.profiles(first, end));
  }

  /** The bytes of page `index` of the present state, or null. */
  presentPage(index: number): Uint8Array | null {
    const first = PAGE_ACCOUNTS * index;
    const end = Math.min(first + PAGE_ACCOUNTS, this.#accounts.count);
    if (first >= end) return null;
    return encodePage(this.#accounts.balances(first, end), this.#accounts.profiles(first, end));
  }

  #pinsToKeep(): Pin[] {
    const kept: Pin[] = [];
    const newest = this.#pins.at(-1);
    for (const pin of this.#pins) {
      if (pin === newest || this.#held.includes(pin.seq)) kept.push(pin);
      else passOn(pin, kept.at(-1));
    }
    return kept;
  }

  #savedSince(place: number, page: number): BigInt64Array | undefined {
    for (const pin of this.#pins.slice(place)) {
      const saved = pin.saved.get(page);
      if (saved !== undefined) return saved;
    }
    return undefined;
  }

  #touch(page: number): void {
    const newest = this.#pins.at(-1);
    const isSaved = ((this.#flags[page] ?? 0) & SAVED) !== 0;
    if (newest !== undefined && !isSaved) {
      const first = PAGE_ACCOUNTS * page;
      const end = Math.min(first + PAGE_ACCOUNTS, newest.accountCount);
      if (first < end) newest.saved.set(page, this.#accounts.balances(first, end).slice());
    }
    this.#flags[page] = TOUCHED;
    this.#anyStale = true;
  }

  #addPage(page: number): void {
    if (page >= this.#flags.length) {
      const flags = new Uint8Array(2 * this.#flags.length);
      flags.set(this.#flags);
      this.#flags = flags;
    }
    this.#profilesDigests.push(null);
    this.#flags[page] = STALE;
    this.#anyStale = true;
  }

  #rehash(pagesMax = Number.POSITIVE_INFINITY): void {
    if (!this.#anyStale) return;
    const { count } = this.#accounts;
    const pageCount = pageCountOf(count);
    let left = pagesMax;
    for (let page = 0; page < pageCount; page += 1) {
      const flags = this.#flags[page] ?? 0;
      if ((flags & STALE) === 0) continue;
      if (left === 0) return;
      left -= 1;
      const first = PAGE_ACCOUNTS * page;
      const end = Math.min(first + PAGE_ACCOUNTS, count);
      const profilesDigest = this.#profilesDigest(page, first, end);
      const balances = this.#accounts.balances(first, end);
      this.#tree.setLeaf(page, this.#pageHasher.pageDigest(balances, profilesDigest));
      this.#flags[page] = flags & ~STALE;
    }
    this.#anyStale = false;
  }

  #profilesDigest(page: number, first: number, end: number): Digest {
    const known = this.#profilesDigests[page] ?? null;
    if (known !== null) return known;
    const digest = this.#pageHasher.profilesDigest(this.#accounts.profiles(first, end));
    this.#profilesDigests[page] = digest;
    return digest;
  }
}

/** What `pin` saved is also what the pin before it relies on. */
function passOn(pin: Pin, before: Pin | undefined): void {
  if (before === undefined) return;
  for (const [page, balances] of pin.saved) {
    if (!before.saved.has(page)) before.saved.set(page, balances);
  }
}

function pageCountOf(accountCount: number): number {
  return Math.ceil(accountCount / PAGE_ACCOUNTS);
}
