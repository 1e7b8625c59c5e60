import type { ClientId, ReplicaId, Seq } from "../../../src/core/base/ids.js";
import {
  type JournalRecord,
  type ReplicaMessage,
  ReplyCode,
  type ReplyMessage,
} from "../../../src/core/message.js";
import { quorumsOf } from "../../../src/core/base/quorum.js";
import type { Replica } from "../../../src/core/pbft/replica.js";
import { Violation } from "../failure.js";
import { seqOf } from "../journal.js";
import type { SimOptions } from "../options.js";
import { describe } from "../story.js";
import type { ExecutedBatch, Watcher } from "../watch.js";

/** What one replica's disks hold, as far as messages depend on it. */
interface Held {
  /** By its key the sequence number that each record is about (0: none). */
  readonly records: Map<string, Seq>;
  /** Sequence numbers with a durable P-entry or a durable decision. */
  readonly promised: Set<Seq>;
  /** Sequence number and view of each durable P-entry. */
  readonly prepared: Set<string>;
  discardedSeq: Seq;
  /** The last batch that its process executed, or found executed. */
  executedSeq: Seq;
  /** The last stable checkpoint that was looked at. */
  checkedSeq: Seq;
  /** The last batch that its store ever held. */
  storedSeqMax: Seq;
  stableSeq: Seq;
  /** A quorum holds the state up to here, so nothing below is needed any more. */
  certifiedSeq: Seq;
  storedSeq: Seq;
  /** Its checkpoint votes that it once sent with the state behind them: those may be passed on. */
  readonly vouched: Set<string>;
}

/**
 * Persist before you speak (2.12): when a message leaves, what it promises is on the disk, whatever
 * the sender believes; and when a replica starts again, all of it is found.
 */
export class Promises implements Watcher {
  readonly #replicas = new Map<ReplicaId, Held>();
  readonly #options: SimOptions;

  constructor(options: SimOptions) {
    this.#options = options;
  }

  /** What is stable is held by a quorum: all of it but the liars does, durably (I10). */
  onStep(replica: ReplicaId, core: Replica): void {
    const held = this.#of(replica);
    const { stableSeq } = core;
    if (stableSeq <= held.checkedSeq) return;
    held.checkedSeq = stableSeq;
    const holders = [...this.#replicas.values()].filter((one) => one.storedSeqMax >= stableSeq);
    const { replicaCount, byzantine } = this.#options;
    if (holders.length >= quorumsOf(replicaCount).strong - byzantine.length) return;
    const what = `replica ${replica} takes ${stableSeq} for stable`;
    const sentence = `${what}, which ${holders.length} correct replicas hold`;
    throw new Violation("I10 checkpoint", sentence);
  }

  onDurable(replica: ReplicaId, records: readonly JournalRecord[]): void {
    for (const record of records) note(this.#of(replica), record);
  }

  onStored(replica: ReplicaId, seq: Seq): void {
    const held = this.#of(replica);
    held.storedSeq = seq;
    held.storedSeqMax = Math.max(held.storedSeqMax, seq);
  }

  onExecuted(replica: ReplicaId, { seq }: ExecutedBatch): void {
    this.#of(replica).executedSeq = seq;
  }

  onInstalled(replica: ReplicaId, seq: Seq): void {
    this.#of(replica).executedSeq = seq;
  }

  /**
   * Whether a client may have been told of batch `seq` before anybody executed it: as many correct
   * replicas as a quorum cannot do without are, or were, prepared in one view (EX3).
   */
  mayBeToldOf(seq: Seq): boolean {
    const { replicaCount, byzantine, protocol } = this.#options;
    if (!protocol.tentativeReplies) return false;
    const counts = new Map<string, number>();
    for (const { prepared } of this.#replicas.values()) {
      for (const entry of prepared) {
        if (entry.startsWith(`${seq} `)) counts.set(entry, (counts.get(entry) ?? 0) + 1);
      }
    }
    const needed = quorumsOf(replicaCount).strong - byzantine.length;
    return [...counts.values()].some((count) => count >= needed);
  }

  onDiscard(replica: ReplicaId, seq: Seq): void {
    const held = this.#of(replica);
    const isStored = seq <= held.stableSeq && seq <= held.storedSeq;
    if (!isStored && seq > held.certifiedSeq) {
      const known = `stable ${held.stableSeq}, stored ${held.storedSeq}`;
      const sentence = `replica ${replica} lets its journal forget ${seq}, ${known}`;
      throw new Violation("persist before send", sentence);
    }
    held.discardedSeq = seq;
  }

  /** Its disks answer for nothing any more; what they held at some time stays counted (I10). */
  onForgotten(replica: ReplicaId): void {
    const { storedSeqMax, vouched, prepared } = this.#of(replica);
    this.#replicas.delete(replica);
    const held = this.#of(replica);
    for (const entry of prepared) held.prepared.add(entry);
    held.storedSeqMax = storedSeqMax;
    for (const vote of vouched) held.vouched.add(vote);
  }

  onStart(replica: ReplicaId, records: readonly JournalRecord[], storedSeq: Seq): void {
    const held = this.#of(replica);
    held.executedSeq = storedSeq;
    const found = new Set(records.map((record) => keyOf(record)));
    for (const [key, seq] of held.records) {
      const isNeeded = seq > held.discardedSeq;
      if (isNeeded && !found.has(key)) {
        throw new Violation("recovery", `replica ${replica} does not find its record ${key}`);
      }
    }
    if (storedSeq < held.storedSeq) {
      const sentence = `replica ${replica} stored batch ${held.storedSeq} and finds ${storedSeq}`;
      throw new Violation("recovery", sentence);
    }
    held.storedSeq = storedSeq;
    held.storedSeqMax = Math.max(held.storedSeqMax, storedSeq);
    // What reached the disk without being reported counts from here on.
    for (const record of records) note(held, record);
  }

  onSend(replica: ReplicaId, message: ReplicaMessage): void {
    const held = this.#of(replica);
    const needed = recordBehind(replica, message);
    if (needed !== null && !held.records.has(needed)) this.#fail(replica, message, needed);
    if (message.kind !== "checkpoint" || message.replica !== replica) return;
    const vote = textOf(message.bytes);
    if (held.storedSeq >= message.seq) held.vouched.add(vote);
    else if (!held.vouched.has(vote)) this.#fail(replica, message, "that state in its store");
  }

  onReply(replica: ReplicaId, _client: ClientId, message: ReplyMessage): void {
    if (message.kind !== "reply" || message.seq === 0) return;
    const held = this.#of(replica);
    const { seq, view, code } = message;
    if (code !== ReplyCode.tentative && held.executedSeq < seq) {
      const sentence = `replica ${replica} replies as if it had executed ${seq}`;
      throw new Violation("persist before send", sentence);
    }
    // What is told of a batch that may not be decided is a vote of that very view (EX3).
    const isKept =
      code === ReplyCode.tentative
        ? held.prepared.has(`${seq} ${view}`)
        : held.storedSeq >= seq || held.promised.has(seq);
    if (!isKept) {
      const what = `replica ${replica} replies about ${message.seq}`;
      const sentence = `${what}, of which its disk knows nothing`;
      throw new Violation("persist before send", sentence);
    }
  }

  #fail(replica: ReplicaId, message: ReplicaMessage, needed: string): never {
    const sentence = `replica ${replica} sends ${describe(message)} without ${needed} on its disk`;
    throw new Violation("persist before send", sentence);
  }

  #of(replica: ReplicaId): Held {
    const known = this.#replicas.get(replica);
    if (known !== undefined) return known;
    const held = {
      records: new Map<string, Seq>(),
      promised: new Set<Seq>(),
      prepared: new Set<string>(),
      discardedSeq: 0,
      executedSeq: 0,
      checkedSeq: 0,
      storedSeqMax: 0,
      stableSeq: 0,
      certifiedSeq: 0,
      storedSeq: 0,
      vouched: new Set<string>(),
    };
    this.#replicas.set(replica, held);
    return held;
  }
}

function note(held: Held, record: JournalRecord): void {
  if (record.kind !== "stable") held.records.set(keyOf(record), seqOf(record));
  if (record.kind === "prepared" || record.kind === "committed") held.promised.add(record.seq);
  if (record.kind === "prepared") held.prepared.add(`${record.seq} ${record.view}`);
  if (record.kind === "stable") held.stableSeq = Math.max(held.stableSeq, record.seq);
  if (record.kind === "certified") held.certifiedSeq = Math.max(held.certifiedSeq, record.seq);
}

/** Names a record: its kind, its sequence number (0: about none), and its content. */
function keyOf(record: JournalRecord): string {
  switch (record.kind) {
    case "pre-prepared":
      return `pre-prepared ${record.seq} ${record.view} ${textOf(record.batch.digest)}`;
    case "prepared":
      return `prepared ${record.seq} ${record.view} ${textOf(record.digest)}`;
    case "committed":
      return `committed ${record.seq} ${textOf(record.digest)}`;
    case "body":
      return `body ${record.seq} ${textOf(record.batch.digest)}`;
    case "view-change":
      return `view-change 0 ${record.vote.view} ${textOf(record.vote.bytes)}`;
    case "new-view":
      return `new-view 0 ${record.newView.view} ${textOf(record.newView.bytes)}`;
    case "stable":
    case "certified":
      return `${record.kind} 0 ${record.seq}`;
  }
}

/** The record that must be durable before `message` leaves, or null (2.12). */
function recordBehind(replica: ReplicaId, message: ReplicaMessage): string | null {
  switch (message.kind) {
    case "pre-prepare":
      return `pre-prepared ${message.seq} ${message.view} ${textOf(message.batch.digest)}`;
    case "prepare":
      return `pre-prepared ${message.seq} ${message.view} ${textOf(message.digest)}`;
    case "commit":
      return `prepared ${message.seq} ${message.view} ${textOf(message.digest)}`;
    case "view-change":
      return message.replica === replica
        ? `view-change 0 ${message.view} ${textOf(message.bytes)}`
        : null;
    case "new-view":
      return `new-view 0 ${message.view} ${textOf(message.bytes)}`;
    default:
      return null;
  }
}

/** Hexadecimal, by one native call: there are many keys. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}
