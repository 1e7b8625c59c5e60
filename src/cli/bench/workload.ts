import type { LedgerOperation } from "../../core/ledger/operation.js";
import { Prng } from "./prng.js";

/** What a row of the table does: balance queries only, or half queries and half changes. */
export type WorkloadKind = "read-only" | "read-write";

/** Both kinds, in the order of the table. */
export const WORKLOAD_KINDS: readonly WorkloadKind[] = ["read-only", "read-write"];

/**
 * Largest amount of one change, in minor units. Small, so that the demo cluster's accounts can pay
 * for every withdrawal of the longest row.
 */
const AMOUNT_MAX = 20;

type Write = Extract<LedgerOperation, { kind: "deposit" | "withdraw" | "move" }>;

/**
 * A seeded stream of ledger operations: the same seed and balances give the same operations.
 *
 * No change can fail for lack of money, in whatever order the operations in flight are executed:
 * an account never spends more than it had at the start, what it receives meanwhile not counted.
 * Where that would not leave enough, a deposit takes the place of the withdrawal or move.
 */
export class Workload {
  readonly #prng: Prng;
  readonly #accounts: readonly string[];
  readonly #spendable: Map<string, bigint>;

  /** @param balances the accounts to use, at least one, with their present balances. */
  constructor(seed: number, balances: ReadonlyMap<string, bigint>) {
    this.#prng = new Prng(seed);
    this.#accounts = [...balances.keys()].sort();
    this.#spendable = new Map(balances);
  }

  /** The next `count` operations; of "read-write", exactly floor(count / 2) are changes. */
  *operations(kind: WorkloadKind, count: number): Generator<LedgerOperation, void, void> {
    let writesLeft = kind === "read-only" ? 0 : Math.floor(count / 2);
    for (let left = count; left > 0; left -= 1) {
      // A chance of writesLeft / left makes every order of the two kinds equally likely.
      const isWrite = this.#prng.below(left) < writesLeft;
      if (isWrite) writesLeft -= 1;
      yield isWrite ? this.#write() : { kind: "get", account: this.#account() };
    }
  }

  #account(): string {
    return this.#prng.pick(this.#accounts);
  }

  #write(): Write {
    const write = this.#anyWrite();
    if (write.kind === "deposit") return write;
    const payer = write.kind === "withdraw" ? write.account : write.source;
    const spendable = this.#spendable.get(payer) ?? 0n;
    if (spendable < write.amount) return { kind: "deposit", account: payer, amount: write.amount };
    this.#spendable.set(payer, spendable - write.amount);
    return write;
  }

  #anyWrite(): Write {
    const account = this.#account();
    const amount = BigInt(1 + this.#prng.below(AMOUNT_MAX));
    const kind = this.#prng.pick(["deposit", "withdraw", "move"] as const);
    if (kind !== "move") return { kind, account, amount };
    const others = this.#accounts.length - 1;
    if (others === 0) return { kind: "deposit", account, amount };
    const step = 1 + this.#prng.below(others);
    const index = (this.#accounts.indexOf(account) + step) % this.#accounts.length;
    return { kind, source: account, target: this.#accounts[index] as string, amount };
  }
}
