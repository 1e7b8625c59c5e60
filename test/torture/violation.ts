import type { Balances, Window } from "./bank-search.js";
import type { Operation } from "./operation.js";
import type { Death } from "./tortured-replica.js";

/** The product did what it must never do, or did not come back. */
export class Violation extends Error {
  override readonly name = "Violation";
  /** What clients had seen, where that is the evidence. */
  readonly operations: readonly Operation[];
  /** What accounts held before, and what they hold in the end. */
  readonly initial: Balances;
  readonly final: Balances;

  /** @param sentence what is wrong. */
  constructor(sentence: string, seen: Partial<Window> = {}) {
    super(sentence);
    this.operations = seen.operations ?? [];
    this.initial = seen.initial ?? new Map();
    this.final = seen.final ?? new Map();
  }
}

/** A replica ended that nobody had killed. */
export function surprise({ replica, how }: Death): Violation {
  return new Violation(`replica ${replica} ended by itself with ${how}; its log tells why`);
}
