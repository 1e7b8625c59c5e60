import type { ResultPath } from "../../src/core/client/effect.js";
import type { LedgerOperation, ResultCode } from "../../src/core/ledger/operation.js";

/** What a client was told. */
export interface Answer {
  readonly code: ResultCode;
  /** Null with every code but "ok". */
  readonly balance: bigint | null;
  /** Of a move's target; null for everything else. */
  readonly targetBalance: bigint | null;
  readonly path: ResultPath;
  /** The batch, of whatever was ordered. */
  readonly seq: number;
}

/** An operation as its client saw it. Times are of one monotonic clock for all clients. */
export interface Operation {
  /** 1 and up, over the whole campaign. */
  readonly number: number;
  readonly asked: LedgerOperation;
  readonly begunMicros: number;
  /** When the answer came; Infinity: never, so that it may or may not have been executed. */
  endedMicros: number;
  answer: Answer | null;
}

/** An operation in a line of a log. */
export function describe({ number, asked, answer }: Operation): string {
  const accounts = asked.kind === "move" ? `${asked.source} to ${asked.target}` : asked.account;
  const money = asked.kind === "get" ? null : asked.kind === "open" ? asked.balance : asked.amount;
  const amount = money === null ? "" : ` ${money}`;
  const told =
    answer === null
      ? "no answer"
      : [answer.code, answer.balance, answer.targetBalance].filter((one) => one !== null).join(" ");
  return `operation ${number} (${asked.kind}${amount} ${accounts}: ${told})`;
}
