import { assert } from "../base/assert.js";
import { FairRoom } from "../base/fair-room.js";
import { Domain, type Digest, type Hasher } from "../base/hasher.js";
import type { AppendId, ReplicaId, Seq, Ticks, View } from "../base/ids.js";
import { primaryOf } from "../base/ids.js";
import { HELD_READS_BYTES_MAX } from "../base/limits.js";
import { quorumsOf, type Quorums } from "../base/quorum.js";
import type { Service } from "../base/service.js";
import type {
  Commit,
  JournalRecord,
  NewView,
  Read,
  ReplicaMessage,
  ReplyMessage,
  Request,
} from "../message.js";
import { type CheckpointBegun, CheckpointBook, type StableCertificate } from "./checkpoint-book.js";
import { ClientTable } from "./client-table.js";
import type { Effect } from "./effect.js";
import { GuestBook } from "./guest-book.js";
import { Log } from "./log.js";
import { PeerBook } from "./peer-book.js";
import { checkOptions, type ReplicaOptions } from "./options.js";
import { PrimaryMonitor } from "./primary-monitor.js";
import { ReadingLeave } from "./reading-leave.js";
import type { Rejoin } from "./rejoin.js";
import { RequestPool } from "./request-pool.js";
import type { SessionEntry } from "./session-entry.js";
import { genesisDigestOf } from "./state-digest.js";
import type { Slot } from "./slot.js";
import { StateTransfer, type FetchedState } from "./state-transfer.js";
import { ViewChangeBook } from "./view-change-book.js";
import { ViewTimer } from "./view-timer.js";

/** A commit of our own that counts once its P-entry is durable (2.12). */
interface OwnCommit {
  readonly append: AppendId;
  readonly view: View;
  readonly seq: Seq;
  readonly digest: Digest;
  /** When it was appended. */
  readonly sinceTicks: Ticks;
}

/** An execution that was asked of the host and not yet answered. */
interface Execution {
  readonly seq: Seq;
  readonly requests: readonly Request[];
}

/** Fetched state that the host was asked to install and has not yet. */
interface Installation {
  readonly certificate: StableCertificate;
  readonly fetched: FetchedState;
  readonly entries: readonly SessionEntry[];
}

/** A batch that was answered and is not executed yet. */
interface TentativeBatch {
  readonly seq: Seq;
  readonly digest: Digest;
  /** What is executed of it, and the results that were told. */
  readonly requests: readonly Request[];
  readonly results: readonly Uint8Array[];
  /** Whether its clients need no other answer. */
  isEnough: boolean;
}

/** A COMMIT that waits for something to leave with it, once `append` is durable. */
interface HeldCommit {
  readonly commit: Commit;
  readonly append: AppendId;
  readonly sinceTicks: Ticks;
}

/** A read that waits until batch `seq` is executed. */
interface HeldRead {
  readonly read: Read;
  readonly seq: Seq;
}

/** Most events ask for nothing. */
const NO_EFFECTS: readonly Effect[] = [];

/** Why a view was left; counted for the operator. */
export type ViewChangeReason =
  | "request-timeout"
  | "new-view-timeout"
  | "joined"
  | "faulty-primary"
  | "slow-primary"
  | "stranded"
  | "abdicated"
  | "rejoin";

/**
 * The whole state of one replica. The handlers in the other files of this room act on it; only
 * `Replica` calls them.
 */
export class State {
  readonly options: ReplicaOptions;
  readonly quorums: Quorums;
  readonly hasher: Hasher;
  readonly service: Service;
  readonly nullBatchDigest: Digest;

  readonly log: Log;
  readonly clients: ClientTable;
  readonly pool: RequestPool;
  readonly checkpoints: CheckpointBook;
  readonly viewChanges: ViewChangeBook;
  readonly peers: PeerBook;
  readonly monitor: PrimaryMonitor;
  readonly timer: ViewTimer;
  readonly transfer: StateTransfer;
  readonly leave: ReadingLeave;
  /** The replicas that forgot their votes and ask for help (PR3). */
  readonly guests: GuestBook;

  /** The present view, or the one being changed to. */
  view: View = 0;
  /** False from the vote for `view` until its NEW-VIEW is installed (VC1). */
  active = true;
  /** The NEW-VIEW that installed the present view; null in view 0 (CK7). */
  newView: NewView | null = null;
  /** True once this replica's state was found to differ from a stable checkpoint (CK4). */
  diverged = false;
  /** No more votes for checkpoints up to here: a state that had diverged was voted for (CK4). */
  recantedSeq: Seq = 0;
  /** How far this replica is with taking part again, if it forgot its votes (RS4); else null. */
  rejoin: Rejoin | null = null;
  /** Whether this replica restarted in a view that it led: it hands the lead on. */
  abdicated = false;

  /** The last batch executed. */
  executedSeq: Seq = 0;
  /** The last batch whose effects the store holds durably. */
  storedSeq: Seq = 0;
  /** A checkpoint whose root the host has not told yet; it is not stored before that. */
  checkpointBegun: CheckpointBegun | null = null;
  /** The last sequence number this primary assigned in the present view. */
  assignedSeq: Seq = 0;
  /** The last sequence number that a batch was accepted for. */
  acceptedSeqMax: Seq = 0;
  /** When a request last waited for an answer, or a batch that holds some was accepted. */
  usedTicks: Ticks = -Infinity;
  /** The most requests that were pending when this primary ordered, of late (batcher.ts). */
  pendingPeak = 0;
  /** Reads are refused until this much is executed again after a restart or a repair (RO6). */
  readBarrierSeq: Seq = 0;
  executing: Execution | null = null;
  /** The batches after the last one executed that were answered in this view, in order (EX3). */
  readonly tentative: TentativeBatch[] = [];
  /** The last batch that was ever answered tentatively: reads wait for it (RO1). */
  tentativeSeqMax: Seq = 0;
  /** Reads that wait for what was answered. */
  readonly heldReads = new FairRoom<HeldRead>(HELD_READS_BYTES_MAX);
  /** COMMITs that wait for something to leave with. */
  readonly heldCommits: HeldCommit[] = [];
  /** The step in which it was heard that others may wait for those, and for which. */
  commitsAwaited: { readonly step: number; readonly seq: Seq } | null = null;
  /** Up to here no COMMIT is held, since a read had to wait. */
  hurrySeqMax: Seq = 0;
  /** Events taken. */
  stepCount = 0;
  /**
   * By client, the last batch of which a request of its was selected for execution: only a hint of
   * whether there is another one to look for.
   */
  readonly selectedIn: Seq[];
  installing: Installation | null = null;
  /** Since when others have a stable checkpoint that our log does not lead to. */
  behindSinceTicks: Ticks | null = null;
  /** Since when more than f others say that they lack the batch that was executed last here. */
  stranded: { readonly seq: Seq; readonly sinceTicks: Ticks } | null = null;
  /** When the present state was last offered to replicas that lag. */
  offeredTicks: Ticks = -Infinity;
  /** The append of our vote for `view`; it is sent again only once that is durable. */
  voteAppend: AppendId = 0;
  /** The append of `newView`. */
  newViewAppend: AppendId = 0;
  /** Why the primary of the present view is to be voted out, if it is. */
  suspicion: ViewChangeReason | null = null;
  /** In order of `append`. */
  ownCommits: OwnCommit[] = [];

  /** Stable checkpoints whose records are not yet known to be durable, in order. */
  discardAfter: { readonly append: AppendId; readonly seq: Seq }[] = [];

  /** Slots that changed since conclusions were last drawn. */
  readonly touched = new Set<Slot>();

  /** Where this replica was when it last made progress, and when it last sent a status. */
  status = { executedSeq: 0, view: 0, sinceTicks: 0, sentTicks: 0 };

  now: Ticks = 0;
  /**
   * The clock by which it is told how long requests and batches wait: while fetched state is read
   * in it stands still, as far as `leave` goes.
   */
  waitTicks: Ticks = 0;
  /** By that clock, when everything up to the batch that was executed last was decided here. */
  orderedTicks: Ticks = 0;
  /** Highest append known to be durable. */
  durableAppend: AppendId = 0;
  viewChangeCounts = new Map<ViewChangeReason, number>();

  #lastAppend: AppendId = 0;
  #effects: Effect[] = [];

  constructor(options: ReplicaOptions, hasher: Hasher, service: Service) {
    checkOptions(options);
    this.options = options;
    this.hasher = hasher;
    this.service = service;
    this.quorums = quorumsOf(options.replicaCount);
    this.nullBatchDigest = hasher.digest(Domain.batch, new Uint8Array(0));
    this.log = new Log(options.replicaCount, options.windowSlots);
    this.clients = new ClientTable(hasher, options.clientCount);
    this.selectedIn = new Array<Seq>(options.clientCount).fill(0);
    this.pool = new RequestPool(options.clientCount, options.pendingPerClientMax);
    this.checkpoints = new CheckpointBook(options.replicaCount);
    this.viewChanges = new ViewChangeBook(options.replicaCount);
    this.peers = new PeerBook(options.replicaCount);
    this.monitor = new PrimaryMonitor(options);
    this.timer = new ViewTimer(options);
    this.transfer = new StateTransfer(hasher, service, options.viewChangeTicksMax);
    this.leave = new ReadingLeave(options.viewChangeTicksMax);
    this.guests = new GuestBook(options.replicaCount);
    this.checkpoints.stabilize({ seq: 0, stateDigest: genesisDigestOf(hasher), votes: [] });
  }

  get self(): ReplicaId {
    return this.options.self;
  }

  /** The primary of the present view. */
  get primary(): ReplicaId {
    return primaryOf(this.view, this.options.replicaCount);
  }

  /** Whether this replica may order batches now. */
  get leads(): boolean {
    return this.primary === this.self && this.active && !this.abdicated && this.mayVote;
  }

  /** Whether this replica may send PRE-PREPARE, PREPARE, COMMIT and CHECKPOINT (CK4, RS4). */
  get mayVote(): boolean {
    return !this.diverged && this.rejoin === null;
  }

  /** The number of the last append asked for; 0 before the first. */
  get lastAppend(): AppendId {
    return this.#lastAppend;
  }

  emit(effect: Effect): void {
    this.#effects.push(effect);
  }

  /** Asks for `record` to be made durable. */
  append(record: JournalRecord): AppendId {
    this.#lastAppend += 1;
    this.emit({ kind: "append", id: this.#lastAppend, record });
    return this.#lastAppend;
  }

  sendTo(id: ReplicaId, message: ReplicaMessage, after: AppendId | null = null): void {
    assert(id !== this.self, "a replica does not send to itself");
    this.emit({ kind: "send", to: { kind: "replica", id }, message, after });
  }

  sendOthers(message: ReplicaMessage, after: AppendId | null = null): void {
    this.emit({ kind: "send", to: { kind: "others" }, message, after });
  }

  reply(
    to: { readonly client: number; readonly session: number },
    message: ReplyMessage,
    after: AppendId | null,
  ): void {
    this.emit({ kind: "reply", client: to.client, session: to.session, message, after });
  }

  takeEffects(): readonly Effect[] {
    if (this.#effects.length === 0) return NO_EFFECTS;
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}
