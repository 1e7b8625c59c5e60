import { assert } from "../core/base/assert.js";
import type { Digest } from "../core/base/hasher.js";
import type { Seq } from "../core/base/ids.js";
import type { Ledger } from "../core/ledger/ledger.js";
import type { ClientTable } from "../core/pbft/client-table.js";
import type { BlockRow, Store, StoredState, StoreGroup } from "./store.js";

/** Whom a store runner works for. */
interface StoreRunnerOptions {
  readonly store: Store;
  readonly ledger: Ledger;
  readonly clients: ClientTable;
  /** The store holds everything up to `seq` durably. */
  readonly onStored: (seq: Seq) => void;
  /** The store failed; nothing more will be stored. */
  readonly onFatal: (error: unknown) => void;
}

/**
 * Brings the database forward behind the protocol: while one transaction is under way, executed
 * batches gather, and the next transaction takes them all. So its size follows the load, and what
 * it costs is shared by everything that waited (BK3).
 */
export class StoreRunner {
  readonly #options: StoreRunnerOptions;
  #blocks: BlockRow[] = [];
  #storedSeq: Seq;
  #work: Promise<void> | null = null;
  #failed = false;

  /** @param storedSeq the last batch that the store holds. */
  constructor(options: StoreRunnerOptions, storedSeq: Seq) {
    this.#options = options;
    this.#storedSeq = storedSeq;
  }

  /** The last batch that the store holds. */
  get storedSeq(): Seq {
    return this.#storedSeq;
  }

  /**
   * Notes that a batch was executed. The state is read when the transaction begins, which is after
   * the present turn: by then the client table holds the batch's replies too.
   */
  executed(block: BlockRow): void {
    this.#blocks.push(block);
    this.#work ??= this.#run();
  }

  /**
   * Replaces everything in the store; resolves once that is durable. To be called in the turn in
   * which the ledger took that state: what waits is part of it, and can't be told apart any more.
   */
  async replace(state: StoredState): Promise<void> {
    this.#blocks = [];
    await this.#work;
    if (this.#failed) return;
    try {
      await this.#options.store.replace(state);
      this.#storedSeq = state.seq;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Stores what was executed, then closes the store. */
  async close(): Promise<void> {
    await this.#work;
    await this.#options.store.close();
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    while (this.#blocks.length > 0 && !this.#failed) {
      const group = this.#takeGroup();
      try {
        await this.#options.store.commit(group);
        this.#storedSeq = group.seq;
        this.#options.onStored(group.seq);
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#work = null;
  }

  #takeGroup(): StoreGroup {
    const { ledger, clients } = this.#options;
    const blocks = this.#blocks;
    this.#blocks = [];
    const seq = blocks.at(-1)?.seq;
    assert(seq !== undefined, "a group has a batch");
    const { sessions, evicted, evictedThrough } = clients.takeChanges();
    const serviceRoot: Digest = ledger.root();
    const accounts = ledger.takeChangedAccounts();
    return {
      seq,
      serviceRoot,
      blocks,
      accounts,
      sessions,
      sessionsEvicted: evicted,
      evictedThrough,
    };
  }

  #fail(error: unknown): void {
    this.#failed = true;
    this.#options.onFatal(error);
  }
}
