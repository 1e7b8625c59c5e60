import { unreachable } from "../base/assert.js";
import {
  ACCOUNT_BYTES_MAX,
  ADDRESS_BYTES_MAX,
  BALANCE_MAX,
  NAME_BYTES_MAX,
} from "./account-row.js";
import { Opcode, OperationView } from "./operation-view.js";
import { decodePlainText, encodePlainText } from "./plain-text.js";

/** What a client asks of the ledger. Amounts and balances are minor units, signed 64-bit. */
export type LedgerOperation =
  | {
      readonly kind: "open";
      readonly account: string;
      readonly name: string;
      readonly address: string;
      /** 0 and up. */
      readonly balance: bigint;
    }
  | { readonly kind: "deposit"; readonly account: string; readonly amount: bigint }
  | { readonly kind: "withdraw"; readonly account: string; readonly amount: bigint }
  | {
      readonly kind: "move";
      readonly source: string;
      readonly target: string;
      readonly amount: bigint;
    }
  | { readonly kind: "get"; readonly account: string };

/**
 * How an operation ended: "ok", then the errors in descending precedence; where several apply, the
 * first of this list is the result on every replica. The place in the list is the code on the wire.
 */
export const RESULT_CODES = [
  "ok",
  /** The bytes are no operation. */
  "bad-operation",
  /** A write came on the read path (RO2). */
  "not-read-only",
  /** The amount is not above zero; or an opening balance is below it. */
  "bad-amount",
  /** A move from an account to itself. */
  "same-account",
  /** There is no such account; of a move, the source or the target. */
  "unknown-account",
  /** An account of that name is open. */
  "account-exists",
  /** A customer may use only accounts it owns, though it may move money to any. */
  "not-authorized",
  /** No further account fits. */
  "ledger-full",
  /** The account holds less than the amount. */
  "insufficient-funds",
  /** The balance would pass 2^63 - 1; of a move, the target's. */
  "overflow",
] as const;
/** One of `RESULT_CODES`. */
export type ResultCode = (typeof RESULT_CODES)[number];

/** What the ledger answers. Balances in minor units. */
export type LedgerResult =
  | {
      readonly code: "ok";
      /** Of the account, after the operation; of the source, when it was a move. */
      readonly balance: bigint;
      /** Of a move's target; null for other operations, and to customers who may not see it. */
      readonly targetBalance: bigint | null;
    }
  | {
      readonly code: Exclude<ResultCode, "ok">;
      readonly balance: null;
      readonly targetBalance: null;
    };

/** The operation cannot be written down: a name is too long, an amount is no 64-bit integer … */
export class OperationError extends Error {
  override readonly name = "OperationError";
}

/**
 * The compact binary form of `operation` (operation-view.ts draws it).
 * @throws OperationError with a sentence for the user.
 */
export function encodeOperation(operation: LedgerOperation): Uint8Array {
  switch (operation.kind) {
    case "get":
      return pack(Opcode.get, null, [accountBytes(operation.account)]);
    case "deposit":
      return pack(Opcode.deposit, operation.amount, [accountBytes(operation.account)]);
    case "withdraw":
      return pack(Opcode.withdraw, operation.amount, [accountBytes(operation.account)]);
    case "move": {
      const texts = [accountBytes(operation.source), accountBytes(operation.target)];
      return pack(Opcode.move, operation.amount, texts);
    }
    case "open": {
      const name = textBytes("name", operation.name, 0, NAME_BYTES_MAX);
      const address = textBytes("address", operation.address, 0, ADDRESS_BYTES_MAX);
      const texts = [accountBytes(operation.account), name, address];
      return pack(Opcode.open, operation.balance, texts);
    }
    default:
      return unreachable(operation);
  }
}

/** The operation that `bytes` hold, or null when they hold none. Never throws. */
export function decodeOperation(bytes: Uint8Array): LedgerOperation | null {
  const view = new OperationView();
  view.attach(bytes);
  if (!view.parse(0, bytes.length)) return null;
  const account = decodePlainText(bytes, view.accountStart, view.accountEnd);
  if (account === null) return null;
  switch (view.opcode) {
    case Opcode.get:
      return { kind: "get", account };
    case Opcode.deposit:
      return { kind: "deposit", account, amount: view.amount() };
    case Opcode.withdraw:
      return { kind: "withdraw", account, amount: view.amount() };
    case Opcode.move: {
      const target = decodePlainText(bytes, view.targetStart, view.targetEnd);
      if (target === null) return null;
      return { kind: "move", source: account, target, amount: view.amount() };
    }
    case Opcode.open: {
      const name = decodePlainText(bytes, view.nameStart, view.nameEnd);
      const address = decodePlainText(bytes, view.addressStart, view.addressEnd);
      if (name === null || address === null) return null;
      return { kind: "open", account, name, address, balance: view.amount() };
    }
    default:
      return unreachable(view.opcode);
  }
}

const BALANCE_BYTES = 8;

/**
 * Size of an encoded result with `balanceCount` (0 to 2, included) balances: its code (u8), then
 * the balances (i64, big endian).
 */
export function resultBytes(balanceCount: number): number {
  return 1 + BALANCE_BYTES * balanceCount;
}

/** The result that `bytes` hold, or null when they hold none. Never throws. */
export function decodeResult(bytes: Uint8Array): LedgerResult | null {
  const code = bytes.length === 0 ? undefined : RESULT_CODES[bytes[0] ?? 0];
  if (code === undefined) return null;
  if (code !== "ok") {
    return bytes.length === resultBytes(0) ? { code, balance: null, targetBalance: null } : null;
  }
  if (bytes.length !== resultBytes(1) && bytes.length !== resultBytes(2)) return null;
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const targetBalance =
    bytes.length === resultBytes(2) ? data.getBigInt64(1 + BALANCE_BYTES) : null;
  return { code, balance: data.getBigInt64(1), targetBalance };
}

function accountBytes(account: string): Uint8Array {
  return textBytes("account", account, 1, ACCOUNT_BYTES_MAX);
}

function textBytes(what: string, text: string, bytesMin: number, bytesMax: number): Uint8Array {
  const bytes = encodePlainText(text);
  if (bytes === null) {
    throw new OperationError(`The ${what} holds a control character, or half of a surrogate pair.`);
  }
  if (bytes.length < bytesMin) throw new OperationError(`The ${what} is empty.`);
  if (bytes.length > bytesMax) {
    throw new OperationError(`The ${what} has ${bytes.length} bytes; at most ${bytesMax} fit.`);
  }
  return bytes;
}

function pack(opcode: Opcode, amount: bigint | null, texts: readonly Uint8Array[]): Uint8Array {
  let length = amount === null ? 1 : 9;
  for (const text of texts) length += 1 + text.length;
  const bytes = new Uint8Array(length);
  bytes[0] = opcode;
  let offset = 1;
  if (amount !== null) {
    if (amount > BALANCE_MAX || amount < -BALANCE_MAX - 1n) {
      throw new OperationError(`The amount ${amount} does not fit 64 bits.`);
    }
    new DataView(bytes.buffer).setBigInt64(offset, amount);
    offset += 8;
  }
  for (const text of texts) {
    bytes[offset] = text.length;
    bytes.set(text, offset + 1);
    offset += 1 + text.length;
  }
  return bytes;
}
