import { once } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { assert } from "../core/base/assert.js";
import type { Durability } from "./config-schema.js";
import type {
  RowsOfState,
  SqliteAnswer,
  SqliteRequest,
  SqliteWorkerSetup,
} from "./sqlite-worker.js";
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

  async commit(group: StoreGroup): Promise<void> {
    await this.#ask({ kind: "commit", group });
  }

  async replace({ accounts, entries = [], ...state }: NewState): Promise<void> {
    for (const piece of accounts) await this.#send({ accounts: [piece], entries: [] });
    for (let first = 0; first < entries.length; first += ENTRIES_PER_PIECE) {
      const piece = entries.slice(first, first + ENTRIES_PER_PIECE);
      await this.#send({ accounts: [], entries: piece });
    }
    await this.#ask({ kind: "replace", state });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#worker === null || this.#failure !== null) return;
    await Promise.all([once(this.#worker, "exit"), this.#ask({ kind: "close" })]);
  }

  /** Hands a part of a state over, one a turn. */
  async #send(rows: Omit<RowsOfState, "kind">): Promise<void> {
    this.#worker?.postMessage({ kind: "rows", ...rows } satisfies RowsOfState);
    await nextTurn();
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
