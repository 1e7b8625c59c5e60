import type { Digest } from "../core/base/hasher.js";
import type { AppendId, Seq } from "../core/base/ids.js";
import type { ClientTable } from "../core/pbft/client-table.js";
import type { HostedService, ServiceRows } from "./hosted-service.js";
import { hashing, type ServiceRest } from "./service-rest.js";
import type { BlockRow, NewState, Store, StoreGroup } from "./store.js";
import type { TurnBudget } from "./turn-budget.js";

/** Whom a store runner works for. */
interface StoreRunnerOptions {
  /** `hurry` ends its patience: the replica stops. */
  readonly store: Store & { hurry(): void };
  readonly service: HostedService;
  readonly rest: ServiceRest;
  readonly budget: TurnBudget;
  readonly clients: ClientTable;
  /** Least time between the starts of two transactions, in milliseconds, 0 and up. */
  readonly intervalMsMin: number;
  /** Most that a slow database may make of it. */
  readonly intervalMsMax: number;
  /** Time without a batch, in milliseconds, 0 and up, after which a transaction waits no longer. */
  readonly quietMs: number;
  /** Batches from one checkpoint to the next, 1 and up: a checkpoint does not wait for its time. */
  readonly checkpointIntervalSlots: number;
  /**
   * A transaction that ends with a checkpoint begins so many batches behind it where transactions
   * take long, 0 and up.
   */
  readonly lateSlots: number;
  /** The store holds everything up to `seq` durably. */
  readonly onStored: (seq: Seq) => void;
  /** The store failed; nothing more will be stored. */
  readonly onFatal: (error: unknown) => void;
}

/**
 * Rest between two transactions, in times of what the last one took. Accounts that change often are
 * written once for all their changes, so the longer it is the fewer rows are written: with 10,000
 * accounts and 50,000 changes a second a transaction every 20 ms took more processor time than all
 * the rest of a replica.
 */
const REST_RATIO = 16;

/** From which duration of the last transaction on the next one is likely to take long. */
const LONG_MS = 100;

/** Most that such a one waits for its turn, where batches come slowly. */
const TURN_WAIT_MS_MAX = 4_000;

/** What a transaction writes. */
interface Taken {
  readonly group: StoreGroup;
  /** What the journal must hold before it may be stored. */
  readonly after: AppendId;
}

/** The same with the root of the state that it leads to apart: null if that is a checkpoint's. */
interface TakenRows {
  readonly group: Omit<StoreGroup, "serviceRoot">;
  readonly serviceRoot: Digest | null;
  readonly after: AppendId;
}

/**
 * Brings the database forward behind the protocol: while one transaction is under way, executed
 * batches gather, and the next transaction takes them all. So its size follows the load, and what
 * it costs is shared by everything that waited (BK3). Where it can it ends with a checkpoint: the
 * log cannot go on for long before the database holds that, and that state is hashed anyway, while
 * others are executed.
 */
export class StoreRunner {
  readonly #options: StoreRunnerOptions;
  #blocks: BlockRow[] = [];
  /** What is to be stored next; null: nothing has been taken out of `#blocks` for that. */
  #taken: Promise<Taken | null> | null = null;
  /** What the journal must hold before any of `#blocks` may be stored, and what it holds. */
  #after: AppendId = 0;
  #durable: AppendId = 0;
  #onProgress: () => void = () => undefined;
  #storedSeq: Seq;
  #work: Promise<void> | null = null;
  /** Roots of checkpoints that are not stored. */
  readonly #roots = new Map<Seq, Digest>();
  #onRoot: () => void = () => undefined;
  /** Whether a group was taken that is not stored. */
  #isUnderWay = false;
  #failed = false;
  #isClosing = false;
  #isReplacing = false;
  #nextStartMs = 0;
  /** What the last transaction took. */
  #durationMs = 0;
  /** When a batch was executed last. */
  #executedMs = 0;
  /** Has whoever waits to begin a transaction see whether that is over. */
  #lookUp: () => void = () => undefined;

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
   * what runs now: by then the client table holds the batch's replies too. The transaction waits
   * until the journal holds append `after`: the database never knows more than the journal.
   */
  executed(block: BlockRow, after: AppendId): void {
    if (this.#failed) return;
    this.#blocks.push(block);
    this.#after = Math.max(this.#after, after);
    this.#executedMs = performance.now();
    // At once, before anything else is executed: what is stored ends with the checkpoint.
    if (!this.#isUnderWay && this.#isCheckpointWaiting()) this.#taken ??= this.#take();
    this.#lookUp();
    this.#work ??= this.#run();
  }

  /**
   * The state after `seq`, a checkpoint that was executed, has this root. To be called for each,
   * and before a whole state replaces it.
   */
  pinned(seq: Seq, serviceRoot: Digest): void {
    if (this.#failed || seq <= this.#storedSeq) return;
    this.#roots.set(seq, serviceRoot);
    const onRoot = this.#onRoot;
    this.#onRoot = () => undefined;
    onRoot();
  }

  /** The journal holds everything up to append `id`. */
  onDurable(id: AppendId): void {
    this.#durable = id;
    // Once: Node looks closely at a promise that is resolved again.
    const onProgress = this.#onProgress;
    this.#onProgress = () => undefined;
    onProgress();
  }

  /**
   * Replaces everything in the store by the service's present state, which nothing may change
   * before that is durable, when it resolves. To be called in the turn in which the service took
   * that state: what waits is part of it, and can't be told apart any more.
   */
  async replace(state: Omit<NewState, keyof ServiceRows>): Promise<void> {
    this.#blocks = [];
    this.#isReplacing = true;
    this.#lookUp();
    await this.#work;
    this.#isReplacing = false;
    this.#roots.clear();
    if (this.#failed) return;
    try {
      const rows = await this.#options.budget.complete(this.#options.service.allRows());
      await this.#options.store.replace({ ...state, ...rows });
      this.#storedSeq = state.seq;
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * Stores what was executed, if the database lets it, then closes the store. To be called once the
   * journal is closed: what that does not hold by then is not stored, and what is not stored is in
   * the journal.
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#options.store.hurry();
    this.#onProgress();
    this.#lookUp();
    await this.#work;
    await this.#options.store.close();
  }

  async #run(): Promise<void> {
    for (;;) {
      await this.#itsTime();
      if (this.#taken === null && this.#blocks.length === 0) break;
      this.#taken ??= this.#take();
      const taken = await this.#taken;
      this.#taken = null;
      // A whole state came meanwhile, which what waited is part of.
      if (taken === null) continue;
      const { after, group } = taken;
      this.#isUnderWay = true;
      await this.#itsTurn(group.seq);
      if (!(await this.#isJournaled(after))) break;
      // The rest follows from what the database took, not from what the journal let it wait.
      const startMs = performance.now();
      try {
        await this.#options.store.commit(group);
        this.#storedSeq = group.seq;
        for (const seq of this.#roots.keys()) if (seq <= group.seq) this.#roots.delete(seq);
        this.#durationMs = performance.now() - startMs;
        this.#nextStartMs = startMs + this.#intervalMs(this.#durationMs);
        this.#isUnderWay = false;
        this.#options.onStored(group.seq);
      } catch (error) {
        this.#fail(error);
        break;
      }
    }
    this.#work = null;
  }

  /** Resolves, at the earliest after the present turn, when the next transaction may begin. */
  async #itsTime(): Promise<void> {
    if (this.#blocks.length === 0) return;
    const isOver = () => this.#taken !== null || this.#isCheckpointWaiting();
    await this.#until(isOver, this.#nextStartMs);
  }

  /**
   * Resolves when a transaction that ends with batch `seq`, and has been taken, may begin: at once
   * unless it is likely to take long. Nor does one wait that the window may be waiting for.
   */
  async #itsTurn(seq: Seq): Promise<void> {
    const { checkpointIntervalSlots, lateSlots } = this.#options;
    const isBehind = seq - this.#storedSeq > checkpointIntervalSlots;
    if (this.#durationMs < LONG_MS || isBehind || seq % checkpointIntervalSlots !== 0) return;
    const isOver = () => (this.#blocks.at(-1)?.seq ?? seq) >= seq + lateSlots;
    await this.#until(isOver, performance.now() + TURN_WAIT_MS_MAX);
  }

  /**
   * Resolves once `isOver`, at the latest at `timeMs`, or when no batch comes any more. That takes
   * as long as the last transaction took, too: a load that pauses often is not slowed down by half.
   */
  async #until(isOver: () => boolean, timeMs: number): Promise<void> {
    const quietMs = Math.max(this.#options.quietMs, this.#durationMs);
    while (!this.#isClosing && !this.#isReplacing && !isOver()) {
      const waitMs = Math.min(timeMs, this.#executedMs + quietMs) - performance.now();
      if (waitMs <= 0) break;
      await new Promise<void>((resolve) => {
        const lookUp = (): void => {
          // Once, as above.
          this.#lookUp = () => undefined;
          clearTimeout(timer);
          resolve();
        };
        const timer = setTimeout(lookUp, waitMs);
        this.#lookUp = lookUp;
      });
    }
  }

  #isCheckpointWaiting(): boolean {
    const { checkpointIntervalSlots } = this.#options;
    const [first, last] = [this.#blocks.at(0)?.seq ?? 0, this.#blocks.at(-1)?.seq ?? 0];
    return last - (last % checkpointIntervalSlots) >= Math.max(first, 1);
  }

  /** How long after the start of a transaction that took `durationMs` the next one may start. */
  #intervalMs(durationMs: number): number {
    const { intervalMsMin, intervalMsMax } = this.#options;
    return Math.min(Math.max(REST_RATIO * durationMs, intervalMsMin), intervalMsMax);
  }

  async #isJournaled(append: AppendId): Promise<boolean> {
    while (append > this.#durable && !this.#isClosing) {
      await new Promise<void>((resolve) => {
        this.#onProgress = resolve;
      });
    }
    return append <= this.#durable;
  }

  /**
   * What waits; null if nothing does. From now on nothing is executed before it is taken, but what
   * has begun.
   */
  async #take(): Promise<Taken | null> {
    const rows = await this.#options.rest.resting(() => this.#takeRows());
    if (rows === null) return null;
    const { group, after } = rows;
    const serviceRoot = rows.serviceRoot ?? (await this.#rootAt(group.seq));
    return { group: { ...group, serviceRoot }, after };
  }

  /** The root of checkpoint `seq`, once it is told. */
  async #rootAt(seq: Seq): Promise<Digest> {
    for (;;) {
      const root = this.#roots.get(seq);
      if (root !== undefined) return root;
      await new Promise<void>((resolve) => {
        this.#onRoot = resolve;
      });
    }
  }

  /** Copies what changed, and hashes the state, unless that is pinned, for its root is told. */
  async #takeRows(): Promise<TakenRows | null> {
    const { service, clients, budget, checkpointIntervalSlots } = this.#options;
    const blocks = this.#blocks;
    const seq = blocks.at(-1)?.seq;
    if (seq === undefined) return null;
    const isCheckpoint = seq % checkpointIntervalSlots === 0;
    if (!isCheckpoint) await budget.complete(hashing(service));
    const serviceRoot = isCheckpoint ? null : service.root();
    const after = this.#after;
    this.#blocks = [];
    const { sessions, evicted, evictedThrough } = clients.takeChanges();
    const rows = await budget.complete(service.takeChanges());
    const sessionsEvicted = evicted;
    const group = { seq, blocks, ...rows, sessions, sessionsEvicted, evictedThrough };
    return { group, serviceRoot, after };
  }

  #fail(error: unknown): void {
    this.#failed = true;
    // What a database could not take at the end is in the journal.
    if (!this.#isClosing) this.#options.onFatal(error);
  }
}
