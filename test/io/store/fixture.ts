import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { INDEX_KEY_BYTES } from "../../../src/core/ledger/byte-index.js";
import type { PackedAccounts, PackedBalances } from "../../../src/core/ledger/packed-accounts.js";
import { accountsFromRows } from "../../../src/core/ledger/rebuild.js";
import type {
  AccountRow,
  EntryRow,
  NewState,
  SessionRow,
  StoredState,
  StoreGroup,
} from "../../../src/io/store.js";

/** A folder of its own that goes away with the test. */
export function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "pbft-ledger-store-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** 32 bytes that tell `value` apart. */
export function digestOf(value: number): Uint8Array {
  return new Uint8Array(32).fill(value & 0xff);
}

/** An account of the bank. */
export function rowOf(customerId: number, account: string, balance: bigint): AccountRow {
  const name = `Customer ${customerId}`;
  return { customerId, account, name, address: "1 Main St", balance, owner: null };
}

/** An entry of a service that is not the ledger. */
export function entryOf(slot: number, key: string, ...value: readonly number[]): EntryRow {
  return { slot, key, value: Uint8Array.from(value) };
}

/** The last request of a session. */
export function sessionOf(client: number, session: number, timestamp: number): SessionRow {
  const results = Uint8Array.of(timestamp & 0xff, 1, 2);
  return { client, session, timestamp, seq: timestamp, code: 0, results };
}

/** A state after batch 0, the genesis. */
export function genesisOf(accounts: readonly AccountRow[]): NewState {
  return newStateOf(stateOf(0, { accounts }));
}

/** The state after batch `seq` that holds nothing but what `content` says. */
export function stateOf(seq: number, content: Partial<StoredState>): StoredState {
  const empty = { accounts: [], sessions: [], evictedThrough: [] };
  return { seq, serviceRoot: digestOf(seq), ...empty, ...content };
}

/** `state` as it is handed to a store, in two pieces. */
export function newStateOf(state: StoredState): NewState {
  const half = Math.ceil(state.accounts.length / 2);
  const pieces = [state.accounts.slice(0, half), state.accounts.slice(half)];
  return { ...state, accounts: pieces.map(packed) };
}

/** What a group changes, its accounts as rows: those that it opens, and those that were there. */
type Changes = Partial<Omit<StoreGroup, "accounts" | "balances">> & {
  readonly opened?: readonly AccountRow[];
  readonly changed?: readonly AccountRow[];
};

function packed(rows: readonly AccountRow[]): PackedAccounts {
  return accountsFromRows(rows, new Uint8Array(INDEX_KEY_BYTES)).packRange(0, rows.length);
}

function packedBalances(rows: readonly AccountRow[]): PackedBalances {
  return {
    customerIds: Uint32Array.from(rows, ({ customerId }) => customerId),
    balances: BigInt64Array.from(rows, ({ balance }) => balance),
  };
}

/** A group of the batches [`first`, `seq`] that changes nothing but what `changes` says. */
export function groupOf(first: number, seq: number, changes: Changes = {}): StoreGroup {
  const { opened = [], changed = [], ...others } = changes;
  const blocks = Array.from({ length: seq - first + 1 }, (_, index) => {
    return { seq: first + index, view: 3, digest: digestOf(first + index), requestCount: index };
  });
  return {
    seq,
    serviceRoot: digestOf(seq),
    blocks,
    sessions: [],
    sessionsEvicted: [],
    evictedThrough: [],
    ...others,
    accounts: [packed(opened)],
    balances: [packedBalances(changed)],
  };
}
