import { encodePlainText } from "../base/plain-text.js";
import { ENTRY_KEY_BYTES_MAX, ENTRY_VALUE_BYTES_MAX } from "./entry-row.js";
import type { EntryWriter } from "./entry-service.js";
import type { EntryTable } from "./entry-table.js";

/**
 * What one operation sees and changes: nothing of it is in the table before it is applied, so that
 * an operation that throws changed nothing (BK1). It ends with the operation: what a program does
 * later, in a callback or with what it kept, must neither change nor see what replicas agree on.
 */
export class EntryChanges implements EntryWriter {
  readonly #table: EntryTable;
  /** In the order in which they came first; null: removed. */
  readonly #values = new Map<string, Uint8Array | null>();
  readonly #mayWrite: boolean;
  #added = 0;
  #isOver = false;

  constructor(table: EntryTable, mayWrite: boolean) {
    this.#table = table;
    this.#mayWrite = mayWrite;
  }

  get count(): number {
    this.#mustGoOn();
    return this.#table.entryCount + this.#added;
  }

  get(key: string): Uint8Array | null {
    const value = this.#value(key);
    return value === null ? null : new Uint8Array(value);
  }

  has(key: string): boolean {
    return this.#value(key) !== null;
  }

  *keys(): IterableIterator<string> {
    this.#mustGoOn();
    for (const key of this.#table.keys()) {
      if (this.#values.get(key) !== null) yield key;
      this.#mustGoOn();
    }
    for (const [key, value] of this.#values) {
      if (value !== null && this.#table.value(key) === null) yield key;
      this.#mustGoOn();
    }
  }

  set(key: string, value: Uint8Array): void {
    this.#mustBeWritable();
    checkKey(key);
    if (!(value instanceof Uint8Array)) throw new TypeError("A value is a Uint8Array.");
    const kept = new Uint8Array(value);
    if (kept.length > ENTRY_VALUE_BYTES_MAX) {
      throw new RangeError(`A value is up to ${ENTRY_VALUE_BYTES_MAX} bytes.`);
    }
    if (!this.has(key)) this.#added += 1;
    this.#values.set(key, kept);
  }

  delete(key: string): boolean {
    this.#mustBeWritable();
    if (!this.has(key)) return false;
    this.#added -= 1;
    this.#values.set(key, null);
    return true;
  }

  /** The operation is over. */
  end(): void {
    this.#isOver = true;
  }

  /** Makes the changes in the table: removals first, so that what is new finds their slots. */
  apply(): void {
    this.#mustGoOn();
    for (const [key, value] of this.#values) if (value === null) this.#table.delete(key);
    for (const [key, value] of this.#values) if (value !== null) this.#table.set(key, value);
  }

  #value(key: string): Uint8Array | null {
    this.#mustGoOn();
    const changed = this.#values.get(key);
    return changed === undefined ? this.#table.value(key) : changed;
  }

  #mustGoOn(): void {
    if (this.#isOver) throw new RangeError("The operation is over: its state is no more.");
  }

  #mustBeWritable(): void {
    this.#mustGoOn();
    if (!this.#mayWrite) throw new RangeError("A read changes nothing.");
  }
}

function checkKey(key: string): void {
  const bytes = typeof key === "string" ? encodePlainText(key) : null;
  if (bytes !== null && bytes.length > 0 && bytes.length <= ENTRY_KEY_BYTES_MAX) return;
  throw new RangeError(
    `A key is 1 to ${ENTRY_KEY_BYTES_MAX} bytes of UTF-8 without control characters.`,
  );
}
