import type { BundleWriter } from "../base/bundle.js";
import { RESULT_CODES, resultBytes, type ResultCode } from "./operation.js";

/** Appends results to bundles, to be read by `ResultReader`, without an object for each. */
export class ResultWriter {
  #buffer: Uint8Array = new Uint8Array(0);
  #data: DataView = new DataView(this.#buffer.buffer);

  /** Appends an error. */
  appendError(results: BundleWriter, code: ResultCode): void {
    const start = results.reserve(resultBytes(0));
    results.buffer()[start] = RESULT_CODES.indexOf(code);
  }

  /** Appends "ok" with the balance of the one account. */
  appendBalance(results: BundleWriter, balance: bigint): void {
    const start = results.reserve(resultBytes(1));
    const data = this.#dataOf(results.buffer());
    data.setUint8(start, 0);
    data.setBigInt64(start + 1, balance);
  }

  /** Appends "ok" with the balances of a move's source and target. */
  appendBalances(results: BundleWriter, balance: bigint, targetBalance: bigint): void {
    const start = results.reserve(resultBytes(2));
    const data = this.#dataOf(results.buffer());
    data.setUint8(start, 0);
    data.setBigInt64(start + 1, balance);
    data.setBigInt64(start + resultBytes(1), targetBalance);
  }

  #dataOf(buffer: Uint8Array): DataView {
    if (buffer !== this.#buffer) {
      this.#buffer = buffer;
      this.#data = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    }
    return this.#data;
  }
}
