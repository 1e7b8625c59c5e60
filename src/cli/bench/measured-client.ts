import type { LedgerOperation } from "../../core/ledger/operation.js";

/** What the benchmark looks at in the outcome of an operation. */
export type MeasuredOutcome =
  | {
      readonly ok: true;
      readonly balance: bigint;
      readonly view: number;
      readonly sequence: number;
    }
  | { readonly ok: false; readonly code: string };

/** The part of a client session that the load generator drives. */
export interface MeasuredClient {
  run(operation: LedgerOperation, options: { timeoutMs: number }): Promise<MeasuredOutcome>;
}
