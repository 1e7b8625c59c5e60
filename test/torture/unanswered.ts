import type { LedgerOperation } from "../../src/core/ledger/operation.js";
import type { Window } from "./bank-search.js";
import type { Operation } from "./operation.js";

/** What an operation adds to accounts if it is executed. */
type Effect = ReadonlyMap<string, bigint>;

/** Sets to try at most: amounts hardly ever repeat, so that there is mostly one. */
const SETS_MAX = 16;

/**
 * Which of the operations without answer were executed, as the final balances tell: every set that
 * makes up for what the answered ones leave to be explained.
 */
export function executedSets(window: Window): readonly (readonly Operation[])[] {
  const open = window.operations.filter(({ asked, answer }) => answer === null && canChange(asked));
  return new SubsetSearch(open, residualOf(window)).run();
}

/** Whether an operation can leave a trace; one that can't is as good as not executed. */
function canChange(asked: LedgerOperation): boolean {
  return asked.kind === "move" ? asked.source !== asked.target : asked.kind !== "get";
}

/** By account, what is in the end beyond what answered operations did. */
function residualOf({ initial, final, operations }: Window): Map<string, bigint> {
  const residual = new Map(final);
  const add = (account: string, amount: bigint): void => {
    residual.set(account, (residual.get(account) ?? 0n) + amount);
  };
  for (const [account, balance] of initial) add(account, -balance);
  for (const { asked, answer } of operations) {
    if (answer?.code !== "ok") continue;
    for (const [account, amount] of effectOf(asked)) add(account, -amount);
  }
  return residual;
}

function effectOf(asked: LedgerOperation): Effect {
  switch (asked.kind) {
    case "get":
      return new Map();
    case "open":
      return new Map([[asked.account, asked.balance]]);
    case "deposit":
      return new Map([[asked.account, asked.amount]]);
    case "withdraw":
      return new Map([[asked.account, -asked.amount]]);
    case "move":
      return new Map([
        [asked.source, -asked.amount],
        [asked.target, asked.amount],
      ]);
  }
}

/** Goes through the operations one by one, with and without each. */
class SubsetSearch {
  readonly #operations: readonly Operation[];
  readonly #effects: readonly Effect[];
  readonly #residual: Map<string, bigint>;
  /** By place: accounts that no later operation touches; they must come out even there. */
  readonly #settled: readonly (readonly string[])[];
  readonly #untouched: readonly string[];
  readonly #chosen: Operation[] = [];
  readonly #found: Operation[][] = [];

  constructor(operations: readonly Operation[], residual: Map<string, bigint>) {
    // Side by side with others on the same accounts, an account is settled soon.
    const keyOf = (operation: Operation): string => [...effectOf(operation.asked).keys()].join();
    this.#operations = operations.toSorted((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1));
    this.#effects = this.#operations.map(({ asked }) => effectOf(asked));
    this.#residual = residual;
    const last = new Map<string, number>();
    for (const [index, effect] of this.#effects.entries()) {
      for (const account of effect.keys()) last.set(account, index);
    }
    this.#settled = this.#effects.map((effect, index) => {
      return [...effect.keys()].filter((account) => last.get(account) === index);
    });
    this.#untouched = [...residual.keys()].filter((account) => !last.has(account));
  }

  run(): readonly (readonly Operation[])[] {
    if (this.#areEven(this.#untouched)) this.#choose(0);
    return this.#found;
  }

  #choose(index: number): void {
    if (this.#found.length === SETS_MAX) return;
    const [operation, effect] = [this.#operations[index], this.#effects[index]];
    if (operation === undefined || effect === undefined) {
      this.#found.push([...this.#chosen]);
      return;
    }
    const settled = this.#settled[index] ?? [];
    if (this.#areEven(settled)) this.#choose(index + 1);
    this.#take(effect, -1n);
    this.#chosen.push(operation);
    if (this.#areEven(settled)) this.#choose(index + 1);
    this.#chosen.pop();
    this.#take(effect, 1n);
  }

  #take(effect: Effect, sign: bigint): void {
    for (const [account, amount] of effect) {
      this.#residual.set(account, (this.#residual.get(account) ?? 0n) + sign * amount);
    }
  }

  #areEven(accounts: readonly string[]): boolean {
    return accounts.every((account) => (this.#residual.get(account) ?? 0n) === 0n);
  }
}
