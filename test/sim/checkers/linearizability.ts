import { type LedgerOperation } from "../../../src/core/ledger/operation.js";
import { ResultReader } from "../../../src/core/ledger/result-reader.js";
import { bytesEqual } from "../../../src/core/base/bytes.js";
import { Violation } from "../failure.js";
import type { ClientWatcher, Completion, Invocation } from "../watch.js";
import type { Auditor } from "./auditor.js";

/** An operation that was begun. */
interface Begun {
  readonly asked: LedgerOperation;
  /** Every operation completed before it began stands at or before this position. */
  readonly floor: number;
}

/**
 * Whether clients see one bank (I8). The order of execution is the witness: an operation that ended
 * before another began must stand before it, and a read must have seen an account as it was at one
 * position that fits in between. Each read takes the earliest such position, which leaves the most
 * room for all later ones, so the search never has to go back. An acknowledged write must be in the
 * history by then, with the very result that the client was told (I7).
 */
export class Linearizability implements ClientWatcher {
  readonly #auditor: Auditor;
  readonly #begun = new Map<number, Begun>();
  #floor = 0;
  completedCount = 0;

  constructor(auditor: Auditor) {
    this.#auditor = auditor;
  }

  onInvoke({ operation, asked }: Invocation): void {
    this.#begun.set(operation, { asked, floor: this.#floor });
  }

  onComplete(completion: Completion): void {
    const begun = this.#begun.get(completion.operation);
    if (begun === undefined) throw new Error("what completes was begun");
    this.completedCount += 1;
    const position =
      begun.asked.kind === "get"
        ? this.#placeRead(begun, begun.asked.account, completion)
        : this.#placeWrite(begun, completion);
    this.#floor = Math.max(this.#floor, position);
  }

  #placeWrite(begun: Begun, completion: Completion): number {
    const { operation, result, seq } = completion;
    const place = this.#auditor.placeOf(operation);
    if (place === null) {
      const sentence = `operation ${operation} was acknowledged, but nobody executed it`;
      throw new Violation("I7 durability", sentence);
    }
    if (place.seq !== seq || !bytesEqual(place.result, result)) {
      const sentence = `the client of operation ${operation} was told another result than executed`;
      throw new Violation("I8 linearizability", sentence);
    }
    if (place.position <= begun.floor) {
      const sentence = `operation ${operation} took effect before one that ended before it began`;
      throw new Violation("I8 linearizability", sentence);
    }
    return place.position;
  }

  #placeRead(begun: Begun, account: string, completion: Completion): number {
    const { operation, path, seq } = completion;
    const auditor = this.#auditor;
    const { length } = completion.result;
    const result = new ResultReader().read(completion.result, 0, length);
    const isOrdered = path !== "read-only";
    const first = isOrdered ? (auditor.endOf(seq - 1) ?? 0) : 0;
    const last = isOrdered ? (auditor.endOf(seq) ?? 0) : auditor.position;
    const from = Math.max(first, begun.floor);
    const candidates = [from, ...auditor.changesAfter(account, from)];
    const found = candidates.find(
      (position) => position <= last && auditor.balanceAt(account, position) === result?.balance,
    );
    if (found !== undefined) return found;
    const seen = String(result?.balance ?? result?.code);
    const sentence =
      `read ${operation} (${path}) of ${account} returned ${seen}, ` +
      `but between positions ${from} and ${last} it never held that`;
    throw new Violation("I8 linearizability", sentence);
  }
}
