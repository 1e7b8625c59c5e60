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

/** Operations drawn before the load starts; it goes round in them. */
const OPERATIONS_DRAWN = 65_536;

/** Small beside what deposits bring: no move fails for lack of money. */
const AMOUNT_MAX = 20;

/** An endless stream of operations on random accounts; costs nothing while it is measured. */
export class BulkOperations {
  readonly #drawn: readonly LedgerOperation[];
  #next = 0;

  constructor(kind: BulkKind, accounts: AccountRange, seed: number) {
    const prng = new Prng(seed);
    const draw = (): LedgerOperation => drawOperation(prng, kind, accounts);
    this.#drawn = Array.from({ length: OPERATIONS_DRAWN }, draw);
  }

  /** The next `count`, up to `OPERATIONS_DRAWN`. */
  take(count: number): readonly LedgerOperation[] {
    if (this.#next + count > this.#drawn.length) this.#next = 0;
    this.#next += count;
    return this.#drawn.slice(this.#next - count, this.#next);
  }
}

function drawOperation(prng: Prng, kind: BulkKind, accounts: AccountRange): LedgerOperation {
  const { count, nameOf } = accounts;
  const first = prng.below(count);
  const account = nameOf(first);
  if (kind === "read") return { kind: "get", account };
  const amount = BigInt(1 + prng.below(AMOUNT_MAX));
  if (prng.below(2) === 0 || count === 1) return { kind: "deposit", account, amount };
  const target = nameOf((first + 1 + prng.below(count - 1)) % count);
  return { kind: "move", source: account, target, amount };
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
