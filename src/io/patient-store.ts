import { StoreError } from "./store.js";
import type { Store, NewState, StoredState, StoreGroup } from "./store.js";

/** How a replica gets along with its database. */
export interface StoreHealth {
  /**
   * "ok"; "slow": what is under way takes long; "retrying": it fails, for a reason that may pass,
   * and is tried again.
   */
  readonly state: "ok" | "slow" | "retrying";
  /** Why it failed last; null unless it is tried again. */
  readonly problem: string | null;
}

/** What a patient store works with. */
interface PatientStoreOptions {
  /** A fresh store: one that could not be opened is of no further use. */
  readonly make: () => Store;
  /** Called when trouble begins, with the sentence, and when it is over, with null. */
  readonly onTrouble: (problem: string | null) => void;
  /** For how long a database may be out of reach when the replica starts, in milliseconds. */
  readonly openMsMax?: number;
}

/**
 * A database server may start after the replica, on the same machine or another one. Longer than
 * that, somebody should hear about it.
 */
const OPEN_MS_MAX = 30_000;

/** Pause before the first new attempt, which doubles with each, and the longest. */
const PAUSE_MS_MIN = 20;
const PAUSE_MS_MAX = 1_000;

/** What takes longer than this is slow. */
const SLOW_MS = 2_000;

/** How long work that is under way may take once the replica stops. */
const HURRY_MS_MAX = 1_000;

/**
 * Keeps trying where the trouble may pass: a server that restarts, a lost connection, a deadlock, a
 * full disk. What was handed in is neither lost nor applied twice: stores take a group whose
 * outcome was in doubt again. Meanwhile the replica executes until its window is full, and waits.
 */
export class PatientStore implements Store {
  readonly #options: PatientStoreOptions;
  #store: Store;
  #startedMs: number | null = null;
  #problem: string | null = null;
  #isHurried = false;
  /** Ends the pause before the next attempt. */
  #wake: () => void = () => undefined;
  #hurryTimer: NodeJS.Timeout | undefined;

  constructor(options: PatientStoreOptions) {
    this.#options = options;
    this.#store = options.make();
  }

  get name(): string {
    return this.#store.name;
  }

  /** How it goes now. */
  get health(): StoreHealth {
    if (this.#problem !== null) return { state: "retrying", problem: this.#problem };
    const startedMs = this.#startedMs ?? Number.POSITIVE_INFINITY;
    return { state: performance.now() - startedMs > SLOW_MS ? "slow" : "ok", problem: null };
  }

  /** @param signal ends the wait, but only that: later, a stop leaves the database its moment. */
  async open(signal?: AbortSignal): Promise<StoredState | null> {
    const patienceMsMax = this.#options.openMsMax ?? OPEN_MS_MAX;
    return this.#untilAbort(signal, () =>
      this.#persist(patienceMsMax, async (attempt) => {
        if (attempt > 0) {
          await this.#store.close();
          this.#store = this.#options.make();
        }
        return this.#store.open();
      }),
    );
  }

  async commit(group: StoreGroup): Promise<void> {
    await this.#persist(Number.POSITIVE_INFINITY, () => this.#store.commit(group));
  }

  /** @param signal ends the wait for a database that is out of reach, as with `open`. */
  async replace(state: NewState, signal?: AbortSignal): Promise<void> {
    await this.#untilAbort(signal, () =>
      this.#persist(Number.POSITIVE_INFINITY, () => this.#store.replace(state)),
    );
  }

  /**
   * The replica stops: nothing is tried again from now on, and what is under way has a moment left.
   * What does not get into the database is in the journal.
   */
  hurry(): void {
    if (this.#isHurried) return;
    this.#isHurried = true;
    this.#wake();
    this.#hurryTimer = setTimeout(() => void this.#store.close(), HURRY_MS_MAX);
  }

  async close(): Promise<void> {
    this.hurry();
    clearTimeout(this.#hurryTimer);
    await this.#store.close();
  }

  async #untilAbort<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const hurry = (): void => {
      this.hurry();
    };
    signal?.addEventListener("abort", hurry);
    if (signal?.aborted === true) hurry();
    try {
      return await work();
    } finally {
      signal?.removeEventListener("abort", hurry);
    }
  }

  async #persist<T>(patienceMsMax: number, work: (attempt: number) => Promise<T>): Promise<T> {
    const firstMs = performance.now();
    for (let attempt = 0; ; attempt += 1) {
      this.#startedMs = performance.now();
      try {
        const result = await work(attempt);
        this.#tell(null);
        return result;
      } catch (error) {
        this.#startedMs = null;
        if (!isPassing(error, performance.now() - firstMs, patienceMsMax)) throw error;
        this.#tell(error.message);
        if (!this.#isHurried)
          await this.#pause(Math.min(PAUSE_MS_MIN * 2 ** attempt, PAUSE_MS_MAX));
        if (this.#isHurried) throw error;
      } finally {
        this.#startedMs = null;
      }
    }
  }

  #tell(problem: string | null): void {
    const isNews = (problem === null) !== (this.#problem === null);
    this.#problem = problem;
    if (isNews) this.#options.onTrouble(problem);
  }

  async #pause(pauseMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pauseMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Whether it makes sense to try again what failed first `sinceMs` ago. */
function isPassing(error: unknown, sinceMs: number, patienceMsMax: number): error is StoreError {
  if (!(error instanceof StoreError)) return false;
  // At the start an operator is watching, who can be told at once what may be meant for good.
  const isOpening = Number.isFinite(patienceMsMax);
  const patienceMs = isOpening && Number.isFinite(error.patienceMs) ? 0 : error.patienceMs;
  return sinceMs < Math.min(patienceMs, patienceMsMax);
}
