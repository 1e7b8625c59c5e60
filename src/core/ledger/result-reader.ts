import { HEAP_ARRAY_BYTES_MAX } from "../base/bytes.js";
import { type LedgerResult, RESULT_CODES, resultBytes } from "./operation.js";

/** Reads results where they lie; one reader serves any number of bundles. */
export class ResultReader {
  readonly #small = new Uint8Array(new ArrayBuffer(HEAP_ARRAY_BYTES_MAX));
  readonly #smallData = new DataView(this.#small.buffer);
  #bytes: Uint8Array = new Uint8Array(0);
  #data: DataView = new DataView(this.#bytes.buffer);

  /** The result in `bytes`[`start`, `end`), or null when they hold none. Never throws. */
  read(bytes: Uint8Array, start: number, end: number): LedgerResult | null {
    const code = start === end ? undefined : RESULT_CODES[bytes[start] ?? 0];
    const length = end - start;
    if (code === undefined) return null;
    if (code !== "ok") {
      return length === resultBytes(0) ? { code, balance: null, targetBalance: null } : null;
    }
    if (length !== resultBytes(1) && length !== resultBytes(2)) return null;
    const data = this.#dataOf(bytes);
    const targetBalance =
      length === resultBytes(2) ? data.getBigInt64(start + resultBytes(1)) : null;
    return { code, balance: data.getBigInt64(start + 1), targetBalance };
  }

  #dataOf(bytes: Uint8Array): DataView {
    if (bytes.length <= HEAP_ARRAY_BYTES_MAX) {
      this.#small.set(bytes);
      return this.#smallData;
    }
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    return this.#data;
  }
}
