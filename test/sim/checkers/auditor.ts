import type { ClientId, Seq } from "../../../src/core/base/ids.js";
import { type LedgerOperation } from "../../../src/core/ledger/operation.js";
import { ResultReader } from "../../../src/core/ledger/result-reader.js";
import { Violation } from "../failure.js";

/** An operation of an executed request. */
export interface AuditedOperation {
  /** Null when its bytes are none: a Byzantine client sent them. */
  readonly operation: LedgerOperation | null;
  /** Which one of the run it is; null for a read and for a Byzantine client's, without marker. */
  readonly number: number | null;
}

/** Where an operation stands in the one order of all operations. */
interface Place {
  /** 0 and up, over all executed operations. */
  readonly position: number;
  readonly seq: Seq;
  readonly result: Uint8Array;
}

/** What an account held from some position on. */
interface Version {
  readonly position: number;
  readonly balance: bigint;
}

type Outcome = "ok" | "bad-operation" | "insufficient-funds" | "same-account";

/**
 * A second bank, written without a look at the first: it predicts every result and every balance
 * from the executed operations alone (I9), and remembers all versions of all accounts for whoever
 * asks which states a read may have seen.
 */
export class Auditor {
  readonly #versions = new Map<string, Version[]>();
  readonly #places = new Map<number, Place>();
  readonly #batchEnds: number[] = [0];
  #position = 0;
  #expectedTotal: bigint;

  /** @param balances what the accounts hold at the start. */
  constructor(balances: ReadonlyMap<string, bigint>) {
    this.#expectedTotal = 0n;
    for (const [account, balance] of balances) {
      this.#versions.set(account, [{ position: 0, balance }]);
      this.#expectedTotal += balance;
    }
  }

  /** Operations executed so far. */
  get position(): number {
    return this.#position;
  }

  /** The position after the last operation of batch `seq`. */
  endOf(seq: Seq): number | null {
    return this.#batchEnds[seq] ?? null;
  }

  /** Where the write with this number was executed, or null. */
  placeOf(number: number): Place | null {
    return this.#places.get(number) ?? null;
  }

  /** What `account` holds once the first `position` operations are executed. */
  balanceAt(account: string, position: number): bigint {
    const versions = this.#versions.get(account) ?? [];
    return versions.findLast((version) => version.position <= position)?.balance ?? 0n;
  }

  /** The positions from `from` on at which `account` changes, ascending. */
  changesAfter(account: string, from: number): number[] {
    const versions = this.#versions.get(account) ?? [];
    return versions.map(({ position }) => position).filter((position) => position > from);
  }

  /** Executes what a replica says it executed, and compares the results. */
  execute(
    seq: Seq,
    client: ClientId,
    operations: readonly AuditedOperation[],
    results: readonly Uint8Array[],
  ): void {
    for (const [index, { operation, number }] of operations.entries()) {
      const result = results[index] ?? new Uint8Array(0);
      this.#executeOne(seq, client, operation, result);
      if (number === null) continue;
      if (this.#places.has(number)) {
        throw new Violation("I4 at most once", `operation ${number} is executed a second time`);
      }
      this.#places.set(number, { position: this.#position, seq, result });
    }
  }

  /** Batch `seq` is complete. */
  endBatch(seq: Seq): void {
    this.#batchEnds[seq] = this.#position;
    let total = 0n;
    for (const account of this.#versions.keys()) {
      const balance = this.balanceAt(account, this.#position);
      if (balance < 0n) throw new Violation("I9 conservation", `${account} is overdrawn at ${seq}`);
      total += balance;
    }
    if (total !== this.#expectedTotal) {
      throw new Violation("I9 conservation", `money appeared or vanished in batch ${seq}`);
    }
  }

  #executeOne(
    seq: Seq,
    client: ClientId,
    operation: LedgerOperation | null,
    result: Uint8Array,
  ): void {
    this.#position += 1;
    const outcome = operation === null ? "bad-operation" : this.#apply(operation);
    const found = new ResultReader().read(result, 0, result.length);
    const expected = outcome === "ok" && operation !== null ? this.#balancesOf(operation) : null;
    const agrees =
      found !== null &&
      found.code === outcome &&
      (expected === null || (found.balance === expected[0] && found.targetBalance === expected[1]));
    if (agrees) return;
    const what = operation?.kind ?? "nonsense";
    const told = `batch ${seq} answers a ${what} of client ${client}`;
    const sentence = `${told} with ${String(found?.code)} instead of ${outcome}`;
    throw new Violation("I9 conservation", sentence);
  }

  #balancesOf(operation: LedgerOperation): [bigint, bigint | null] {
    if (operation.kind === "move") {
      return [this.#now(operation.source), this.#now(operation.target)];
    }
    return [this.#now(operation.account), null];
  }

  #apply(operation: LedgerOperation): Outcome {
    switch (operation.kind) {
      case "get":
      case "open":
        return "ok";
      case "deposit":
        this.#expectedTotal += operation.amount;
        this.#add(operation.account, operation.amount);
        return "ok";
      case "withdraw":
        if (this.#now(operation.account) < operation.amount) return "insufficient-funds";
        this.#expectedTotal -= operation.amount;
        this.#add(operation.account, -operation.amount);
        return "ok";
      case "move":
        if (operation.source === operation.target) return "same-account";
        if (this.#now(operation.source) < operation.amount) return "insufficient-funds";
        this.#add(operation.source, -operation.amount);
        this.#add(operation.target, operation.amount);
        return "ok";
    }
  }

  #now(account: string): bigint {
    return this.balanceAt(account, this.#position);
  }

  #add(account: string, amount: bigint): void {
    const balance = this.#now(account) + amount;
    this.#versions.get(account)?.push({ position: this.#position, balance });
  }
}
