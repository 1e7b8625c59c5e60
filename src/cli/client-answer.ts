import type { LedgerOperation } from "../core/ledger/operation.js";
import { formatMoney } from "../io/money.js";
import type { OperationOutcome } from "./command-session.js";
import type { SyntaxFault } from "./command-cursor.js";

/*
 * What the client program prints for a command: one line for people, or one JSON object for
 * scripts.
 */

/** Why no operation was sent, or what the program itself has to say about a command. */
export interface Refusal {
  readonly typed: string;
  readonly code: SyntaxFault["code"] | "nothing-to-retry" | "too-many-unknown";
  readonly message: string;
  readonly column?: number;
}

/** The answer to a command that was not sent. */
export function refusalAnswer({ typed, ...refusal }: Refusal, isJson: boolean): string {
  if (!isJson) return `${typed === "" ? "" : `${typed}: `}${refusal.message}`;
  return JSON.stringify({ command: typed, ok: false, ...refusal });
}

/** The answer to a command that was sent. */
export function outcomeAnswer(
  typed: string,
  operation: LedgerOperation,
  outcome: OperationOutcome,
  isJson: boolean,
): string {
  if (isJson) return JSON.stringify({ command: typed, ...jsonMembers(operation, outcome) });
  if (!outcome.ok) return `${typed}: ${failureSentence(operation, outcome)}`;
  return `${balanceSentence(operation, outcome)}  (${provenance(outcome)})`;
}

function jsonMembers(operation: LedgerOperation, outcome: OperationOutcome): object {
  const origin =
    outcome.path === undefined
      ? {}
      : {
          path: outcome.path,
          view: outcome.view,
          sequence: outcome.sequence,
          latencyMs: roundMs(outcome.latencyMs),
        };
  if (!outcome.ok) {
    const { code } = outcome;
    return { ok: false, code, message: failureSentence(operation, outcome), ...origin };
  }
  const { targetBalance } = outcome;
  const target = targetBalance === undefined ? {} : { targetBalance: formatMoney(targetBalance) };
  return { ok: true, balance: formatMoney(outcome.balance), ...target, ...origin };
}

type Success = Extract<OperationOutcome, { readonly ok: true }>;
type Failure = Extract<OperationOutcome, { readonly ok: false }>;

function balanceSentence(operation: LedgerOperation, outcome: Success): string {
  const balance = `$${formatMoney(outcome.balance)}`;
  switch (operation.kind) {
    case "get":
      return `${operation.account} holds ${balance}`;
    case "deposit":
    case "withdraw":
      return `${operation.account} now holds ${balance}`;
    case "open":
      return `opened ${operation.account}, which holds ${balance}`;
    case "move": {
      const source = `${operation.source} now holds ${balance}`;
      if (outcome.targetBalance === undefined) return source;
      return `${source}, ${operation.target} $${formatMoney(outcome.targetBalance)}`;
    }
  }
}

function provenance({ path, view, sequence, latencyMs }: Success): string {
  const order = `${path}, view ${view}, sequence ${sequence}`;
  return `${order}, ${roundMs(latencyMs)} ms`;
}

function failureSentence(operation: LedgerOperation, outcome: Failure): string {
  const account = operation.kind === "move" ? operation.source : operation.account;
  switch (outcome.code) {
    case "unknown-account":
      return `there is no account ${accounts(operation)}. Open one with \`open\`.`;
    case "account-exists":
      return `there is an account ${account} already.`;
    case "insufficient-funds":
      return `${account} holds less than that.`;
    case "overflow":
      return "the balance would exceed what a 64-bit integer of cents can hold.";
    case "same-account":
      return "source and target are the same account.";
    case "bad-amount":
      return "an amount must be greater than 0.";
    case "not-authorized":
      return `this client may not use the account ${accounts(operation)}.`;
    case "timeout":
      return "no outcome within the time limit. `retry` asks again and can't apply it twice.";
    case "session-expired":
      return "the replicas have forgotten this session: whether it was done can't be told.";
    case "busy":
      return "too many commands wait for their outcome: it was not sent. Try again later.";
    default:
      return outcome.message ?? outcome.code;
  }
}

/** The accounts of an operation, where the replicas' answer does not tell which one is meant. */
function accounts(operation: LedgerOperation): string {
  if (operation.kind !== "move") return operation.account;
  return `${operation.source} or ${operation.target}`;
}

function roundMs(milliseconds: number): number {
  return Math.round(milliseconds * 1_000) / 1_000;
}
