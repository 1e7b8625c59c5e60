/*
 * One replica's database and what drives it: what io/store-runner does, in virtual time. A
 * transaction is applied as a whole or not at all; one that was under way at a crash may be either.
 */
import { assert } from "../../src/core/base/assert.js";
import type { AppendId, Seq } from "../../src/core/base/ids.js";
import type { Ledger } from "../../src/core/ledger/ledger.js";
import { partChanges, unpackAccounts } from "../../src/core/ledger/packed-accounts.js";
import type { ClientTable } from "../../src/core/pbft/client-table.js";
import {
  type AccountRow,
  assertGroupFollows,
  type BlockRow,
  type SessionName,
  type SessionRow,
  type StoredState,
  type StoreGroup,
} from "../../src/io/store.js";
import type { Prng } from "./prng.js";

/** A transaction, applied once it is durable. */
type Transaction = () => void;

/** What outlives the process. */
export class StoreDisk {
  readonly #prng: Prng;
  readonly #lostShare: number;
  #seq: Seq | null = null;
  #serviceRoot: Uint8Array = new Uint8Array(0);
  readonly #accounts = new Map<number, AccountRow>();
  readonly #sessions = new Map<string, SessionRow>();
  readonly #evictedThrough = new Map<number, SessionName>();
  #underWay: Transaction | null = null;

  /** @param lostShare of the transactions under way at a crash that are not done for sure. */
  constructor(prng: Prng, lostShare: number) {
    this.#prng = prng;
    this.#lostShare = lostShare;
  }

  /** What a starting process reads; null when there is nothing yet. */
  read(): StoredState | null {
    if (this.#seq === null) return null;
    return {
      seq: this.#seq,
      serviceRoot: this.#serviceRoot,
      accounts: [...this.#accounts.values()].sort((a, b) => a.customerId - b.customerId),
      sessions: [...this.#sessions.values()].sort(bySession),
      evictedThrough: [...this.#evictedThrough.values()].sort(bySession),
    };
  }

  /** The last batch whose effects are durable; 0 for none. */
  get seq(): Seq {
    return this.#seq ?? 0;
  }

  /** A new disk: nothing is left. */
  wipe(): void {
    this.#underWay = null;
    this.#seq = null;
    this.#accounts.clear();
    this.#sessions.clear();
    this.#evictedThrough.clear();
  }

  begin(transaction: Transaction): void {
    assert(this.#underWay === null, "one transaction at a time");
    this.#underWay = transaction;
  }

  finish(): void {
    this.#underWay?.();
    this.#underWay = null;
  }

  /** The machine stops: what was under way is done or is not. */
  crash(): void {
    const isLost = this.#prng.chance(this.#lostShare) || !this.#prng.chance(0.5);
    if (!isLost) this.#underWay?.();
    this.#underWay = null;
  }

  commit(group: StoreGroup): void {
    assertGroupFollows(this.#seq, group);
    for (const { customerIds, balances } of group.balances) {
      for (const [place, balance] of balances.entries()) {
        const row = this.#accounts.get(customerIds[place] ?? 0);
        assert(row !== undefined, "what changed was opened before");
        this.#accounts.set(row.customerId, { ...row, balance });
      }
    }
    this.#put({ ...group, accounts: group.accounts.flatMap(unpackAccounts) });
    for (const name of group.sessionsEvicted) this.#sessions.delete(keyOf(name));
  }

  replace(state: StoredState): void {
    this.#accounts.clear();
    this.#sessions.clear();
    this.#evictedThrough.clear();
    this.#put(state);
  }

  #put(rows: StoredState): void {
    this.#seq = rows.seq;
    this.#serviceRoot = rows.serviceRoot;
    for (const row of rows.accounts) this.#accounts.set(row.customerId, row);
    for (const row of rows.sessions) this.#sessions.set(keyOf(row), row);
    for (const name of rows.evictedThrough) this.#evictedThrough.set(name.client, name);
  }
}

/** What a store runner works with. */
interface StoreSurroundings {
  readonly disk: StoreDisk;
  readonly ledger: Ledger;
  readonly clients: ClientTable;
  /** Runs something when one transaction is done, unless the process has ended by then. */
  readonly afterCommit: (run: () => void) => void;
  /** Whether the core knows the root of the last checkpoint: what comes after it needs that. */
  readonly isRootTold: () => boolean;
  /** The database holds everything up to `seq`. */
  readonly onStored: (seq: Seq) => void;
}

interface Replacement {
  readonly state: StoredState;
  readonly done: () => void;
}

/** Brings the database forward behind the protocol, one group of batches at a time. */
export class SimStoreRunner {
  readonly #with: StoreSurroundings;
  #blocks: BlockRow[] = [];
  #after: AppendId = 0;
  #durable: AppendId = 0;
  /** A group that waits for the journal. */
  #taken: { readonly group: StoreGroup; readonly after: AppendId } | null = null;
  #isBusy = false;
  #replacement: Replacement | null = null;

  constructor(surroundings: StoreSurroundings) {
    this.#with = surroundings;
  }

  /** Notes that a batch was executed; to be stored once the journal holds append `after`. */
  executed(block: BlockRow, after: AppendId): void {
    this.#blocks.push(block);
    this.#after = after;
  }

  /** The journal holds everything up to append `id`. */
  onDurable(id: AppendId): void {
    this.#durable = id;
  }

  /** Replaces everything once what is under way is done. */
  replace(state: StoredState, done: () => void): void {
    this.#blocks = [];
    this.#replacement = { state, done };
  }

  /** Begins the next transaction, if none is under way; called at the end of every turn. */
  flush(): void {
    if (this.#isBusy || !this.#with.isRootTold()) return;
    if (this.#taken === null && this.#blocks.length > 0) {
      this.#taken = { after: this.#after, group: this.#takeGroup() };
    }
    if (this.#taken !== null) {
      if (this.#taken.after <= this.#durable) this.#commit(this.#taken.group);
    } else if (this.#replacement !== null) this.#replace(this.#replacement);
  }

  #commit(group: StoreGroup): void {
    const { disk, onStored } = this.#with;
    this.#taken = null;
    this.#run(
      () => {
        disk.commit(group);
      },
      () => {
        onStored(group.seq);
      },
    );
  }

  #replace({ state, done }: Replacement): void {
    this.#replacement = null;
    const { disk } = this.#with;
    this.#run(() => {
      disk.replace(state);
    }, done);
  }

  #run(transaction: Transaction, then: () => void): void {
    const { disk, afterCommit } = this.#with;
    this.#isBusy = true;
    disk.begin(transaction);
    afterCommit(() => {
      disk.finish();
      this.#isBusy = false;
      then();
    });
  }

  #takeGroup(): StoreGroup {
    const { ledger, clients } = this.#with;
    const blocks = this.#blocks;
    this.#blocks = [];
    const seq = blocks.at(-1)?.seq;
    assert(seq !== undefined, "a group has a batch");
    const { sessions, evicted, evictedThrough } = clients.takeChanges();
    const serviceRoot = ledger.root();
    const rows = partChanges([...ledger.takeChangedAccounts()]);
    const sessionsEvicted = evicted;
    return { seq, serviceRoot, blocks, ...rows, sessions, sessionsEvicted, evictedThrough };
  }
}

function keyOf(name: SessionName): string {
  return `${name.client}/${name.session}`;
}

function bySession(left: SessionName, right: SessionName): number {
  return left.client - right.client || left.session - right.session;
}
