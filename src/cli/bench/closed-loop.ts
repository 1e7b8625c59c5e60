import type { LedgerOperation } from "../../core/ledger/operation.js";
import type { MeasuredOutcome } from "./measured-client.js";
import { Prng } from "./prng.js";

/** What is asked: balance queries, or deposits and moves in equal parts. */
export type BulkKind = "read" | "write";

/** The part of a client session that takes many operations at once. */
export interface BulkClient {
  run(operation: LedgerOperation, wait: { timeoutMs: number }): Promise<MeasuredOutcome>;
  runAll(
    operations: readonly LedgerOperation[],
    wait: { timeoutMs: number },
  ): Promise<readonly MeasuredOutcome[]>;
}

/** Which accounts there are, without a list of them. */
export interface AccountRange {
  /** At least 1. */
  readonly count: number;
  /** The name of account `index`, 0 (included) to `count` (excluded). */
  readonly nameOf: (index: number) => string;
}

/** In minor units: small beside what deposits bring, so that no move fails for lack of money. */
const AMOUNTS = Array.from({ length: 20 }, (_, index) => BigInt(1 + index));

/**
 * An endless stream of operations on random accounts. It never goes round: with a million accounts
 * a stream that does changes the same tenth of them again and again.
 */
export class BulkOperations {
  readonly #prng: Prng;
  readonly #kind: BulkKind;
  /** Made before the load starts: then to draw an operation costs next to nothing. */
  readonly #names: readonly string[];

  constructor(kind: BulkKind, accounts: AccountRange, seed: number) {
    this.#prng = new Prng(seed);
    this.#kind = kind;
    this.#names = Array.from({ length: accounts.count }, (_, index) => accounts.nameOf(index));
  }

  /** The next `count`, 0 and up. */
  take(count: number): readonly LedgerOperation[] {
    const operations: LedgerOperation[] = [];
    while (operations.length < count) operations.push(this.#draw());
    return operations;
  }

  #draw(): LedgerOperation {
    const prng = this.#prng;
    const { length } = this.#names;
    const first = prng.below(length);
    const account = this.#nameAt(first);
    if (this.#kind === "read") return { kind: "get", account };
    const amount = prng.pick(AMOUNTS);
    if (prng.below(2) === 0 || length === 1) return { kind: "deposit", account, amount };
    const target = this.#nameAt((first + 1 + prng.below(length - 1)) % length);
    return { kind: "move", source: account, target, amount };
  }

  #nameAt(index: number): string {
    return this.#names[index] ?? "";
  }
}

/** How a closed loop is kept going. */
export interface ClosedLoop {
  readonly clients: readonly BulkClient[];
  /** Operations outstanding, 1 and up, spread over the clients. */
  readonly inFlight: number;
  readonly operations: BulkOperations;
  /** Deadline of an operation, in milliseconds. */
  readonly timeoutMs: number;
  readonly nowMicros: () => number;
  /** Asked before operations are submitted. */
  readonly isOver: () => boolean;
  /** Hears of operations that ended now and were submitted together at `startMicros`. */
  readonly onOutcomes: (outcomes: readonly MeasuredOutcome[], startMicros: number) => void;
}

/**
 * Keeps operations outstanding until it is over: each client submits its share together, and again
 * when all of it is answered.
 */
export async function runClosedLoop(loop: ClosedLoop): Promise<void> {
  const { clients, inFlight, isOver, nowMicros, onOutcomes, operations } = loop;
  const lane = async (client: BulkClient, share: number): Promise<void> => {
    while (!isOver()) {
      const startMicros = nowMicros();
      const outcomes = await runShare(client, operations.take(share), loop.timeoutMs);
      onOutcomes(outcomes, startMicros);
    }
  };
  const used = clients.slice(0, Math.min(clients.length, inFlight));
  const lanes = used.map((client, index) => {
    const share = Math.floor(inFlight / used.length) + (index < inFlight % used.length ? 1 : 0);
    return lane(client, share);
  });
  await Promise.all(lanes);
}

async function runShare(
  client: BulkClient,
  operations: readonly LedgerOperation[],
  timeoutMs: number,
): Promise<readonly MeasuredOutcome[]> {
  const [only] = operations;
  if (operations.length > 1 || only === undefined) return client.runAll(operations, { timeoutMs });
  return [await client.run(only, { timeoutMs })];
}
