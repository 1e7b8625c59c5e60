import { type LedgerOperation } from "../../../src/core/ledger/operation.js";
import { ResultReader } from "../../../src/core/ledger/result-reader.js";
import { Violation } from "../failure.js";
import type { ClientWatcher, Completion, Invocation } from "../watch.js";

/** What one operation did to one account, as far as its client knows. */
interface Step {
  readonly operation: number;
  readonly begun: number;
  /** When its result came; Infinity: never. */
  ended: number;
  /** What it adds to the balance if it takes effect; 0 for a read. */
  readonly delta: bigint;
  /** The balance it reported after itself; null: unknown, or refused. */
  balance: bigint | null;
  /** The result said that nothing was changed. */
  refused: boolean;
}

/** Searched states after which a history is left undecided: bounds the time of one run. */
const STATES_MAX = 20_000;

/**
 * A second opinion on I8 that knows nothing of sequence numbers: each account by itself must be
 * linearizable from what clients saw, by search (Wing and Gong). A move is a step of two accounts,
 * so this is a necessary condition for it; the order of execution (linearizability.ts) is the
 * other.
 */
export class RegisterSearch implements ClientWatcher {
  readonly #initial: bigint;
  readonly #accounts = new Map<string, Step[]>();
  readonly #steps = new Map<number, { account: string; step: Step }[]>();
  #clock = 0;

  /** @param initial what each account holds at the start. */
  constructor(initial: bigint) {
    this.#initial = initial;
  }

  onInvoke({ operation, asked }: Invocation): void {
    this.#clock += 1;
    const steps = effectsOf(asked).map(({ account, delta }) => {
      const begun = this.#clock;
      const step: Step = {
        ...{ operation, begun, ended: Infinity, delta, balance: null, refused: false },
      };
      const list = this.#accounts.get(account) ?? [];
      list.push(step);
      this.#accounts.set(account, list);
      return { account, step };
    });
    this.#steps.set(operation, steps);
  }

  onComplete({ operation, result }: Completion): void {
    this.#clock += 1;
    const decoded = new ResultReader().read(result, 0, result.length);
    const balances = [decoded?.balance ?? null, decoded?.targetBalance ?? null];
    for (const [index, { step }] of (this.#steps.get(operation) ?? []).entries()) {
      step.ended = this.#clock;
      step.balance = balances[index] ?? null;
      step.refused = decoded?.code !== "ok";
    }
  }

  /** Searches an order for every account. @throws Violation when there is none. */
  conclude(): void {
    for (const [account, steps] of this.#accounts) {
      const isFound = findOrder(steps, this.#initial);
      if (isFound !== false) continue;
      const sentence = `no order of the operations on ${account} explains what clients saw`;
      throw new Violation("I8 linearizability", sentence);
    }
  }
}

function effectsOf(asked: LedgerOperation): { account: string; delta: bigint }[] {
  switch (asked.kind) {
    case "get":
    case "open":
      return [{ account: asked.account, delta: 0n }];
    case "deposit":
      return [{ account: asked.account, delta: asked.amount }];
    case "withdraw":
      return [{ account: asked.account, delta: -asked.amount }];
    case "move":
      if (asked.source === asked.target) return [];
      return [
        { account: asked.source, delta: -asked.amount },
        { account: asked.target, delta: asked.amount },
      ];
  }
}

/** True: there is an order. False: there is none. Null: the search was given up. */
function findOrder(steps: readonly Step[], initial: bigint): boolean | null {
  const relevant = steps.filter((step) => !step.refused);
  const seen = new Set<string>();
  const done = new Set<Step>();
  const search = (balance: bigint): boolean | null => {
    const open = relevant.filter((step) => !done.has(step));
    if (open.every((step) => step.ended === Infinity)) return true;
    const key = `${balance} ${open.map((step) => step.operation).join(",")}`;
    if (seen.has(key)) return false;
    seen.add(key);
    if (seen.size > STATES_MAX) return null;
    const firstEnd = Math.min(...open.map((step) => step.ended));
    for (const step of open.filter(({ begun }) => begun < firstEnd)) {
      const after = balance + step.delta;
      if (after < 0n || (step.balance !== null && step.balance !== after)) continue;
      done.add(step);
      const found = search(after);
      if (found !== false) return found;
      done.delete(step);
    }
    return false;
  };
  return search(initial);
}
