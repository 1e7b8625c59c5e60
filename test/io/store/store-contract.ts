import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { AccountRow, NewState, Store, StoredState } from "../../../src/io/store.js";
import { entryContract } from "./entry-contract.js";
import { digestOf, genesisOf, groupOf, newStateOf, rowOf, sessionOf } from "./fixture.js";

/** A kind of store, as the contract's tests need it. */
interface StoreKind {
  readonly name: string;
  /** Why it can't be tested here. */
  readonly skip?: string | false;
  /** A new store, not yet opened. */
  make(context: TestContext): Store;
  /** The state that a restart finds, after closing `store`. */
  reopen(context: TestContext, store: Store): Promise<StoredState | null>;
}

const MAX = 2n ** 63n - 1n;

const GENESIS = [rowOf(3, "A", 100n), { ...rowOf(4, "B", 0n), owner: 2 }, rowOf(5, "C", MAX)];

/** Names that mean something to a database, a terminal or a careless programmer. */
const NASTY = ["Robert'); DROP TABLE CUSTOMER;--", '"', "''", "%_\\", "007", "1e3", "NULL", "é😀 "];

/** A store that is under test, and the ways to it. */
interface Subject {
  /** Opens a new store that holds `accounts` after batch 0. */
  open(accounts: readonly AccountRow[]): Promise<Store>;
  /** Opens a new store that holds `state`. */
  openWith(state: NewState): Promise<Store>;
  reopen(store: Store): Promise<StoredState | null>;
}

/** One thing that every store does, and how to see it. */
export type Clause = readonly [sentence: string, check: (subject: Subject) => Promise<void>];

const CONTRACT: readonly Clause[] = [
  [
    "a new store holds no state; then it holds what it was given",
    async (subject) => {
      const store = await subject.open(GENESIS);
      assert.deepEqual(await subject.reopen(store), { ...genesisOf(GENESIS), accounts: GENESIS });
    },
  ],
  [
    "a group changes rows, adds rows, and forgets sessions",
    async (subject) => {
      const store = await subject.open(GENESIS);
      const [old, kept] = [sessionOf(1, 10, 1), sessionOf(1, 11, 1)];
      await store.commit(groupOf(1, 1, { sessions: [old, kept, sessionOf(0, 9, 1)] }));
      const [changed, opened] = [rowOf(3, "A", MAX), rowOf(6, "D", 7n)];
      const latest = sessionOf(1, 11, 2);
      const forgotten = { client: 1, session: 10 };
      await store.commit(
        groupOf(2, 4, {
          changed: [changed],
          opened: [opened],
          sessions: [latest],
          sessionsEvicted: [forgotten],
          evictedThrough: [forgotten],
        }),
      );
      assert.deepEqual(await subject.reopen(store), {
        seq: 4,
        serviceRoot: digestOf(4),
        accounts: [changed, GENESIS[1], GENESIS[2], opened],
        sessions: [sessionOf(0, 9, 1), latest],
        evictedThrough: [forgotten],
      });
    },
  ],
  [
    "BK3: a group that comes again is applied once",
    async (subject) => {
      const store = await subject.open(GENESIS);
      const first = groupOf(1, 2, { changed: [rowOf(3, "A", 1n)] });
      await store.commit(first);
      await store.commit(groupOf(3, 3, { changed: [rowOf(3, "A", 2n)] }));
      await store.commit(first);
      const state = await subject.reopen(store);
      assert.equal(state?.seq, 3);
      assert.equal(state.accounts[0]?.balance, 2n);
    },
  ],
  [
    "replacing leaves nothing of what was there",
    async (subject) => {
      const store = await subject.open(GENESIS);
      const evictedThrough = [{ client: 7, session: 70 }];
      await store.commit(groupOf(1, 1, { sessions: [sessionOf(1, 10, 1)], evictedThrough }));
      const state: StoredState = {
        seq: 50,
        serviceRoot: digestOf(50),
        accounts: [rowOf(4, "A", 5n)],
        sessions: [sessionOf(2, 20, 50)],
        evictedThrough: [{ client: 2, session: 19 }],
      };
      await store.replace(newStateOf(state));
      await store.commit(groupOf(51, 51));
      const expected = { ...state, seq: 51, serviceRoot: digestOf(51) };
      assert.deepEqual(await subject.reopen(store), expected);
    },
  ],
  [
    "names that look like SQL are names",
    async (subject) => {
      const accounts = NASTY.map((text, index) => {
        return { ...rowOf(index + 1, text, 1n), name: text, address: text };
      });
      const store = await subject.open(accounts);
      await store.commit(groupOf(1, 1, { opened: [{ ...rowOf(99, "';", 1n), name: "x';--" }] }));
      const state = await subject.reopen(store);
      assert.deepEqual(state?.accounts.slice(0, -1), accounts);
      assert.equal(state.accounts.at(-1)?.name, "x';--");
    },
  ],
  [
    "integers are exact up to 2^63 - 1, counters up to 2^53 - 1",
    async (subject) => {
      const { MAX_SAFE_INTEGER } = Number;
      const accounts = [2n ** 53n + 1n, MAX - 1n, MAX].map((balance, index) =>
        rowOf(index + 1, String(balance), balance),
      );
      const store = await subject.open(accounts);
      const session = { ...sessionOf(3, MAX_SAFE_INTEGER, 1), timestamp: MAX_SAFE_INTEGER };
      const changed = accounts.map((row) => ({ ...row, balance: row.balance - 1n }));
      await store.commit(groupOf(1, 1, { changed, sessions: [session] }));
      await store.commit(groupOf(2, 2, { changed: accounts }));
      const state = await subject.reopen(store);
      assert.deepEqual(state?.accounts, accounts);
      assert.deepEqual(state.sessions, [session]);
    },
  ],
  [
    "a thousand rows of one group arrive, whatever the number",
    async (subject) => {
      const accounts = Array.from({ length: 1_237 }, (_, id) =>
        rowOf(id + 1, `a${id}`, BigInt(id)),
      );
      const store = await subject.open(accounts);
      const changed = accounts.map((row) => ({ ...row, balance: row.balance + 1n }));
      await store.commit(groupOf(1, 1, { changed }));
      assert.deepEqual((await subject.reopen(store))?.accounts, changed);
    },
  ],
  [
    "closing waits for the commit under way, and twice is once",
    async (subject) => {
      const store = await subject.open(GENESIS);
      const opened = [101, 102, 103].map((id) => rowOf(id, `new ${id}`, 1n));
      const accounts = opened.flatMap((row) => groupOf(1, 1, { opened: [row] }).accounts);
      const commit = store.commit({ ...groupOf(1, 1), accounts });
      await Promise.all([commit, store.close(), store.close()]);
      const state = await subject.reopen(store);
      assert.equal(state?.seq, 1);
      assert.deepEqual(state.accounts.slice(GENESIS.length), opened);
    },
  ],
];

/** Tests everything that every kind of store must do. */
export function testStoreContract(kind: StoreKind): void {
  for (const [sentence, check] of [...CONTRACT, ...entryContract()]) {
    test(`${kind.name}: ${sentence}`, { skip: kind.skip ?? false }, async (context) => {
      const openWith = async (state: NewState): Promise<Store> => {
        const store = kind.make(context);
        context.after(() => store.close());
        assert.equal(await store.open(), null);
        await store.replace(state);
        return store;
      };
      await check({
        open: (accounts) => openWith(genesisOf(accounts)),
        openWith,
        reopen: (store) => kind.reopen(context, store),
      });
    });
  }
}
