import { bytesEqual } from "../../../src/core/base/bytes.js";
import { bundleItems } from "../../../src/core/base/bundle.js";
import type { Digest } from "../../../src/core/base/hasher.js";
import type { ReplicaId, Seq } from "../../../src/core/base/ids.js";
import { decodeOperation } from "../../../src/core/ledger/operation.js";
import type { Request } from "../../../src/core/message.js";
import { Violation } from "../failure.js";
import { short } from "../story.js";
import type { ClientWatcher, Completion, ExecutedBatch, Invocation, Watcher } from "../watch.js";
import type { AuditedOperation, Auditor } from "./auditor.js";

/** A batch as the first correct replica executed it. */
interface Decided {
  readonly digest: Digest;
  /** Root of the state after it, as the first replica that got there had it. */
  readonly root: Digest;
  readonly results: readonly Uint8Array[];
}

/**
 * The one history of the cluster: the first correct replica that executes a batch writes it down,
 * and every other one, and every life of every one, must do the same (I1, I2), in order and once
 * (I4). What the batch does is predicted from the operations alone (I9), and every operation in it
 * must have been asked for by its client (I3).
 */
export class History implements Watcher, ClientWatcher {
  readonly auditor: Auditor;
  readonly #decided: Decided[] = [];
  /** The client table after each batch, as the first replica that got there had it. */
  readonly #tables = new Map<Seq, Digest>();
  readonly #executed = new Map<ReplicaId, Seq>();
  readonly #lastTimestamps = new Map<string, number>();
  readonly #asked = new Map<number, Invocation>();
  #toldSeq: Seq = 0;

  readonly #correctClientCount: number;

  /** @param correctClientCount clients with this number and above may ask for anything. */
  constructor(auditor: Auditor, correctClientCount: number) {
    this.auditor = auditor;
    this.#correctClientCount = correctClientCount;
  }

  /** The last batch that any correct replica executed, or that a client was told of. */
  get headSeq(): Seq {
    return Math.max(this.#decided.length, this.#toldSeq);
  }

  onComplete({ path, seq }: Completion): void {
    if (path !== "read-only") this.#toldSeq = Math.max(this.#toldSeq, seq);
  }

  onInvoke(invocation: Invocation): void {
    this.#asked.set(invocation.operation, invocation);
  }

  onStart(replica: ReplicaId, _records: unknown, storedSeq: Seq): void {
    this.#executed.set(replica, storedSeq);
  }

  onInstalled(replica: ReplicaId, seq: Seq, root: Digest): void {
    const decided = this.#decided[seq - 1];
    if (decided === undefined) {
      throw new Violation("I2 state", `replica ${replica} installs batch ${seq}, which nobody has`);
    }
    if (!bytesEqual(decided.root, root)) {
      throw new Violation("I2 state", `replica ${replica} installs another state after ${seq}`);
    }
    this.#executed.set(replica, seq);
  }

  onExecuted(replica: ReplicaId, executed: ExecutedBatch): void {
    const { seq, batch, root } = executed;
    const before = this.#executed.get(replica) ?? 0;
    if (seq !== before + 1) {
      throw new Violation("I4 at most once", `replica ${replica} executes ${seq} after ${before}`);
    }
    this.#executed.set(replica, seq);
    if (seq === this.#decided.length + 1) this.#decide(executed);
    const decided = this.#decided[seq - 1];
    if (decided === undefined || !bytesEqual(decided.digest, batch.digest)) {
      const others = decided === undefined ? "nothing" : short(decided.digest);
      const sentence = `at ${seq}, ${replica} executes ${short(batch.digest)}, others ${others}`;
      throw new Violation("I1 agreement", sentence);
    }
    if (!bytesEqual(decided.root, root)) {
      throw new Violation("I2 state", `replica ${replica} has another state after batch ${seq}`);
    }
  }

  /** The client table is part of the state too (I2). */
  onTable(replica: ReplicaId, seq: Seq, digest: Digest): void {
    const known = this.#tables.get(seq);
    if (known === undefined) this.#tables.set(seq, digest);
    else if (!bytesEqual(known, digest)) {
      throw new Violation("I2 state", `replica ${replica} has another client table after ${seq}`);
    }
  }

  #decide({ seq, batch, requests, results, root }: ExecutedBatch): void {
    this.#decided.push({ digest: batch.digest, root, results });
    for (const [index, request] of requests.entries()) {
      this.#checkOrder(request);
      const operations = this.#operationsOf(request);
      this.auditor.execute(seq, request.client, operations, bundleItems(results[index] ?? EMPTY));
    }
    this.auditor.endBatch(seq);
  }

  /** Timestamps of a session only grow (I4). */
  #checkOrder({ client, session, timestamp }: Request): void {
    const key = `${client}/${session}`;
    if (timestamp <= (this.#lastTimestamps.get(key) ?? 0)) {
      const sentence = `request ${timestamp} of session ${key} is executed a second time`;
      throw new Violation("I4 at most once", sentence);
    }
    this.#lastTimestamps.set(key, timestamp);
  }

  #operationsOf(request: Request): AuditedOperation[] {
    return bundleItems(request.bundle).map((bytes) => {
      const operation = decodeOperation(bytes);
      if (request.client >= this.#correctClientCount) return { operation, number: null };
      if (operation === null) throw new Violation("I3 validity", "a client never sends garbage");
      if (operation.kind === "get" || operation.kind === "open") return { operation, number: null };
      const number = Number(operation.amount) - 1;
      const asked = this.#asked.get(number);
      if (asked?.client !== request.client || asked.asked.kind !== operation.kind) {
        const what = `a ${operation.kind} of ${operation.amount}`;
        const sentence = `${what} that client ${request.client} never asked for`;
        throw new Violation("I3 validity", sentence);
      }
      return { operation, number };
    });
  }
}

const EMPTY = Uint8Array.of(0, 0);
