import type { LedgerOperation } from "../../core/ledger/operation.js";
import type { MeasuredOutcome } from "./measured-client.js";

/** Failures after which a change may have been made all the same. */
const UNKNOWN_CODES: readonly string[] = ["timeout", "session-expired"];

/**
 * Predicts the balances from nothing but the operations and their outcomes, so that four
 * databases which agree on a wrong amount are caught too.
 */
export class PredictedBalances {
  readonly #balances: Map<string, bigint>;
  #unknownCount = 0;

  /** @param balances what the accounts held before the first operation, in minor units. */
  constructor(balances: ReadonlyMap<string, bigint>) {
    this.#balances = new Map(balances);
  }

  /** Changes whose outcome was never learned; while there are any, nothing can be predicted. */
  get unknownCount(): number {
    return this.#unknownCount;
  }

  /** Takes one finished operation into account. */
  note(operation: LedgerOperation, outcome: MeasuredOutcome): void {
    if (operation.kind === "get") return;
    if (!outcome.ok) {
      if (UNKNOWN_CODES.includes(outcome.code)) this.#unknownCount += 1;
      return;
    }
    switch (operation.kind) {
      case "deposit":
        return this.#add(operation.account, operation.amount);
      case "withdraw":
        return this.#add(operation.account, -operation.amount);
      case "open":
        return this.#add(operation.account, operation.balance);
      case "move":
        this.#add(operation.source, -operation.amount);
        return this.#add(operation.target, operation.amount);
    }
  }

  /** A copy of what the accounts must hold now. */
  balances(): Map<string, bigint> {
    return new Map(this.#balances);
  }

  #add(account: string, amount: bigint): void {
    this.#balances.set(account, (this.#balances.get(account) ?? 0n) + amount);
  }
}
