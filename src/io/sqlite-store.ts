import { once } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { assert } from "../core/base/assert.js";
import type { Durability } from "./config-schema.js";
import type { NewRows, SqliteAnswer, SqliteRequest, SqliteWorkerSetup } from "./sqlite-worker.js";
import {
  type NewState,
  type Store,
  type StoredState,
  StoreError,
  type StoreGroup,
} from "./store.js";

/** Where and how safely. */
interface SqliteStoreOptions {
  /** The database file; its directory must exist. */
  readonly path: string;
  /** `fsync` by default. */
  readonly durability?: Durability;
}

/** Entries that are handed to the thread in one turn. */
const ENTRIES_PER_PIECE = 1_024;

/** What goes to the thread ahead of what is asked with it. */
type Rows = Required<Pick<StoreGroup, "accounts" | "balances" | "entries">>;

interface Pending {
  readonly resolve: (state: StoredState | null) => void;
  readonly reject: (error: Error) => void;
}

/** The store that needs no server: one SQLite file, used by a thread of its own. */
export class SqliteStore implements Store {
  readonly name = "sqlite";
  readonly #setup: SqliteWorkerSetup;
  #worker: Worker | null = null;
  /** Requests under way, oldest first: the thread answers in order. */
  readonly #pending: Pending[] = [];
  /** Why nothing more can be asked. */
  #failure: Error | null = null;
  #closed: Promise<void> | null = null;
  /** Resolves once the rows of what is under way are with the thread. */
  #handedOver: Promise<void> = Promise.resolve();

  constructor(options: SqliteStoreOptions) {
    this.#setup = { path: options.path, durability: options.durability ?? "fsync" };
  }

  async open(): Promise<StoredState | null> {
    assert(this.#worker === null, "a store is opened once");
    const worker = new Worker(new URL("./sqlite-worker.js", import.meta.url), {
      workerData: this.#setup,
    });
    worker.on("message", (answer: SqliteAnswer) => {
      this.#settle(answer);
    });
    worker.on("error", (error) => {
      this.#fail(error);
    });
    worker.on("exit", () => {
      this.#fail(new StoreError(`The thread of the database ${this.#setup.path} has ended.`));
    });
    this.#worker = worker;
    try {
      return await this.#ask({ kind: "open" });
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async commit({ accounts, balances, entries = [], ...group }: StoreGroup): Promise<void> {
    this.#handedOver = this.#sendRows({ accounts, balances, entries });
    await this.#handedOver;
    await this.#ask({ kind: "commit", group });
  }

  async replace({ accounts, entries = [], ...state }: NewState): Promise<void> {
    this.#handedOver = this.#sendRows({ accounts, balances: [], entries });
    await this.#handedOver;
    await this.#ask({ kind: "replace", state });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    // What is under way is asked for first: it waits for the same.
    await this.#handedOver;
    if (this.#worker === null || this.#failure !== null) return;
    await Promise.all([once(this.#worker, "exit"), this.#ask({ kind: "close" })]);
  }

  /** Hands rows over before what is asked with them: a piece a turn, and few at once. */
  async #sendRows(all: Rows): Promise<void> {
    let isFirst = true;
    for (const rows of rowPieces(all)) {
      if (!isFirst) await nextTurn();
      isFirst = false;
      this.#worker?.postMessage(rows);
    }
  }

  #ask(request: SqliteRequest): Promise<StoredState | null> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      assert(this.#worker !== null, "the store is opened first");
      this.#pending.push({ resolve, reject });
      this.#worker.postMessage(request);
    });
  }

  #settle(answer: SqliteAnswer): void {
    const pending = this.#pending.shift();
    assert(pending !== undefined, "every answer has its request");
    if (answer.kind === "done") pending.resolve(answer.state);
    else pending.reject(new StoreError(answer.message, { patienceMs: answer.patienceMs }));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const pending of this.#pending.splice(0)) pending.reject(error);
  }
}

function* rowPieces({ accounts, balances, entries }: Rows): Generator<NewRows> {
  for (const piece of accounts) yield { kind: "rows", accounts: piece };
  for (const piece of balances) yield { kind: "rows", balances: piece };
  for (let first = 0; first < entries.length; first += ENTRIES_PER_PIECE) {
    yield { kind: "rows", entries: entries.slice(first, first + ENTRIES_PER_PIECE) };
  }
}
