import { unreachable } from "../base/assert.js";
import type { BundleWriter } from "../base/bundle.js";
import {
  ACCOUNT_BYTES_MAX,
  ADDRESS_BYTES_MAX,
  BALANCE_MAX,
  NAME_BYTES_MAX,
} from "./account-row.js";
import { Opcode, OperationView } from "./operation-view.js";
import { decodePlainText, encodePlainText } from "../base/plain-text.js";

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

/**
 * Appends `operation` to a bundle; as `encodeOperation`, without an object for each where the
 * account's name is ASCII, as names of accounts nearly always are.
 * @throws OperationError with a sentence for the user; nothing is appended then.
 */
export function appendOperation(bundle: BundleWriter, operation: LedgerOperation): void {
  if (operation.kind === "deposit" || operation.kind === "withdraw") {
    const { kind, account, amount } = operation;
    if (isShortAscii(account) && isInt64(amount)) {
      const start = bundle.reserve(AMOUNT_END + 1 + account.length);
      const buffer = bundle.buffer();
      writeAmount(buffer, start, Opcode[kind], amount);
      writeAscii(buffer, start + AMOUNT_END, account);
      return;
    }
  } else if (operation.kind === "move") {
    const { source, target, amount } = operation;
    if (isShortAscii(source) && isShortAscii(target) && isInt64(amount)) {
      const start = bundle.reserve(AMOUNT_END + 2 + source.length + target.length);
      const buffer = bundle.buffer();
      writeAmount(buffer, start, Opcode.move, amount);
      writeAscii(buffer, start + AMOUNT_END, source);
      writeAscii(buffer, start + AMOUNT_END + 1 + source.length, target);
      return;
    }
  } else if (operation.kind === "get" && isShortAscii(operation.account)) {
    const start = bundle.reserve(2 + operation.account.length);
    const buffer = bundle.buffer();
    buffer[start] = Opcode.get;
    writeAscii(buffer, start + 1, operation.account);
    return;
  }
  bundle.append(encodeOperation(operation));
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

/** Largest amount that a double holds exactly: written without a `BigInt` operation. */
const SAFE_AMOUNT_MAX = BigInt(Number.MAX_SAFE_INTEGER);
const WORD = 0x1_0000_0000;

/**
 * Size of an encoded result with `balanceCount` (0 to 2, included) balances: its code (u8), then
 * the balances (i64, big endian).
 */
export function resultBytes(balanceCount: number): number {
  return 1 + BALANCE_BYTES * balanceCount;
}

/** Where an operation's account follows its amount. */
const AMOUNT_END = 1 + 8;

/** Whether `text` is an account's name of printable ASCII characters: one byte for each. */
function isShortAscii(text: string): boolean {
  const { length } = text;
  if (length === 0 || length > ACCOUNT_BYTES_MAX) return false;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}

function isInt64(amount: bigint): boolean {
  return amount <= BALANCE_MAX && amount >= -BALANCE_MAX - 1n;
}

function writeAmount(buffer: Uint8Array, start: number, opcode: Opcode, amount: bigint): void {
  buffer[start] = opcode;
  if (amount >= 0n && amount <= SAFE_AMOUNT_MAX) {
    const value = Number(amount);
    writeU32(buffer, start + 1, Math.floor(value / WORD));
    writeU32(buffer, start + 5, value % WORD);
  } else {
    new DataView(buffer.buffer, buffer.byteOffset).setBigInt64(start + 1, amount);
  }
}

function writeU32(buffer: Uint8Array, offset: number, value: number): void {
  buffer[offset] = value >>> 24;
  buffer[offset + 1] = value >>> 16;
  buffer[offset + 2] = value >>> 8;
  buffer[offset + 3] = value;
}

/** Writes a length and the characters after it. */
function writeAscii(buffer: Uint8Array, offset: number, text: string): void {
  const { length } = text;
  buffer[offset] = length;
  for (let index = 0; index < length; index += 1) {
    buffer[offset + 1 + index] = text.charCodeAt(index);
  }
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
    if (!isInt64(amount)) {
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
