import type { ClientId, ReplicaId, Seq, SessionId, Ticks } from "../../src/core/base/ids.js";
import type { LedgerOperation } from "../../src/core/ledger/operation.js";
import type { Digest } from "../../src/core/base/hasher.js";
import type {
  Batch,
  JournalRecord,
  ReplicaMessage,
  ReplyMessage,
  Request,
} from "../../src/core/message.js";
import type { RejectCode } from "../../src/core/pbft/reject.js";
import type { Replica } from "../../src/core/pbft/replica.js";

/** A batch that a replica executed, and what came of it. */
export interface ExecutedBatch {
  readonly seq: Seq;
  readonly batch: Batch;
  /** What was left of the batch once requests executed before were skipped. */
  readonly requests: readonly Request[];
  readonly results: readonly Uint8Array[];
  /** Root of the ledger's state after the batch. */
  readonly root: Digest;
}

/** What checkers look at of a replica's core. */
export type Core = Pick<
  Replica,
  "active" | "held" | "pendingCount" | "slotCount" | "stableSeq" | "view"
>;

/** How much a replica keeps around its core, of whoever makes it keep most (I11). */
export interface Kept {
  /** Messages and answers that wait for the journal. */
  readonly effects: number;
  /** Sessions of one client whose address is known. */
  readonly placesOfClient: number;
  /** Bytes of messages that still lack fragments. */
  readonly fragmentBytesOfReplica: number;
  readonly fragmentBytesOfClient: number;
  /** How long the oldest of those has been waiting for the rest. */
  readonly fragmentTicks: Ticks;
}

/**
 * What can be seen of correct replicas from outside. A checker implements what it needs, and throws
 * a `Violation` when it sees what must never happen. Calls come at the instant at which things
 * happen.
 */
export interface Watcher {
  /** A message leaves for other replicas. */
  onSend?(replica: ReplicaId, message: ReplicaMessage): void;
  /** A message leaves for a client. */
  onReply?(replica: ReplicaId, client: ClientId, message: ReplyMessage): void;
  /** The journal holds these records durably from now on. */
  onDurable?(replica: ReplicaId, records: readonly JournalRecord[]): void;
  /** The journal may forget records about sequence numbers up to `seq`. */
  onDiscard?(replica: ReplicaId, seq: Seq): void;
  /** The database holds the state after `seq` durably from now on. */
  onStored?(replica: ReplicaId, seq: Seq): void;
  onExecuted?(replica: ReplicaId, executed: ExecutedBatch): void;
  /** The replica's state was replaced by that after `seq`. */
  onInstalled?(replica: ReplicaId, seq: Seq, root: Digest): void;
  /** The replica starts (again) with what it found on its disk. */
  onStart?(replica: ReplicaId, records: readonly JournalRecord[], storedSeq: Seq): void;
  /** The replica's client table is that after `seq` now. */
  onTable?(replica: ReplicaId, seq: Seq, digest: Digest): void;
  /** The replica's disks are new, or what they held is damaged or gone. */
  onForgotten?(replica: ReplicaId): void;
  /** The replica's core took an event. */
  onStep?(replica: ReplicaId, core: Core): void;
  /** A turn of the replica's host ends. */
  onTurn?(replica: ReplicaId, host: { readonly kept: Kept }): void;
  /** The replica's core dropped a message. */
  onReject?(replica: ReplicaId, code: RejectCode): void;
}

/** What can be seen of clients. */
export interface ClientWatcher {
  onInvoke?(invocation: Invocation): void;
  onComplete?(completion: Completion): void;
}

/** A client begins an operation. */
export interface Invocation {
  /** Numbers the operations of a run, 0 and up. */
  readonly operation: number;
  readonly client: ClientId;
  readonly session: SessionId;
  readonly asked: LedgerOperation;
}

/** A client got the result of an operation. */
export interface Completion {
  readonly operation: number;
  readonly result: Uint8Array;
  readonly path: "read-only" | "ordered" | "ordered-after-read-only";
  /** Of an ordered operation: the batch it was executed in. */
  readonly seq: Seq;
}

type Checker = Watcher & ClientWatcher;

const CALLS = [
  "onSend",
  "onReply",
  "onDurable",
  "onDiscard",
  "onStored",
  "onExecuted",
  "onInstalled",
  "onStart",
  "onTable",
  "onForgotten",
  "onStep",
  "onTurn",
  "onReject",
  "onInvoke",
  "onComplete",
] as const satisfies readonly (keyof Checker)[];

/** Tells every checker. */
export class Watch {
  readonly #all: Checker;

  constructor(checkers: readonly Checker[]) {
    this.#all = Object.fromEntries(CALLS.map((call) => [call, joined(call, checkers)]));
  }

  /** Calls `tell` with one that stands for all checkers, in order. */
  tell(tell: (watcher: Checker) => void): void {
    tell(this.#all);
  }
}

type Call = (first: unknown, second: unknown, third: unknown) => void;

/** Calls those of `checkers` that implement `call`: most are asked about little of what happens. */
function joined(call: keyof Checker, checkers: readonly Checker[]): Call | undefined {
  const asked = checkers.filter((checker) => checker[call] !== undefined);
  if (asked.length === 0) return undefined;
  const callable = asked as unknown as readonly Readonly<Record<string, Call>>[];
  // Named, because a list for every call would cost more than most checks.
  return (first, second, third) => {
    for (const checker of callable) checker[call]?.(first, second, third);
  };
}
