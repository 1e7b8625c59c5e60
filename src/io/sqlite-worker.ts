import { parentPort, workerData } from "node:worker_threads";
import { assert, unreachable } from "../core/base/assert.js";
import { collectGarbage } from "./garbage.js";
import type { Durability } from "./config-schema.js";
import { SqliteDatabase } from "./sqlite-database.js";
import type { PackedAccounts, PackedBalances } from "../core/ledger/packed-accounts.js";
import {
  type EntryRow,
  type NewState,
  StoreError,
  type StoredState,
  type StoreGroup,
} from "./store.js";

/*
 * The thread that the database of one replica lives in: takes one request after another and answers
 * each, in order. Nothing here waits for anything but the disk.
 */

/** What the thread is started with. */
export interface SqliteWorkerSetup {
  readonly path: string;
  readonly durability: Durability;
}

/** What the main thread may ask. */
export type SqliteRequest =
  | { readonly kind: "open" }
  | { readonly kind: "commit"; readonly group: Omit<StoreGroup, keyof Rows> }
  | { readonly kind: "replace"; readonly state: Omit<NewState, keyof Rows> }
  | { readonly kind: "close" };

/**
 * A part of the rows of the next "commit" or "replace", which is not answered. To clone many at
 * once would hold the main thread up.
 */
export interface NewRows {
  readonly kind: "rows";
  readonly accounts?: PackedAccounts;
  readonly balances?: PackedBalances;
  readonly entries?: readonly EntryRow[];
}

/** All of them. */
interface Rows {
  readonly accounts: PackedAccounts[];
  readonly balances: PackedBalances[];
  readonly entries: EntryRow[];
}

/** The answer to one request. */
export type SqliteAnswer =
  | { readonly kind: "done"; readonly state: StoredState | null }
  /** The world's fault: the sentence of a `StoreError`. */
  | { readonly kind: "failed"; readonly message: string; readonly patienceMs: number };

const setup = workerData as SqliteWorkerSetup;
let database: SqliteDatabase | null = null;
/** What came of the rows of the next "commit" or "replace". */
let rows: Rows = { accounts: [], balances: [], entries: [] };

function takeRows(): Rows {
  const taken = rows;
  rows = { accounts: [], balances: [], entries: [] };
  return taken;
}

function addRows({ accounts, balances, entries = [] }: NewRows): void {
  if (accounts !== undefined) rows.accounts.push(accounts);
  if (balances !== undefined) rows.balances.push(balances);
  rows.entries.push(...entries);
}

function perform(request: SqliteRequest): StoredState | null {
  if (request.kind === "open") {
    database = new SqliteDatabase(setup.path, setup.durability);
    return database.read();
  }
  if (request.kind === "close") {
    database?.close();
    return null;
  }
  assert(database !== null, "the database is opened first");
  switch (request.kind) {
    case "commit":
      database.commit({ ...request.group, ...takeRows() });
      return null;
    case "replace":
      database.replace({ ...request.state, ...takeRows() });
      return null;
    default:
      return unreachable(request);
  }
}

function answer(request: SqliteRequest): SqliteAnswer {
  try {
    return { kind: "done", state: perform(request) };
  } catch (error) {
    // Our own bugs are not caught: the thread dies of them, and every promise with it.
    if (!(error instanceof StoreError)) throw error;
    return { kind: "failed", message: error.message, patienceMs: error.patienceMs };
  }
}

assert(parentPort !== null, "this file is the entry of a worker thread");
const port = parentPort;
port.on("message", (request: SqliteRequest | NewRows) => {
  if (request.kind === "rows") {
    addRows(request);
    return;
  }
  port.postMessage(answer(request));
  // The rows of a whole state, whether read or written, are garbage now, and hardly any follows.
  if (request.kind === "open" || request.kind === "replace") collectGarbage();
  // Only now: an answer given to a closed port is lost. The thread ends with its port.
  if (request.kind === "close") port.close();
});
