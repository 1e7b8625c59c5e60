import type { Digest, Hasher } from "../base/hasher.js";
import type { PagedRows } from "../paging/state-tree.js";
import type { Accounts } from "./accounts.js";
import { encodePage, PAGE_ACCOUNTS, PageHasher } from "./page.js";

/** The digest of a page's profiles. */
interface KnownProfiles {
  /** The account after the last of them: the page has no other ones while it ends there. */
  readonly end: number;
  readonly digest: Digest;
}

/**
 * Balances that are copied into one room: 64 pages. They are copied at about the same time, and let
 * go together; memory of its own for each is work for every collection of garbage that it outlives.
 */
const ROOM_ACCOUNTS = 64 * PAGE_ACCOUNTS;

/** Accounts as pages: only their balances ever change. */
export class AccountPages implements PagedRows<BigInt64Array> {
  readonly pageRows = PAGE_ACCOUNTS;
  readonly #accounts: Accounts;
  readonly #hasher: PageHasher;
  /** Where copies are put, one after another. */
  #room = new BigInt64Array(0);
  #roomUsed = 0;
  /** Of each page; hardly ever a new one. */
  readonly #profiles: (KnownProfiles | undefined)[] = [];

  constructor(hasher: Hasher, accounts: Accounts) {
    this.#hasher = new PageHasher(hasher);
    this.#accounts = accounts;
  }

  get count(): number {
    return this.#accounts.count;
  }

  copy(first: number, end: number): BigInt64Array {
    if (this.#roomUsed + end - first > this.#room.length) {
      this.#room = new BigInt64Array(ROOM_ACCOUNTS);
      this.#roomUsed = 0;
    }
    const copy = this.#room.subarray(this.#roomUsed, this.#roomUsed + end - first);
    copy.set(this.#accounts.balances(first, end));
    this.#roomUsed += end - first;
    return copy;
  }

  encode(first: number, end: number, copy: BigInt64Array | null): Uint8Array {
    return encodePage(this.#balances(first, end, copy), this.#accounts.profiles(first, end));
  }

  digest(first: number, end: number, copy: BigInt64Array | null): Digest {
    const balances = this.#balances(first, end, copy);
    return this.#hasher.pageDigest(balances, this.#profilesDigest(first, end));
  }

  #balances(first: number, end: number, copy: BigInt64Array | null): BigInt64Array {
    return copy?.subarray(0, end - first) ?? this.#accounts.balances(first, end);
  }

  #profilesDigest(first: number, end: number): Digest {
    const page = first / PAGE_ACCOUNTS;
    const known = this.#profiles[page];
    if (known?.end === end) return known.digest;
    const digest = this.#hasher.profilesDigest(this.#accounts.profiles(first, end));
    this.#profiles[page] = { end, digest };
    return digest;
  }
}
