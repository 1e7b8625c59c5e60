/*
 * The vocabulary: everything that replicas and clients say to each other, and everything that a
 * replica writes to its journal. Types only. The identity of a sender is never a field that counts
 * (AU5): it is the principal that authenticated the frame, or the signer of a signed message.
 *
 * `bytes` of a signed message is its canonical encoding as received, signature included: it is what
 * is digested, stored and forwarded, never a re-encoding (AU2).
 */
import type { Digest } from "./base/hasher.js";
import type { ClientId, ReplicaId, Seq, SessionId, Timestamp, View } from "./base/ids.js";

declare const verified: unique symbol;
/**
 * A message whose sender and digests were checked, and what else must prove it: a batch that others
 * vouch for needs no signatures. Only the ingress makes one.
 */
export type Verified<T> = T & { readonly [verified]?: true };

/** A client's signed bundle of operations. */
export interface Request {
  readonly kind: "request";
  readonly client: ClientId;
  readonly session: SessionId;
  readonly timestamp: Timestamp;
  /** The operations, a well-formed bundle (base/bundle.ts). */
  readonly bundle: Uint8Array;
  /** H(request, everything but the signature): what is signed and what the batch digest covers. */
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  /**
   * MACs of the digest by its client, that for replica i at 16 i (an authenticator, in Castro and
   * Liskov's word): whose own is right need not verify the signature of what the primary orders,
   * because the primary has (AU4). Empty where a batch came without. It may be wrong, since nothing
   * covers it but the frame that it comes in, and then the signature counts.
   */
  readonly authenticator: Uint8Array;
}

/** What the primary orders under one sequence number. Empty for the null batch. */
export interface Batch {
  readonly requests: readonly Request[];
  /**
   * H(batch, the request digests one after another): independent of view and sequence number (NC3).
   */
  readonly digest: Digest;
}

/** Introduces a client session to a replica, so that the replica knows where replies go. */
export interface Hello {
  readonly kind: "hello";
  readonly session: SessionId;
  /** Grows with every hello of the session, so that a recorded one is known for old. */
  readonly nonce: number;
}

/** Answer to a hello. */
export interface Welcome {
  readonly kind: "welcome";
  readonly session: SessionId;
  readonly view: View;
}

/** A bundle of read-only operations; authenticated by the frame's MAC alone. */
export interface Read {
  readonly kind: "read";
  readonly client: ClientId;
  readonly session: SessionId;
  /** Tells the reads of one session apart; a count of its own, apart from requests. */
  readonly nonce: number;
  readonly bundle: Uint8Array;
}

/** Why a request was answered without being executed. */
export const ReplyCode = {
  /** Executed: `results` holds one result for each operation. */
  executed: 0,
  /**
   * The session is older than those the client table still knows: at-most-once can't be told (EX2).
   */
  sessionExpired: 1,
  /**
   * What will come of it in a batch that is prepared in `view`: an answer only if Q say so of one
   * view (EX3).
   */
  tentative: 2,
} as const;
export type ReplyCode = (typeof ReplyCode)[keyof typeof ReplyCode];

/** Result of an ordered request. All fields but `view` are equal at all correct replicas (EX4). */
export interface Reply {
  readonly kind: "reply";
  readonly view: View;
  readonly session: SessionId;
  readonly timestamp: Timestamp;
  readonly seq: Seq;
  readonly code: ReplyCode;
  readonly results: Uint8Array;
}

/**
 * Result of a read. `view` and `seq` (state it was read from) may differ between correct replicas.
 */
export interface ReadReply {
  readonly kind: "read-reply";
  readonly view: View;
  readonly session: SessionId;
  readonly nonce: number;
  readonly seq: Seq;
  readonly results: Uint8Array;
}

/** A replica's word that it has no room for more work now; a hint, never counted in a quorum. */
export interface Busy {
  readonly kind: "busy";
  readonly session: SessionId;
  readonly timestamp: Timestamp;
}

/** Asks a replica's host, not its core, for its state; a clients' command. */
export interface Inspect {
  readonly kind: "inspect";
  readonly nonce: number;
}

/** The host's answer: UTF-8 JSON. Never digested, never ordered. */
export interface InspectReply {
  readonly kind: "inspect-reply";
  readonly nonce: number;
  readonly json: Uint8Array;
}

/** The primary's order: `batch` gets `seq` in `view` (NC3). */
export interface PrePrepare {
  readonly kind: "pre-prepare";
  readonly view: View;
  readonly seq: Seq;
  readonly batch: Batch;
}

/** A backup accepted the pre-prepare (NC5). */
export interface Prepare {
  readonly kind: "prepare";
  readonly view: View;
  readonly seq: Seq;
  readonly digest: Digest;
}

/** A replica is prepared, and its P-entry is durable (NC7). */
export interface Commit {
  readonly kind: "commit";
  readonly view: View;
  readonly seq: Seq;
  readonly digest: Digest;
}

/** Signed: the sender holds the state after `seq` durably (CK2). */
export interface Checkpoint {
  readonly kind: "checkpoint";
  readonly replica: ReplicaId;
  readonly seq: Seq;
  /** H(checkpoint, seq, service root, client table digest) (CK1). */
  readonly stateDigest: Digest;
  readonly bytes: Uint8Array;
}

/** A checkpoint as a view change names it. */
export interface CheckpointEntry {
  readonly seq: Seq;
  readonly stateDigest: Digest;
}

/** "This digest prepared here" (P) or "I accepted a pre-prepare for it" (Q), last in `view`. */
export interface CertificateEntry {
  readonly seq: Seq;
  readonly digest: Digest;
  readonly view: View;
}

/** Signed vote to leave the views below `view` (variant H of the rules). */
export interface ViewChange {
  readonly kind: "view-change";
  readonly replica: ReplicaId;
  readonly view: View;
  /** h: the last stable checkpoint of the sender. */
  readonly stableSeq: Seq;
  /** C: checkpoints the sender holds, ascending by seq; the stable one first. */
  readonly checkpoints: readonly CheckpointEntry[];
  /** P: at most one entry per seq, ascending. */
  readonly prepared: readonly CertificateEntry[];
  /** Q: ascending by seq; at most one entry per (seq, digest). */
  readonly prePrepared: readonly CertificateEntry[];
  readonly bytes: Uint8Array;
}

/** Signed by the primary of `view`: its decision and the votes that it follows from. */
export interface NewView {
  readonly kind: "new-view";
  readonly replica: ReplicaId;
  readonly view: View;
  /** V: at least Q valid votes for `view` from distinct replicas, ascending by replica. */
  readonly viewChanges: readonly ViewChange[];
  /** The chosen start checkpoint (min-s). */
  readonly checkpoint: CheckpointEntry;
  /**
   * X: the digest of every seq in (min-s, max-s], ascending, no gap. Null batches by their digest.
   */
  readonly chosen: readonly { readonly seq: Seq; readonly digest: Digest }[];
  readonly bytes: Uint8Array;
}

/** What the sender of a status holds for one sequence number in its present view. */
export interface SlotStatus {
  /** Whether it holds the pre-prepare, body included. */
  readonly hasBatch: boolean;
  /** Bit i: it holds replica i's PREPARE. */
  readonly preparesMask: number;
  /** Bit i: it holds replica i's COMMIT. */
  readonly commitsMask: number;
}

/** "Here is where I am; send what I lack" (RT1). */
export interface Status {
  readonly kind: "status";
  readonly view: View;
  /** False while a view change is under way at the sender. */
  readonly active: boolean;
  readonly stableSeq: Seq;
  readonly executedSeq: Seq;
  /** The slots above both `stableSeq` and `executedSeq`, from the first one on, without a gap. */
  readonly slots: readonly SlotStatus[];
  /** Bit i: the sender holds replica i's CHECKPOINT for the first checkpoint above `stableSeq`. */
  readonly checkpointsMask: number;
  /** While not active. Bit i: the sender holds replica i's VIEW-CHANGE for `view`. */
  readonly viewChangesMask: number;
  /** Digests of batches it must have and lacks (BA4, VC13). */
  readonly missingBatches: readonly Digest[];
}

/** A batch asked for by digest (BA4, VC13). Anyone may send it: its digest proves it. */
export interface BatchBody {
  readonly kind: "batch-body";
  readonly batch: Batch;
}

/** "Which batch was decided at `seq`?" (RO4). */
export interface DecisionQuery {
  readonly kind: "decision-query";
  readonly seq: Seq;
}

/**
 * The sender's voucher that `batch` is committed at `seq`; W equal ones prove it (RO4, MAC
 * variant).
 */
export interface Decision {
  readonly kind: "decision";
  readonly seq: Seq;
  readonly batch: Batch;
}

/** Asks for one piece of the state at checkpoint `seq` (ST1). */
export interface StateFetch {
  readonly kind: "state-fetch";
  readonly seq: Seq;
  readonly part: StatePart;
  readonly level: number;
  readonly index: number;
}

/** Which piece of a checkpoint's state. */
export const StatePart = {
  /** Digest of the tree's top node, page count, and the digests of the client table's entries. */
  summary: 0,
  /** Child digests of one inner node of the service's tree. */
  node: 1,
  /** One page of the service's state. */
  page: 2,
  /** One entry of the client table. */
  session: 3,
} as const;
export type StatePart = (typeof StatePart)[keyof typeof StatePart];

/** One piece of state. Anyone may send it: its parent's digest proves it. */
export interface StateData {
  readonly kind: "state-data";
  readonly seq: Seq;
  readonly part: StatePart;
  readonly level: number;
  readonly index: number;
  readonly data: Uint8Array;
}

/**
 * "I forgot my votes": asks where the other is, or, once that bounds what may have been voted for,
 * for help to get past it (RS4, PR3, PR4).
 */
export interface Rejoin {
  readonly kind: "rejoin";
  /** Drawn for this attempt: only answers to it count. */
  readonly nonce: number;
  /** H_R and V_R; both 0 while they are not known yet. */
  readonly seq: Seq;
  readonly view: View;
}

/** Where the sender is, for one that forgot its votes. */
export interface RejoinAnswer {
  readonly kind: "rejoin-answer";
  readonly nonce: number;
  /** The view it is in or changing to. */
  readonly view: View;
  /** It has executed at least every checkpoint that it ever voted for. */
  readonly executedSeq: Seq;
  /** The highest sequence number that prepared there; `executedSeq` at least. */
  readonly preparedSeq: Seq;
}

/** What replicas say to replicas. */
export type ReplicaMessage =
  | Request
  | PrePrepare
  | Prepare
  | Commit
  | Checkpoint
  | ViewChange
  | NewView
  | Status
  | BatchBody
  | DecisionQuery
  | Decision
  | StateFetch
  | StateData
  | Rejoin
  | RejoinAnswer;

/** What clients say to replicas. */
export type ClientMessage = Hello | Request | Read | Inspect;

/** What replicas say to clients. */
export type ReplyMessage = Welcome | Reply | ReadReply | Busy | InspectReply;

/** Everything that travels. */
export type Message = ReplicaMessage | ClientMessage | ReplyMessage;

/** A message that its sender signs, before the signature: the host adds `bytes`. */
export type Unsigned<T> = T extends unknown ? Omit<T, "bytes" | "digest" | "authenticator"> : never;

/** The signed messages of replicas. */
export type SignedMessage = Checkpoint | ViewChange | NewView;

/** What a replica must find again after a crash (2.12). Written in order, read in order. */
export type JournalRecord =
  /** Q-entry: a pre-prepare was sent or accepted. Holds the body. */
  | { readonly kind: "pre-prepared"; readonly view: View; readonly seq: Seq; readonly batch: Batch }
  /** P-entry: prepared. */
  | { readonly kind: "prepared"; readonly view: View; readonly seq: Seq; readonly digest: Digest }
  /** Committed-local: may be executed without asking anybody again. */
  | { readonly kind: "committed"; readonly seq: Seq; readonly digest: Digest }
  /** A body fetched for a chosen digest, with no vote of ours in it. */
  | { readonly kind: "body"; readonly seq: Seq; readonly batch: Batch }
  /** Votes for views below `vote.view` are over; the exact vote. */
  | { readonly kind: "view-change"; readonly vote: ViewChange }
  /** The view was installed. */
  | { readonly kind: "new-view"; readonly newView: NewView }
  /** Q signed CHECKPOINTs for one digest: the log up to `seq` is done with. */
  | { readonly kind: "stable"; readonly seq: Seq; readonly certificate: readonly Checkpoint[] }
  /** The same of a state that is not here yet: votes start above `seq`, the state is fetched. */
  | { readonly kind: "certified"; readonly seq: Seq; readonly certificate: readonly Checkpoint[] };
