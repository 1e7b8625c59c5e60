import { assert } from "../base/assert.js";
import type { ClientId } from "../base/ids.js";
import { ACCOUNTS_MAX, type AccountRow } from "./account-row.js";
import { ByteIndex } from "./byte-index.js";
import { type PackedAccounts, type PackedBalances, rowAt } from "./packed-accounts.js";
import { HIGH_HALF } from "./halves.js";
import { encodeProfile, NO_OWNER, PROFILE_BYTES_MAX } from "./profile.js";

const ACCOUNTS_INITIAL = 64;
const PROFILE_BYTES_INITIAL = 4096;

/** Profiles of all accounts that there may be: less than the 4 GiB that an array may have. */
const PROFILES_BYTES_MAX = ACCOUNTS_MAX * PROFILE_BYTES_MAX;

/**
 * All accounts as a struct of arrays, numbered from 0 in the order in which they were opened, which
 * is the order of their customer ids. Nothing is ever removed. What changes (a balance) and what
 * never does (a profile) lie apart: an operation touches 8 bytes, a page of profiles is hashed
 * once.
 */
export class Accounts {
  #count = 0;
  #balances = new BigInt64Array(ACCOUNTS_INITIAL);
  /** The same memory: a `BigInt` of it would be an object. */
  #halves = new Int32Array(this.#balances.buffer);
  #owners = new Int32Array(ACCOUNTS_INITIAL);
  /** As in the profiles, which to reach for costs more than to copy a balance. */
  #customerIds = new Uint32Array(ACCOUNTS_INITIAL);
  /**
   * The profiles one after another; that of account i is [`#profileEnds`[i], `#profileEnds`[i +
   * 1]).
   */
  #profiles = new Uint8Array(PROFILE_BYTES_INITIAL);
  #profileEnds = new Uint32Array(ACCOUNTS_INITIAL + 1);
  readonly #index: ByteIndex;

  /** @param indexKey 8 bytes, see `ByteIndex`. */
  constructor(indexKey: Uint8Array) {
    this.#index = new ByteIndex(indexKey);
  }

  /** How many accounts there are. */
  get count(): number {
    return this.#count;
  }

  /** The customer id of the newest account, which is the largest; 0 when there is none. */
  get lastCustomerId(): number {
    return this.#customerIds[this.#count - 1] ?? 0;
  }

  /** The number of the account whose id is `bytes`[`start`, `end`), or -1. Allocates nothing. */
  find(bytes: Uint8Array, start: number, end: number): number {
    return this.#index.find(bytes, start, end);
  }

  /**
   * The numbers of the accounts with these ids, as `ByteIndex.findEach`, whose last stage this has:
   * it looks at their balances, which whoever asks is about to read.
   */
  findEach(
    bytes: Uint8Array,
    starts: Uint32Array,
    ends: Uint32Array,
    count: number,
    numbers: Int32Array,
  ): void {
    this.#index.findEach(bytes, starts, ends, count, numbers);
    // For the assertion all of them have to be read.
    let signs = 0;
    for (let place = 0; place < count; place += 1) {
      signs |= this.#halves[2 * Math.max(numbers[place] ?? 0, 0) + HIGH_HALF] ?? 0;
    }
    assert(signs >= 0, "no balance is below zero");
  }

  /** Balance of account `index` in minor units. */
  balance(index: number): bigint {
    return this.#balances[index] ?? 0n;
  }

  /** Sets the balance of account `index`; 0 (included) to 2^63 - 1 (included). */
  setBalance(index: number, balance: bigint): void {
    this.#balances[index] = balance;
  }

  /** The client that owns account `index`, or `NO_OWNER`. */
  owner(index: number): ClientId {
    return this.#owners[index] ?? NO_OWNER;
  }

  /** Opens an account that is not there yet; the texts are plain and within their limits. */
  open(
    customerId: number,
    owner: ClientId,
    account: Uint8Array,
    name: Uint8Array,
    address: Uint8Array,
    balance: bigint,
  ): void {
    assert(this.#count < ACCOUNTS_MAX, "the number of accounts is bounded");
    assert(customerId > this.lastCustomerId, "customer ids ascend");
    const profile = encodeProfile(customerId, owner, account, name, address);
    this.#reserve(profile.length);
    const index = this.#index.add(account, 0, account.length);
    const start = this.#profileEnds[index] ?? 0;
    this.#profiles.set(profile, start);
    this.#profileEnds[index + 1] = start + profile.length;
    this.#balances[index] = balance;
    this.#owners[index] = owner;
    this.#customerIds[index] = customerId;
    this.#count = index + 1;
  }

  /** Balances of the accounts [`first`, `end`), as a view that later operations write to. */
  balances(first: number, end: number): BigInt64Array {
    return this.#balances.subarray(first, end);
  }

  /** Profiles of the accounts [`first`, `end`) one after another, as a view. */
  profiles(first: number, end: number): Uint8Array {
    return this.#profiles.subarray(this.#profileEnds[first], this.#profileEnds[end]);
  }

  /** Account `index` as the world sees it. */
  row(index: number): AccountRow {
    return rowAt(this.#profiles, this.#profileEnds[index] ?? 0, this.balance(index)).row;
  }

  /** A copy of the accounts [`first`, `end`). */
  packRange(first: number, end: number): PackedAccounts {
    return {
      balances: this.balances(first, end).slice(),
      profiles: this.profiles(first, end).slice(),
    };
  }

  /** A copy of the balances of the accounts `indices`, in that order. */
  packBalances(indices: Uint32Array): PackedBalances {
    const customerIds = new Uint32Array(indices.length);
    const balances = new BigInt64Array(indices.length);
    const from32 = this.#halves;
    const to32 = new Int32Array(balances.buffer);
    for (let place = 0; place < indices.length; place += 1) {
      const index = indices[place] ?? 0;
      customerIds[place] = this.#customerIds[index] ?? 0;
      to32[2 * place] = from32[2 * index] ?? 0;
      to32[2 * place + 1] = from32[2 * index + 1] ?? 0;
    }
    return { customerIds, balances };
  }

  #reserve(profileBytes: number): void {
    const bytesNeeded = (this.#profileEnds[this.#count] ?? 0) + profileBytes;
    if (bytesNeeded > this.#profiles.length) {
      const profiles = new Uint8Array(Math.min(2 * bytesNeeded, PROFILES_BYTES_MAX));
      profiles.set(this.#profiles);
      this.#profiles = profiles;
    }
    if (this.#count < this.#balances.length) return;
    const capacity = 2 * this.#balances.length;
    const balances = new BigInt64Array(capacity);
    const owners = new Int32Array(capacity);
    const customerIds = new Uint32Array(capacity);
    const profileEnds = new Uint32Array(capacity + 1);
    balances.set(this.#balances);
    owners.set(this.#owners);
    customerIds.set(this.#customerIds);
    profileEnds.set(this.#profileEnds);
    this.#balances = balances;
    this.#halves = new Int32Array(balances.buffer);
    this.#owners = owners;
    this.#customerIds = customerIds;
    this.#profileEnds = profileEnds;
  }
}
