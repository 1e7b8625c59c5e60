import type { ClientId } from "../base/ids.js";

/** Who asks for an operation; a signature or a MAC proved it. */
export interface Caller {
  /** Its index in the genesis. */
  readonly client: ClientId;
  /** Its name there. */
  readonly name: string;
}

/** The replicated state as an operation sees it: its own changes included. */
export interface EntryReader {
  /** The value of `key`, a copy; null if there is none. */
  get(key: string): Uint8Array | null;
  /** Whether there is a value of `key`. */
  has(key: string): boolean;
  /** How many entries there are. */
  readonly count: number;
  /** Every key, in an order that means nothing, but is the same at every replica. */
  keys(): Iterable<string>;
}

/** The same for an operation that may change it. */
export interface EntryWriter extends EntryReader {
  /**
   * Makes `value`, of which a copy is kept, the value of `key`.
   * @throws RangeError when the key is not 1 to 255 bytes of UTF-8 without control characters, or
   * the value has more than 8,192 bytes: the operation then fails, unless it catches that.
   */
  set(key: string, value: Uint8Array): void;
  /** Removes `key`; whether it was there. */
  delete(key: string): boolean;
}

/**
 * A service of one's own, to be replicated in place of the ledger: what its operations do to a
 * state of entries. The engine orders the operations, keeps, hashes, checkpoints, transfers and
 * stores the entries, and answers the clients.
 *
 * Everything must be deterministic and synchronous, or correct replicas disagree: no clock, no
 * randomness, no I/O, no state but the entries, no locale, no order of anything that may differ
 * between machines, no recursion so deep that a stack might overflow (BK5). An operation changes
 * all it means to or nothing: if it throws, what it changed is undone, and its client is told that
 * it failed (BK1). It must throw on all replicas or on none; refusals of its own are better
 * returned as results.
 */
export interface EntryService {
  /** What the genesis calls it: 1 to 32 lower-case letters, digits and hyphens. */
  readonly name: string;
  /** Most entries that there may be, 1 and up; 1,000,000 if left out. Alike on every replica. */
  readonly entriesMax?: number;
  /**
   * Executes one operation, at its place in the order that all replicas agreed on (EX1).
   * @returns its result, up to 60,000 bytes.
   */
  execute(state: EntryWriter, operation: Uint8Array, caller: Caller): Uint8Array;
  /**
   * Answers one operation that changes nothing: from committed state (RO1, RO2), or at its place in
   * the order, if no quorum answered alike in time.
   */
  query(state: EntryReader, operation: Uint8Array, caller: Caller): Uint8Array;
}
