import assert from "node:assert/strict";
import type { LedgerOperation } from "../../src/core/ledger/operation.js";
import { Violation } from "./failure.js";
import type { Completion, Invocation } from "./watch.js";

/** `act` must be objected to, with this breach. */
export function mustObject(breach: Violation["breach"], act: () => void): void {
  assert.throws(act, (error) => error instanceof Violation && error.breach === breach);
}

/** A digest that stands for `number`. */
export function digest(number: number): Uint8Array {
  return new Uint8Array(32).fill(number);
}

/** What account "A" holds at the start. */
export const START = 1_000n;

/** A read of that account. */
export const READ: LedgerOperation = { kind: "get", account: "A" };

/** A result with one balance, or with a code and none. */
export function result(balance: bigint, code = 0): Uint8Array {
  const bytes = new Uint8Array(code === 0 ? 9 : 1);
  bytes[0] = code;
  if (code === 0) new DataView(bytes.buffer).setBigInt64(1, balance);
  return bytes;
}

/** Client 0 begins an operation. */
export function invocation(operation: number, asked: LedgerOperation): Invocation {
  return { operation, client: 0, session: 1, asked };
}

/** It gets the answer to a read. */
export function read(operation: number, balance: bigint): Completion {
  return { operation, result: result(balance), path: "read-only", seq: 0 };
}
