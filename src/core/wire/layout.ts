import { DIGEST_BYTES } from "../base/hasher.js";
import type { Message } from "../message.js";
import { MAC_BYTES, SIGNATURE_BYTES } from "../crypto/crypto.js";
import { COUNTER_BYTES } from "./integers.js";

/*
 * A UDP datagram is one frame or more, one after another (big endian, fixed offsets):
 *
 *    0               16     18  19  20    24  25    27  28    30   32      36
 *   ┌───────────────┬──────┬───┬───┬─────┬───┬─────┬───┬─────┬────┬───────┬───────── ─ ─
 *   │ MAC           │magic │ver│knd│ tag │rol│ id  │rol│ id  │len │ epoch │ body
 *   └───────────────┴──────┴───┴───┴─────┴───┴─────┴───┴─────┴────┴───────┴───────── ─ ─
 *                                  cluster sender   receiver   of  of key
 *                                                            frame
 *
 * The MAC covers everything after itself (AU1, AU5). Frames of several principals of one host share
 * a datagram, and each stands for itself; a fragment is alone in its datagram. A packed body is a
 * sequence of messages, each after its length; a fragment's body is a piece of a packed body that
 * holds one large message:
 *
 *   packed    │ length u32 │ message │ length u32 │ message │ …
 *   fragment  │ message id u32 │ index u16 │ count u16 │ total bytes u32 │ chunk
 *
 * A message is its type (u8) and its fields. The fields of signed messages end in the signature.
 */

/** First two bytes after the MAC: "PB". */
export const MAGIC = 0x5042;

/** Version of everything in this folder; a frame of another version is dropped. */
export const WIRE_VERSION = 4;

/** How a frame's body is to be read. */
export const FrameKind = { packed: 0, fragment: 1 } as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

/** How a principal's role is written. */
export const RoleCode = { replica: 0, client: 1 } as const;

/** Offsets of a frame's fields, in bytes. */
export const FrameOffset = {
  magic: MAC_BYTES,
  version: MAC_BYTES + 2,
  kind: MAC_BYTES + 3,
  clusterTag: MAC_BYTES + 4,
  senderRole: MAC_BYTES + 8,
  senderId: MAC_BYTES + 9,
  receiverRole: MAC_BYTES + 11,
  receiverId: MAC_BYTES + 12,
  length: MAC_BYTES + 14,
  epoch: MAC_BYTES + 16,
  body: MAC_BYTES + 20,
} as const;

/** Size of everything before a frame's body. */
export const HEADER_BYTES = FrameOffset.body;

/** Size of the length before a message of a packed body, a request of a batch, a vote. */
export const LENGTH_BYTES = 4;

/** Size of a message's type. */
export const TYPE_BYTES = 1;

/**
 * The first byte of a message. The ranges say who may send it to whom: 0x01 clients to replicas,
 * 0x11 replicas to clients, 0x21 replicas to replicas; replicas also relay requests.
 */
export const MessageType = {
  request: 0x01,
  hello: 0x02,
  read: 0x03,
  inspect: 0x04,
  welcome: 0x11,
  reply: 0x12,
  "read-reply": 0x13,
  busy: 0x14,
  "inspect-reply": 0x15,
  "pre-prepare": 0x21,
  prepare: 0x22,
  commit: 0x23,
  checkpoint: 0x24,
  "view-change": 0x25,
  "new-view": 0x26,
  status: 0x27,
  "batch-body": 0x28,
  "decision-query": 0x29,
  decision: 0x2a,
  "state-fetch": 0x2b,
  "state-data": 0x2c,
  rejoin: 0x2d,
  "rejoin-answer": 0x2e,
} as const satisfies Record<Message["kind"], number>;

const KINDS = new Map<number, Message["kind"]>(
  Object.entries(MessageType).map(([kind, type]) => [type, kind as Message["kind"]]),
);

/** The kind whose type this is, or null. */
export function kindOfType(type: number): Message["kind"] | null {
  return KINDS.get(type) ?? null;
}

/** A request's fields before its bundle: type, client, session, timestamp. */
export const REQUEST_FIXED_BYTES = TYPE_BYTES + 2 + 2 * COUNTER_BYTES;

/** Smallest request: its bundle has a count and one empty operation. */
export const REQUEST_BYTES_MIN = REQUEST_FIXED_BYTES + 2 + 2 + SIGNATURE_BYTES;

/** Where a request holds its client. */
export const REQUEST_CLIENT_OFFSET = TYPE_BYTES;

/** Where every message signed by a replica holds the replica. */
export const SIGNER_OFFSET = TYPE_BYTES;

/** Size of an authenticator: a MAC for each replica. */
export function authenticatorBytes(replicaCount: number): number {
  return replicaCount * MAC_BYTES;
}

/** A pre-prepare's fields before its batch: type, view, sequence number, width. */
export const PRE_PREPARE_FIXED_BYTES = TYPE_BYTES + 2 * COUNTER_BYTES + 1;

/** Size of a batch's count. */
export const BATCH_COUNT_BYTES = 2;

/** A sequence number and a digest. */
export const CHECKPOINT_ENTRY_BYTES = COUNTER_BYTES + DIGEST_BYTES;

/** A sequence number, a digest and a view. */
export const CERTIFICATE_ENTRY_BYTES = 2 * COUNTER_BYTES + DIGEST_BYTES;

/** A checkpoint: type, replica, sequence number, digest, signature. */
export const CHECKPOINT_BYTES = TYPE_BYTES + 1 + CHECKPOINT_ENTRY_BYTES + SIGNATURE_BYTES;

/** A view-change's fields before its entries: type, replica, view, stable seq, three counts. */
const VIEW_CHANGE_FIXED_BYTES = TYPE_BYTES + 1 + 2 * COUNTER_BYTES + 3 * 2;

/** Smallest view-change: no entries. */
export const VIEW_CHANGE_BYTES_MIN = VIEW_CHANGE_FIXED_BYTES + SIGNATURE_BYTES;

/** A new-view's fields before its digests: type, replica, view, checkpoint, two counts. */
export const NEW_VIEW_FIXED_BYTES = TYPE_BYTES + 1 + COUNTER_BYTES + CHECKPOINT_ENTRY_BYTES + 2 + 1;
