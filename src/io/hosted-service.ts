import type { Service } from "../core/base/service.js";
import { EntryMachine } from "../core/entries/entry-machine.js";
import { EntryRowError } from "../core/entries/entry-row.js";
import { AccountRowError } from "../core/ledger/account-row.js";
import { Ledger } from "../core/ledger/ledger.js";
import { partChanges } from "../core/ledger/packed-accounts.js";
import type { StoredState, StoreGroup } from "./store.js";

/**
 * Pages of 128 accounts that one step hashes: 0.2 to 0.4 ms. A million accounts are 7,800 pages,
 * and after changes all over them their root at once would hold everybody up for 20 ms and more.
 */
const ACCOUNT_PAGES_PER_STEP = 64;

/** Pages of 8 entries likewise: 0.1 ms if they are small, and 5 if all are full. */
const ENTRY_PAGES_PER_STEP = 16;

/** What a service gives a store that has nothing of it. */
export type ServiceRows = Pick<StoreGroup, "accounts" | "entries">;

/** What a service gives a store that has what it was given before. */
type ServiceChanges = ServiceRows & Pick<StoreGroup, "balances">;

/** A service with what its host and its database want of it, beside what the protocol does. */
export interface HostedService extends Service {
  /**
   * Does a part of what the next `root` has to: what takes less than a millisecond, unless entries
   * are large. Returns whether nothing is left to do.
   */
  rehashSome(): boolean;

  /** Does likewise a part of what the next `pinRoot` has to. */
  rehashSomePinned(): boolean;

  /**
   * Reads a whole state in step by step, a millisecond or less each, and changes nothing: returns
   * what then replaces the present state, pins included.
   * @throws InvariantError as `restore` does.
   */
  readIn(pages: readonly Uint8Array[]): Generator<void, () => void>;

  /**
   * Replaces the whole state, pins included, by what a store keeps; false, and nothing changes, if
   * that can't be a state: somebody else wrote there.
   */
  loadState(state: StoredState): boolean;

  /**
   * All rows: what a store needs to hold the present state. Copied piece by piece: nothing may be
   * executed before all are.
   */
  allRows(): Generator<void, ServiceRows>;

  /**
   * The rows that changed since the last call, or since the whole state was replaced, each once and
   * ascending, copied likewise.
   */
  takeChanges(): Generator<void, ServiceChanges>;
}

/** The bank. */
export class HostedLedger extends Ledger implements HostedService {
  rehashSome(): boolean {
    return this.rehash(ACCOUNT_PAGES_PER_STEP);
  }

  rehashSomePinned(): boolean {
    return this.rehashPin(ACCOUNT_PAGES_PER_STEP);
  }

  loadState({ accounts, entries = [] }: StoredState): boolean {
    if (entries.length > 0) return false;
    return isLoaded(AccountRowError, () => {
      this.load(accounts);
    });
  }

  *allRows(): Generator<void, ServiceRows> {
    return { accounts: yield* collected(this.packedAccounts()) };
  }

  *takeChanges(): Generator<void, ServiceChanges> {
    return partChanges(yield* collected(this.takeChangedAccounts()));
  }
}

/** A service of one's own. */
export class HostedEntries extends EntryMachine implements HostedService {
  rehashSome(): boolean {
    return this.rehash(ENTRY_PAGES_PER_STEP);
  }

  rehashSomePinned(): boolean {
    return this.rehashPin(ENTRY_PAGES_PER_STEP);
  }

  loadState({ accounts, entries = [] }: StoredState): boolean {
    if (accounts.length > 0) return false;
    return isLoaded(EntryRowError, () => {
      this.load(entries);
    });
  }

  *allRows(): Generator<void, ServiceRows> {
    return { accounts: [], entries: (yield* collected(this.rows())).flat() };
  }

  *takeChanges(): Generator<void, ServiceChanges> {
    const entries = (yield* collected(this.takeChangedRows())).flat();
    return { accounts: [], balances: [], entries };
  }
}

/** All of `pieces`; stops after each. */
function* collected<T>(pieces: Iterable<T>): Generator<void, T[]> {
  const all: T[] = [];
  for (const piece of pieces) {
    all.push(piece);
    yield;
  }
  return all;
}

/** Loads; false when that ends in a `fault`. */
function isLoaded(fault: typeof AccountRowError | typeof EntryRowError, load: () => void): boolean {
  try {
    load();
    return true;
  } catch (error) {
    if (error instanceof fault) return false;
    throw error;
  }
}
