import { setTimeout as sleep } from "node:timers/promises";
import type { LedgerOperation } from "../../src/core/ledger/operation.js";
import type { LedgerClient, LedgerOutcome } from "../../src/io/ledger-client.js";
import type { Prng } from "../sim/prng.js";
import type { Operation } from "./operation.js";

/** How hard clients work. */
export interface LoadOptions {
  /** Operations that one client has under way at a time. */
  readonly lanesPerClient: number;
  /** Mean pause between two operations of a lane, in milliseconds. */
  readonly thinkMs: number;
  /** How long one try may take, in milliseconds. */
  readonly tryMs: number;
  /** Time after which an operation without outcome means that the cluster does not come back. */
  readonly patienceMs: number;
}

/** Someone who waits for an operation that was begun at a moment or later to be answered. */
interface Waiter {
  readonly sinceMicros: number;
  readonly resolve: (endedMicros: number) => void;
}

/** Largest amount, in minor units: amounts hardly ever repeat, so each tells its operation. */
const AMOUNT_MAX = 1_000_000;

/** Share of operations whose first try fails that their client gives up for good. */
const ABANDONED_SHARE = 0.05;

/** Accounts that are opened at most, in the life of a cluster. */
const OPENED_MAX = 40;

/** The present moment, in microseconds of a clock that never goes back. */
export function nowMicros(): number {
  return performance.now() * 1_000;
}

/**
 * Clients that work on the same few accounts, and everything that they saw. Each operation is tried
 * again, under the same identity, until its outcome is known, or given up for good.
 */
export class Load {
  readonly #clients: readonly LedgerClient[];
  readonly #options: LoadOptions;
  readonly #accounts: string[];
  readonly #waiters = new Set<Waiter>();
  readonly #lanes: Promise<void>[] = [];
  #operations: Operation[] = [];
  #busyCount = 0;
  #numberLast: number;
  #openedCount = 0;
  #seqLast = 0;
  #state: "running" | "paused" | "stopped" = "running";
  #onChange: () => void = () => undefined;
  #failure: string | null = null;
  #retryCount = 0;

  /** Starts at once. @param numberLast the last number that is taken. */
  constructor(
    clients: readonly LedgerClient[],
    accounts: readonly string[],
    options: LoadOptions,
    prng: Prng,
    numberLast: number,
  ) {
    this.#clients = clients;
    this.#accounts = [...accounts];
    this.#options = options;
    this.#numberLast = numberLast;
    for (const [index, client] of this.#clients.entries()) {
      for (let lane = 0; lane < options.lanesPerClient; lane += 1) {
        this.#lanes.push(this.#work(client, prng.fork(`lane ${index}.${lane}`)));
      }
    }
  }

  /** The last operation's number. */
  get numberLast(): number {
    return this.#numberLast;
  }

  /** Why clients lost their patience; null while they did not. */
  get failure(): string | null {
    return this.#failure;
  }

  /** The last batch that a client was told of. */
  get seqLast(): number {
    return this.#seqLast;
  }

  /** Begins nothing more; resolves once every operation has its outcome or was given up. */
  async pause(): Promise<void> {
    this.#state = "paused";
    while (this.#busyCount > 0) await this.#changed();
  }

  /** Goes on after `pause`. */
  resume(): void {
    this.#state = "running";
    this.#notify();
  }

  /** Ends the load for good. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    this.#notify();
    await Promise.all(this.#lanes);
  }

  /** Hands over what was seen since the last time. To be called while paused. */
  take(): Operation[] {
    const taken = this.#operations;
    this.#operations = [];
    return taken;
  }

  /** Tries beyond the first since the last time. */
  takeRetryCount(): number {
    const taken = this.#retryCount;
    this.#retryCount = 0;
    return taken;
  }

  /** Resolves with when the first operation that began at `sinceMicros` or later was answered. */
  answered(sinceMicros: number): Promise<number> {
    return new Promise((resolve) => this.#waiters.add({ sinceMicros, resolve }));
  }

  async #work(client: LedgerClient, prng: Prng): Promise<void> {
    for (;;) {
      await sleep(prng.exponential(this.#options.thinkMs));
      while (this.#state === "paused") await this.#changed();
      if (this.#state === "stopped" || this.#failure !== null) return;
      this.#busyCount += 1;
      await this.#run(client, prng);
      this.#busyCount -= 1;
      if (this.#busyCount === 0) this.#notify();
    }
  }

  async #run(client: LedgerClient, prng: Prng): Promise<void> {
    const asked = this.#draw(prng);
    this.#numberLast += 1;
    const operation: Operation = {
      ...{ number: this.#numberLast, asked, begunMicros: nowMicros() },
      ...{ endedMicros: Infinity, answer: null },
    };
    this.#operations.push(operation);
    const outcome = await this.#outcomeOf(client, asked, prng);
    if ("sequence" in outcome) this.#note(operation, outcome);
  }

  async #outcomeOf(
    client: LedgerClient,
    asked: LedgerOperation,
    prng: Prng,
  ): Promise<LedgerOutcome> {
    const { tryMs, patienceMs } = this.#options;
    const wait = { timeoutMs: tryMs };
    const deadlineMs = performance.now() + patienceMs;
    let outcome = await client.run(asked, wait);
    const isAbandoned = prng.chance(ABANDONED_SHARE);
    while (!outcome.ok && outcome.code === "timeout" && !isAbandoned) {
      if (this.#failure !== null) break;
      if (performance.now() > deadlineMs) {
        const seconds = Math.round(patienceMs / 1_000);
        this.#failure ??= `a ${asked.kind} had no outcome for ${seconds} s`;
        break;
      }
      this.#retryCount += 1;
      outcome = await outcome.retry(wait);
    }
    return outcome;
  }

  #note(
    operation: Operation,
    outcome: Extract<LedgerOutcome, { readonly sequence: number }>,
  ): void {
    const { path, sequence } = outcome;
    operation.endedMicros = nowMicros();
    this.#seqLast = Math.max(this.#seqLast, sequence);
    operation.answer = outcome.ok
      ? {
          ...{ code: "ok", balance: outcome.balance, path, seq: sequence },
          targetBalance: outcome.targetBalance ?? null,
        }
      : { code: outcome.code, balance: null, targetBalance: null, path, seq: sequence };
    for (const waiter of this.#waiters) {
      if (operation.begunMicros < waiter.sinceMicros) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(operation.endedMicros);
    }
  }

  /** Few accounts, so that operations meet; now and then one that must be refused. */
  #draw(prng: Prng): LedgerOperation {
    const account = prng.pick(this.#accounts);
    const amount = BigInt(prng.between(1, AMOUNT_MAX));
    const choice = prng.fraction();
    if (choice < 0.35) return { kind: "get", account };
    if (choice < 0.6) return { kind: "deposit", account, amount };
    if (choice < 0.75) return { kind: "withdraw", account, amount };
    if (choice < 0.97 || this.#openedCount === OPENED_MAX) {
      return { kind: "move", source: account, target: prng.pick(this.#accounts), amount };
    }
    if (choice < 0.98) return { kind: "get", account: "nobody" };
    this.#openedCount += 1;
    const opened = `opened-${this.#openedCount}`;
    this.#accounts.push(opened);
    return { kind: "open", account: opened, name: "Opened", address: "", balance: amount };
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      const before = this.#onChange;
      this.#onChange = () => {
        before();
        resolve();
      };
    });
  }

  #notify(): void {
    const onChange = this.#onChange;
    this.#onChange = () => undefined;
    onChange();
  }
}
