import { assert } from "../core/base/assert.js";
import type { Seq } from "../core/base/ids.js";
import { type PackedBalances, unpackAccounts } from "../core/ledger/packed-accounts.js";
import { assertGroupFollows } from "./store.js";
import type {
  AccountRow,
  EntryRow,
  NewState,
  SessionName,
  SessionRow,
  Store,
  StoredState,
  StoreGroup,
} from "./store.js";

/**
 * A store that forgets everything with its process, for benchmarks and tests: it shows what the
 * rest costs when the database costs nothing.
 */
export class MemoryStore implements Store {
  readonly name = "memory";
  #seq: Seq | null = null;
  #serviceRoot: Uint8Array = new Uint8Array(0);
  readonly #accounts = new Map<number, AccountRow>();
  readonly #entries = new Map<number, EntryRow>();
  readonly #sessions = new Map<string, SessionRow>();
  readonly #evictedThrough = new Map<number, SessionName>();

  open(): Promise<StoredState | null> {
    if (this.#seq === null) return Promise.resolve(null);
    const byCustomer = (left: AccountRow, right: AccountRow): number =>
      left.customerId - right.customerId;
    const entries = [...this.#entries.values()].sort((left, right) => left.slot - right.slot);
    return Promise.resolve({
      seq: this.#seq,
      serviceRoot: this.#serviceRoot,
      accounts: [...this.#accounts.values()].sort(byCustomer),
      ...(entries.length === 0 ? {} : { entries }),
      sessions: [...this.#sessions.values()].sort(bySession),
      evictedThrough: [...this.#evictedThrough.values()].sort(bySession),
    });
  }

  commit(group: StoreGroup): Promise<void> {
    if (this.#seq !== null && group.seq <= this.#seq) return Promise.resolve();
    assertGroupFollows(this.#seq, group);
    changeBalances(this.#accounts, group.balances);
    this.#put({ ...group, accounts: group.accounts.flatMap(unpackAccounts) });
    for (const name of group.sessionsEvicted) this.#sessions.delete(keyOf(name));
    return Promise.resolve();
  }

  replace(state: NewState): Promise<void> {
    this.#accounts.clear();
    this.#entries.clear();
    this.#sessions.clear();
    this.#evictedThrough.clear();
    this.#put({ ...state, accounts: state.accounts.flatMap(unpackAccounts) });
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #put(rows: StoredState): void {
    this.#seq = rows.seq;
    this.#serviceRoot = rows.serviceRoot;
    for (const row of rows.accounts) this.#accounts.set(row.customerId, row);
    for (const row of rows.entries ?? []) this.#entries.set(row.slot, row);
    for (const row of rows.sessions) this.#sessions.set(keyOf(row), row);
    for (const name of rows.evictedThrough) this.#evictedThrough.set(name.client, name);
  }
}

/** Changes balances of accounts that are in `accounts`, by customer id. */
function changeBalances(
  accounts: Map<number, AccountRow>,
  pieces: readonly PackedBalances[],
): void {
  for (const { customerIds, balances } of pieces) {
    for (const [place, balance] of balances.entries()) {
      const row = accounts.get(customerIds[place] ?? 0);
      assert(row !== undefined, "what changed was opened before");
      accounts.set(row.customerId, { ...row, balance });
    }
  }
}

function keyOf(name: SessionName): string {
  return `${name.client}/${name.session}`;
}

function bySession(left: SessionName, right: SessionName): number {
  return left.client - right.client || left.session - right.session;
}
