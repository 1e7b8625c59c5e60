import { assert } from "../core/base/assert.js";
import type { Digest } from "../core/base/hasher.js";
import type { ClientId, Seq, SessionId, Timestamp, View } from "../core/base/ids.js";
import type { EntryRow } from "../core/entries/entry-row.js";
import type { AccountRow } from "../core/ledger/account-row.js";
import type { PackedAccounts, PackedBalances } from "../core/ledger/packed-accounts.js";

export type { EntryRow } from "../core/entries/entry-row.js";
export type { AccountRow } from "../core/ledger/account-row.js";

/** One row of the block table: an executed batch. */
export interface BlockRow {
  readonly seq: Seq;
  readonly view: View;
  readonly digest: Digest;
  readonly requestCount: number;
}

/** One row of the client table: the last executed request of a session and its reply (EX2). */
export interface SessionRow {
  readonly client: ClientId;
  readonly session: SessionId;
  readonly timestamp: Timestamp;
  readonly seq: Seq;
  readonly code: number;
  readonly results: Uint8Array;
}

/** Which session. */
export interface SessionName {
  readonly client: ClientId;
  readonly session: SessionId;
}

/** What changed in one or more consecutive batches; written in one transaction (BK3). */
export interface StoreGroup {
  /** The last batch of the group: what "last applied" becomes. */
  readonly seq: Seq;
  /** Root of the service's state after `seq`. */
  readonly serviceRoot: Digest;
  /** Every batch after the last applied, up to `seq` (included), ascending, null batches too. */
  readonly blocks: readonly BlockRow[];
  /** Every account that was opened, as it is after `seq`, in pieces; ascending by customer id. */
  readonly accounts: readonly PackedAccounts[];
  /** The balance after `seq` of every other account that changed, likewise. */
  readonly balances: readonly PackedBalances[];
  /** Every slot that changed of a service that is not the ledger; ascending. */
  readonly entries?: readonly EntryRow[];
  /** Every session that changed, as it is after `seq`. */
  readonly sessions: readonly SessionRow[];
  /** Sessions forgotten since the last group. */
  readonly sessionsEvicted: readonly SessionName[];
  /** Per client, the newest start among its forgotten sessions; only those that changed. */
  readonly evictedThrough: readonly SessionName[];
}

/** What a store holds, read back at start. */
export interface StoredState {
  readonly seq: Seq;
  readonly serviceRoot: Digest;
  /** Ascending by customer id. */
  readonly accounts: readonly AccountRow[];
  /** All slots of a service that is not the ledger, ascending; left out if there is none. */
  readonly entries?: readonly EntryRow[];
  /** Ascending by client, then session. */
  readonly sessions: readonly SessionRow[];
  readonly evictedThrough: readonly SessionName[];
}

/** A whole state to be stored: its accounts in pieces, ascending by customer id. */
export interface NewState extends Omit<StoredState, "accounts"> {
  readonly accounts: readonly PackedAccounts[];
}

/** A customer table as another process may look at it. */
export interface CustomerTable {
  /** The last batch in it. */
  readonly seq: Seq;
  /** Ascending by customer id. */
  readonly accounts: readonly AccountRow[];
}

/** One row of the block table, as an audit reads it. */
export interface StoredBlock extends BlockRow {
  /** The hash of what came before it: see block-chain.ts. */
  readonly previousHash: Uint8Array;
}

/** Everything in one replica's database at one moment, for an audit. */
export interface DatabaseContent extends StoredState {
  /** The hash of the last block, or of the state that the chain starts from. */
  readonly chainHash: Uint8Array;
  /** Ascending by sequence number. */
  readonly blocks: readonly StoredBlock[];
}

/** A replica's own database. One transaction at a time; never blocks the caller's event loop. */
export interface Store {
  readonly name: string;

  /**
   * Opens (and creates or migrates) the database and reads its state; null when it is new.
   * @throws StoreError with a sentence for the operator.
   */
  open(): Promise<StoredState | null>;

  /**
   * Applies one group atomically; resolves once it is durable. Groups come one at a time, in order,
   * except that a group whose outcome was in doubt may be handed in again: it is then applied once.
   */
  commit(group: StoreGroup): Promise<void>;

  /** Replaces everything (genesis, or a state transfer) in one transaction. */
  replace(state: NewState): Promise<void>;

  /** Lets a commit under way finish if it does so soon, then closes. Idempotent. */
  close(): Promise<void>;
}

/**
 * Checks that `group` is what comes after the batch `lastApplied`.
 * @param lastApplied null when the store holds no state yet.
 * @throws InvariantError when it is not: only the caller can have left something out.
 */
export function assertGroupFollows(lastApplied: Seq | null, group: StoreGroup): void {
  assert(lastApplied !== null, "the first state is set by replace");
  let seq = lastApplied;
  for (const block of group.blocks) {
    seq += 1;
    assert(block.seq === seq, "the blocks of a group follow what is stored, without a gap");
  }
  assert(seq === group.seq, "a group ends with its last block");
}

/** What a `StoreError` may be told beside its sentence. */
interface StoreErrorOptions extends ErrorOptions {
  readonly patienceMs?: number;
}

/**
 * The world's fault: the database could not be used. The message says what to do. Whatever was
 * under way when it was thrown either took place as a whole or not at all.
 */
export class StoreError extends Error {
  override readonly name = "StoreError";
  /**
   * For how long it makes sense to try again, in milliseconds: 0 if it never does, infinity if the
   * trouble may pass at any time.
   */
  readonly patienceMs: number;

  constructor(message: string, options: StoreErrorOptions = {}) {
    super(message, options);
    this.patienceMs = options.patienceMs ?? 0;
  }
}

/**
 * What to say where an account that changed has no row.
 * @param place the database, as in "The database …".
 */
export function missingRowsError(place: string): StoreError {
  return new StoreError(
    `${place} lacks rows of its customer table: somebody else deleted them. ` +
      "`verify` names them; put them back, or let the replica rejoin.",
  );
}
