import { type LedgerOperation } from "../../../src/core/ledger/operation.js";
import { ResultReader } from "../../../src/core/ledger/result-reader.js";
import { bytesEqual } from "../../../src/core/base/bytes.js";
import type { Seq } from "../../../src/core/base/ids.js";
import { Violation } from "../failure.js";
import type { ClientWatcher, Completion, Invocation } from "../watch.js";
import type { Auditor } from "./auditor.js";

/** An operation that was begun. */
interface Begun {
  readonly asked: LedgerOperation;
  /** Every operation completed before it began stands at or before this position. */
  readonly floor: number;
  /** How many were completed before it began and not executed anywhere. */
  readonly earlyCount: number;
}

/** An operation whose client was told the result. */
interface Completed {
  readonly begun: Begun;
  readonly completion: Completion;
}

/**
 * Whether clients see one bank (I8). The order of execution is the witness: an operation that ended
 * before another began must stand before it, and a read must have seen an account as it was at one
 * position that fits in between. Each read takes the earliest such position, which leaves the most
 * room for all later ones, so the search never has to go back. An acknowledged write must be in the
 * history when another operation that began after it is, or at the end, with the very result that
 * the client was told (I7).
 */
export class Linearizability implements ClientWatcher {
  readonly #auditor: Auditor;
  readonly #mayBeToldOf: (seq: Seq) => boolean;
  readonly #begun = new Map<number, Begun>();
  /**
   * What had not been executed anywhere when its client was told (EX3), in that order; what was
   * since is still here.
   */
  readonly #early: Completed[] = [];
  /** Of those that have their place: the highest position up to each. */
  readonly #earlyHighest: number[] = [];
  #floor = 0;
  completedCount = 0;

  /** @param mayBeToldOf whether a client may know of a batch that nobody executed yet. */
  constructor(auditor: Auditor, mayBeToldOf: (seq: Seq) => boolean) {
    this.#auditor = auditor;
    this.#mayBeToldOf = mayBeToldOf;
  }

  onInvoke({ operation, asked }: Invocation): void {
    this.#placeEarly(this.#early.length);
    this.#begun.set(operation, { asked, floor: this.#floor, earlyCount: this.#early.length });
  }

  onComplete(completion: Completion): void {
    const begun = this.#begun.get(completion.operation);
    if (begun === undefined) throw new Error("what completes was begun");
    this.completedCount += 1;
    const early = { begun, completion };
    if (this.#isExecuted(early)) this.#placeAfterEarly(early);
    else if (this.#mayBeToldOf(completion.seq)) this.#early.push(early);
    else {
      const what = `operation ${completion.operation} was acknowledged in ${completion.seq}`;
      throw new Violation("I7 durability", `${what}, which nobody executed`);
    }
  }

  /** The run is over: what clients were told is executed by now (I7). */
  conclude(): void {
    if (this.#placeEarly(this.#early.length)) return;
    const missing = this.#early[this.#earlyHighest.length]?.completion.operation;
    const sentence = `operation ${missing} was acknowledged, but nobody executed it`;
    throw new Violation("I7 durability", sentence);
  }

  /** Finds the place of what stands behind all that was completed before it began. */
  #placeAfterEarly(completed: Completed): void {
    if (!this.#placeEarly(completed.begun.earlyCount)) {
      const missing = this.#early[this.#earlyHighest.length]?.completion.operation;
      const sentence = `an operation has its place before ${missing}, which ended before it began`;
      throw new Violation("I8 linearizability", sentence);
    }
    this.#floor = Math.max(this.#floor, this.#place(completed));
  }

  /** Finds the places of the first `count` early ones; returns whether all have one. */
  #placeEarly(count: number): boolean {
    while (this.#earlyHighest.length < count) {
      const early = this.#early[this.#earlyHighest.length];
      if (early === undefined || !this.#isExecuted(early)) return false;
      const position = this.#place(early);
      this.#earlyHighest.push(Math.max(this.#earlyHighest.at(-1) ?? 0, position));
      this.#floor = Math.max(this.#floor, position);
    }
    return true;
  }

  #isExecuted({ begun, completion }: Completed): boolean {
    const { operation, path, seq } = completion;
    if (begun.asked.kind !== "get") return this.#auditor.placeOf(operation) !== null;
    return path === "read-only" || this.#auditor.endOf(seq) !== null;
  }

  #place({ begun, completion }: Completed): number {
    // Those early ones that it has to stand behind have their places by now.
    const floor = Math.max(begun.floor, this.#earlyHighest[begun.earlyCount - 1] ?? 0);
    const { asked } = begun;
    return asked.kind === "get"
      ? this.#placeRead(asked.account, floor, completion)
      : this.#placeWrite(floor, completion);
  }

  #placeWrite(floor: number, completion: Completion): number {
    const { operation, result, seq } = completion;
    const place = this.#auditor.placeOf(operation);
    if (place?.seq !== seq || !bytesEqual(place.result, result)) {
      const sentence = `the client of operation ${operation} was told another result than executed`;
      throw new Violation("I8 linearizability", sentence);
    }
    if (place.position <= floor) {
      const sentence = `operation ${operation} took effect before one that ended before it began`;
      throw new Violation("I8 linearizability", sentence);
    }
    return place.position;
  }

  #placeRead(account: string, floor: number, completion: Completion): number {
    const { operation, path, seq } = completion;
    const auditor = this.#auditor;
    const { length } = completion.result;
    const result = new ResultReader().read(completion.result, 0, length);
    const isOrdered = path !== "read-only";
    const first = isOrdered ? (auditor.endOf(seq - 1) ?? 0) : 0;
    const last = isOrdered ? (auditor.endOf(seq) ?? 0) : auditor.position;
    const from = Math.max(first, floor);
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
