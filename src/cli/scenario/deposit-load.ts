import { randomInt } from "node:crypto";
import type { Seq } from "../../core/base/ids.js";
import type { LedgerClient, LedgerOutcome } from "../../io/ledger-client.js";
import type { LoadClock } from "../bench/load-clock.js";
import { FailedOperation } from "../failure.js";

/** A deposit that was acknowledged. */
export interface Deposit {
  /** Minor units, above 0. */
  readonly amount: bigint;
  /** The account's balance right after it, as the answer said. */
  readonly balance: bigint;
  /** When it was submitted, and when it was acknowledged, by the load's clock. */
  readonly startMicros: number;
  readonly endMicros: number;
}

/**
 * How long one try waits. Shorter than a view change, so that a crash of the primary leaves
 * operations without outcome, whose retry must not apply them twice.
 */
export const TRY_TIMEOUT_MS = 500;

/** Tries until the cluster counts as lost: a minute. */
const TRIES_MAX = 120;

/** Limit of an amount (excluded), in minor units: what was lost would show in the balance. */
const AMOUNT_LIMIT = 100_000;

interface Waiter {
  remainingCount: number;
  readonly sinceMicros: number;
  readonly resolve: () => void;
}

/**
 * One client that keeps a number of deposits to one account in flight, until it is stopped. Each
 * is tried until its outcome is known.
 */
export class DepositLoad {
  readonly #client: Pick<LedgerClient, "deposit">;
  readonly #account: string;
  readonly #clock: LoadClock;
  readonly #signal: AbortSignal;
  readonly #deposits: Deposit[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #lanes: Promise<unknown>;
  #lateCount = 0;
  #seq: Seq = 0;
  #isStopping = false;

  /**
   * Starts at once.
   * @param account nobody else changes it.
   * @param inFlight deposits in flight at any time, 1 and up.
   */
  constructor(
    client: Pick<LedgerClient, "deposit">,
    account: string,
    inFlight: number,
    clock: LoadClock,
    signal: AbortSignal,
  ) {
    this.#client = client;
    this.#account = account;
    this.#clock = clock;
    this.#signal = signal;
    this.#lanes = Promise.all(Array.from({ length: inFlight }, () => this.#lane()));
    // A failure is told by `acknowledged` and `stop`, whenever they are called.
    this.#lanes.catch(() => undefined);
  }

  /** All deposits that were acknowledged, in that order. */
  get deposits(): readonly Deposit[] {
    return this.#deposits;
  }

  /** Deposits whose outcome was not known after the first try. */
  get lateCount(): number {
    return this.#lateCount;
  }

  /** The last batch that an acknowledged deposit was in. */
  get seq(): Seq {
    return this.#seq;
  }

  /**
   * Resolves once `count` deposits that were begun at `sinceMicros` or later are acknowledged.
   * @throws FailedOperation when the load broke down.
   */
  async acknowledged(count: number, sinceMicros: number): Promise<void> {
    const reached = new Promise<void>((resolve) => {
      this.#waiters.add({ remainingCount: count, sinceMicros, resolve });
    });
    await Promise.race([reached, this.#lanes]);
  }

  /**
   * Begins nothing more; resolves once the outcome of every deposit is known.
   * @throws FailedOperation when the load broke down.
   */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#lanes;
  }

  async #lane(): Promise<void> {
    while (!this.#isStopping) {
      this.#signal.throwIfAborted();
      const amount = BigInt(randomInt(1, AMOUNT_LIMIT));
      const startMicros = this.#clock.nowMicros();
      const outcome = await this.#deposit(amount);
      if (!outcome.ok) {
        this.#isStopping = true;
        throw new FailedOperation(failureOf(outcome.code));
      }
      const { balance, sequence } = outcome;
      this.#acknowledge({ amount, balance, startMicros, endMicros: this.#clock.nowMicros() });
      this.#seq = Math.max(this.#seq, sequence);
    }
  }

  /** Deposits, and waits for the same deposit again until its outcome is known. */
  async #deposit(amount: bigint): Promise<LedgerOutcome> {
    const wait = { timeoutMs: TRY_TIMEOUT_MS, signal: this.#signal };
    let outcome = await this.#client.deposit(this.#account, amount, wait);
    if (!outcome.ok && outcome.code === "timeout") this.#lateCount += 1;
    for (let tries = 1; tries < TRIES_MAX; tries += 1) {
      if (outcome.ok || outcome.code !== "timeout") break;
      this.#signal.throwIfAborted();
      outcome = await outcome.retry(wait);
    }
    return outcome;
  }

  #acknowledge(deposit: Deposit): void {
    this.#deposits.push(deposit);
    for (const waiter of this.#waiters) {
      if (deposit.startMicros < waiter.sinceMicros) continue;
      waiter.remainingCount -= 1;
      if (waiter.remainingCount > 0) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }
}

function failureOf(code: string): string {
  if (code !== "timeout") return `A deposit failed: ${code}.`;
  const seconds = (TRIES_MAX * TRY_TIMEOUT_MS) / 1_000;
  return `No outcome of a deposit after ${seconds} s: the cluster does not come back.`;
}
