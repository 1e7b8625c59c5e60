import { ACCOUNT_BYTES_MAX, ADDRESS_BYTES_MAX, NAME_BYTES_MAX } from "./account-row.js";
import { decodePlainText } from "../base/plain-text.js";

/*
 * An operation on the wire. Amounts are signed and big endian; a text is its length and its UTF-8.
 *
 *   get         │ 1 │ account │
 *   deposit     │ 2 │ amount i64  │ account │
 *   withdraw    │ 3 │ amount i64  │ account │
 *   move        │ 4 │ amount i64  │ source  │ target │
 *   open        │ 5 │ balance i64 │ account │ name   │ address │
 *                                   └ length u8 │ bytes
 */

/** First byte of an operation. */
export const Opcode = { get: 1, deposit: 2, withdraw: 3, move: 4, open: 5 } as const;
export type Opcode = (typeof Opcode)[keyof typeof Opcode];

const AMOUNT_BYTES = 8;

/** Reads operations where they lie: one view serves any number of them and allocates nothing. */
export class OperationView {
  opcode: Opcode = Opcode.get;
  /**
   * The account; the source of a move. Ranges are offsets into the attached bytes, end excluded.
   */
  accountStart = 0;
  accountEnd = 0;
  /** Move only. */
  targetStart = 0;
  targetEnd = 0;
  /** Open only, like the address. */
  nameStart = 0;
  nameEnd = 0;
  addressStart = 0;
  addressEnd = 0;

  #bytes: Uint8Array = new Uint8Array(0);
  #amountOffset = 0;
  /** A copy of the amount, to be read as a whole: a view of each bundle takes longer to make. */
  readonly #amountBytes = new Uint8Array(AMOUNT_BYTES);
  readonly #amount = new DataView(this.#amountBytes.buffer);
  /** Where the operation ends, while it is parsed. */
  #end = 0;

  /** Takes the buffer that the next operations lie in. */
  attach(bytes: Uint8Array): void {
    this.#bytes = bytes;
  }

  /**
   * Reads the operation at [`start`, `end`) of the attached bytes; false when there is none. It
   * does not look into the texts: see `hasPlainTexts`. Never throws.
   */
  parse(start: number, end: number): boolean {
    this.#end = end;
    switch (start < end ? this.#bytes[start] : 0) {
      case Opcode.get:
        this.opcode = Opcode.get;
        return this.#parseAccount(start + 1) === end;
      case Opcode.deposit:
        this.opcode = Opcode.deposit;
        return this.#parseAccount(this.#parseAmount(start + 1)) === end;
      case Opcode.withdraw:
        this.opcode = Opcode.withdraw;
        return this.#parseAccount(this.#parseAmount(start + 1)) === end;
      case Opcode.move:
        this.opcode = Opcode.move;
        return this.#parseTarget(this.#parseAccount(this.#parseAmount(start + 1))) === end;
      case Opcode.open:
        this.opcode = Opcode.open;
        return this.#parseCustomer(this.#parseAccount(this.#parseAmount(start + 1))) === end;
      default:
        return false;
    }
  }

  /** The amount, or the opening balance; as sent, so perhaps negative. Not for `get`. */
  amount(): bigint {
    for (let index = 0; index < AMOUNT_BYTES; index += 1) {
      this.#amountBytes[index] = this.#bytes[this.#amountOffset + index] ?? 0;
    }
    return this.#amount.getBigInt64(0);
  }

  /**
   * Whether the texts of the operation are plain. An account that was found is: so only those who
   * refuse an operation, or open an account, need to ask.
   */
  hasPlainTexts(): boolean {
    if (!this.#isPlain(this.accountStart, this.accountEnd)) return false;
    switch (this.opcode) {
      case Opcode.move:
        return this.#isPlain(this.targetStart, this.targetEnd);
      case Opcode.open:
        return (
          this.#isPlain(this.nameStart, this.nameEnd) &&
          this.#isPlain(this.addressStart, this.addressEnd)
        );
      default:
        return true;
    }
  }

  /** Whether source and target of a move are the same account. */
  isSelfMove(): boolean {
    if (this.accountEnd - this.accountStart !== this.targetEnd - this.targetStart) return false;
    for (let offset = this.accountStart; offset < this.accountEnd; offset += 1) {
      const there = this.targetStart + offset - this.accountStart;
      if (this.#bytes[offset] !== this.#bytes[there]) return false;
    }
    return true;
  }

  #isPlain(start: number, end: number): boolean {
    return decodePlainText(this.#bytes, start, end) !== null;
  }

  /* Each parser takes where its part starts and returns where the next one does, or -1. */

  #parseAmount(start: number): number {
    this.#amountOffset = start;
    return start + AMOUNT_BYTES <= this.#end ? start + AMOUNT_BYTES : -1;
  }

  #parseAccount(start: number): number {
    this.accountStart = start + 1;
    this.accountEnd = this.#parseText(start, ACCOUNT_BYTES_MAX);
    return this.accountEnd > this.accountStart ? this.accountEnd : -1;
  }

  #parseTarget(start: number): number {
    this.targetStart = start + 1;
    this.targetEnd = this.#parseText(start, ACCOUNT_BYTES_MAX);
    return this.targetEnd > this.targetStart ? this.targetEnd : -1;
  }

  #parseCustomer(start: number): number {
    this.nameStart = start + 1;
    this.nameEnd = this.#parseText(start, NAME_BYTES_MAX);
    this.addressStart = this.nameEnd + 1;
    this.addressEnd = this.#parseText(this.nameEnd, ADDRESS_BYTES_MAX);
    return this.addressEnd;
  }

  #parseText(start: number, bytesMax: number): number {
    if (start < 0 || start >= this.#end) return -1;
    const length = this.#bytes[start] ?? 0;
    const end = start + 1 + length;
    return length <= bytesMax && end <= this.#end ? end : -1;
  }
}
