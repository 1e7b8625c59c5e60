import { DIGEST_BYTES, Domain } from "../base/hasher.js";
import type { Principal } from "../base/ids.js";
import { BATCH_BYTES_MAX, BATCH_REQUESTS_MAX, REQUEST_BYTES_MAX } from "../base/limits.js";
import { MAC_BYTES, SIGNATURE_BYTES } from "../crypto/crypto.js";
import type { Message } from "../message.js";
import type { CheckList } from "./check-list.js";
import { COUNTER_BYTES, readU16, readU32 } from "./integers.js";
import {
  authenticatorBytes,
  BATCH_COUNT_BYTES,
  kindOfType,
  LENGTH_BYTES,
  MessageType,
  NEW_VIEW_FIXED_BYTES,
  PRE_PREPARE_FIXED_BYTES,
  REQUEST_BYTES_MIN,
  REQUEST_CLIENT_OFFSET,
  SIGNER_OFFSET,
  TYPE_BYTES,
} from "./layout.js";
import type { WireReject } from "./reject.js";
import { authenticatorKey, principalNumber } from "./roster.js";
import type { Scope } from "./scope.js";

/*
 * Finds, in bytes that nobody vouched for yet, what must be digested and whose signature or MAC
 * must be checked, so that one job of a worker does all of it, but for signatures of requests whose
 * MACs turn out to be wrong (doubts.ts). Looks at lengths, counts and signers only; whether the
 * rest makes sense is for the decoder to say, once the bytes have an author.
 */

/** What is known of one message of a body before anything is verified. */
export type PlannedMessage = RejectedMessage | AdmittedMessage;

interface RejectedMessage {
  /** Why it is dropped unseen. It has no checks. */
  readonly reject: WireReject;
}

/** A message worth its checks. */
export interface AdmittedMessage {
  readonly reject: null;
  readonly kind: Message["kind"];
  /** Where the message is in the body's bytes; `start` included, `end` excluded. */
  readonly start: number;
  readonly end: number;
  /** Its checks, by number: `checkFirst` included, `checkEnd` excluded. All must pass. */
  readonly checkFirst: number;
  readonly checkEnd: number;
  /** Number of the first digest that its checks compute. */
  readonly digestFirst: number;
}

/**
 * Adds to `list` what must be verified in the packed body [`start`, `end`) of `bytes`, and returns
 * its messages in order. What cannot be delimited ends the walk with one reject.
 */
export function planBody(
  bytes: Uint8Array,
  start: number,
  end: number,
  scope: Scope,
  list: CheckList,
): PlannedMessage[] {
  const messages: PlannedMessage[] = [];
  let offset = start;
  while (offset < end) {
    const itemEnd = endOfItem(bytes, offset, end);
    if (itemEnd === null) {
      messages.push({ reject: "wire/truncated" });
      return messages;
    }
    messages.push(planMessage(bytes, offset + LENGTH_BYTES, itemEnd, scope, list));
    offset = itemEnd;
  }
  return messages;
}

/** As `planBody`, for one message that fills [`start`, `end`) without a length before it. */
export function planMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  scope: Scope,
  list: CheckList,
): PlannedMessage {
  const type = bytes[start] ?? 0;
  const kind = kindOfType(type);
  if (kind === null) return { reject: "wire/unknown-type" };
  if (!maySend(scope.from, type, scope.roster.self)) return { reject: "wire/wrong-role" };
  const before = list.mark();
  const reject = scanMessage(kind, { bytes, start, end, scope, list });
  if (reject !== null) {
    list.rewind(before);
    return { reject };
  }
  const { checks: checkFirst, digests: digestFirst } = before;
  return { reject, kind, start, end, checkFirst, checkEnd: list.checks.length, digestFirst };
}

/** Where the item ends whose length is at `offset`, or null when that is past `end`. */
function endOfItem(bytes: Uint8Array, offset: number, end: number): number | null {
  if (end - offset < LENGTH_BYTES + TYPE_BYTES) return null;
  const length = readU32(bytes, offset);
  const itemEnd = offset + LENGTH_BYTES + length;
  return length < TYPE_BYTES || itemEnd > end ? null : itemEnd;
}

/** A stretch of bytes to be scanned, and where to put what is found. */
interface Range {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly scope: Scope;
  readonly list: CheckList;
}

function scanMessage(kind: Message["kind"], range: Range): WireReject | null {
  const { start } = range;
  switch (kind) {
    case "request":
      return scanOwnRequest(range);
    case "pre-prepare":
      return scanPrePrepare(range);
    case "batch-body":
      return scanBatch(range, start + TYPE_BYTES, scanDigest);
    case "decision":
      return scanBatch(range, start + TYPE_BYTES + COUNTER_BYTES, scanDigest);
    case "checkpoint":
      return scanSigned(range, Domain.checkpoint);
    case "view-change":
      return scanSigned(range, Domain.viewChange);
    case "new-view":
      return scanNewView(range);
    default:
      return null;
  }
}

/** Whether `from` may send a message of this type to `to`; the ranges of `MessageType` say so. */
function maySend(from: Principal, type: number, to: Principal): boolean {
  if (to.role === "client") return from.role === "replica" && type >> 4 === 1;
  if (from.role === "client") return type >> 4 === 0;
  return type >> 4 === 2 || type === MessageType.request;
}

/**
 * A request in a frame of its own: from its client, or relayed by a replica. Whoever takes it may
 * have to order it, so nothing but the signature counts.
 */
function scanOwnRequest(range: Range): WireReject | null {
  const { bytes, start, scope } = range;
  const end = range.end - authenticatorBytes(scope.roster.replicaCount);
  const reject = scanSignature(range, start, end);
  if (reject !== null || scope.from.role === "replica") return reject;
  const client = readU16(bytes, start + REQUEST_CLIENT_OFFSET);
  return client === scope.from.id ? null : "request/wrong-client";
}

/** The digest of a request of a batch: what W replicas vouch for needs no signature. */
function scanDigest(range: Range, start: number, end: number): WireReject | null {
  const { bytes, scope, list } = range;
  if (bytes[start] !== MessageType.request) return "wire/unknown-type";
  if (end - start < REQUEST_BYTES_MIN) return "wire/truncated";
  if (end - start > REQUEST_BYTES_MAX) return "request/too-large";
  const id = readU16(bytes, start + REQUEST_CLIENT_OFFSET);
  if (id >= scope.roster.clientCount) return "request/unknown-client";
  list.digest(Domain.request, start, end - SIGNATURE_BYTES);
  return null;
}

/** A request that its client's signature must prove. */
function scanSignature(range: Range, start: number, end: number): WireReject | null {
  const { bytes, scope, list } = range;
  const reject = scanDigest(range, start, end);
  if (reject !== null) return reject;
  const id = readU16(bytes, start + REQUEST_CLIENT_OFFSET);
  const key = principalNumber(scope.roster, { role: "client", id });
  list.signature(key, list.digestCount - 1, end - SIGNATURE_BYTES);
  return null;
}

/**
 * A pre-prepare: each request is its client's if this replica's MAC of its authenticator is right,
 * or else its signature (AU4). The primary, which must not be blamed for what others can't verify,
 * has verified the signature.
 */
function scanPrePrepare(range: Range): WireReject | null {
  const { bytes, start, end, scope } = range;
  const batchStart = start + PRE_PREPARE_FIXED_BYTES;
  if (end - batchStart < BATCH_COUNT_BYTES) return "wire/truncated";
  const { replicaCount, self } = scope.roster;
  const width = (bytes[batchStart - 1] ?? 0) * MAC_BYTES;
  if (width === 0) return scanBatch(range, batchStart, scanSignature);
  if (width !== authenticatorBytes(replicaCount)) return "pre-prepare/bad-authenticators";
  const count = readU16(bytes, batchStart);
  if (count === 0) return "pre-prepare/bad-authenticators";
  if (count > BATCH_REQUESTS_MAX) return "batch/too-many-requests";
  const tailStart = end - width * count;
  if (tailStart < batchStart) return "wire/truncated";
  let tag = tailStart + self.id * MAC_BYTES;
  return scanBatch({ ...range, end: tailStart }, batchStart, (items, itemStart, itemEnd) => {
    const reject = scanAuthenticated(items, itemStart, itemEnd, tag);
    tag += width;
    return reject;
  });
}

/** A request whose MAC for this replica is at `tag`. */
function scanAuthenticated(
  range: Range,
  start: number,
  end: number,
  tag: number,
): WireReject | null {
  const { bytes, scope, list } = range;
  const reject = scanDigest(range, start, end);
  if (reject !== null) return reject;
  const id = readU16(bytes, start + REQUEST_CLIENT_OFFSET);
  list.authenticator({
    macKey: authenticatorKey(scope.roster, id),
    tag,
    publicKey: principalNumber(scope.roster, { role: "client", id }),
    start,
    signature: end - SIGNATURE_BYTES,
  });
  return null;
}

/** Scans one item, from `start` to `end`, of the stretch that `range` is. */
type Scan = (range: Range, start: number, end: number) => WireReject | null;

/** A batch from `start` to the end of `range`. */
function scanBatch(range: Range, start: number, scan: Scan): WireReject | null {
  const { bytes, end, list } = range;
  if (end - start < BATCH_COUNT_BYTES) return "wire/truncated";
  const count = readU16(bytes, start);
  if (count > BATCH_REQUESTS_MAX) return "batch/too-many-requests";
  if (end - start > BATCH_COUNT_BYTES + count * LENGTH_BYTES + BATCH_BYTES_MAX) {
    return count === 0 ? "wire/trailing-bytes" : "batch/too-large";
  }
  const digestFirst = list.digestCount;
  const reject = scanItems(range, start + BATCH_COUNT_BYTES, end, count, scan);
  if (reject === null) list.digestOfDigests(Domain.batch, digestFirst, count);
  return reject;
}

/** `count` items with their lengths, which fill [`start`, `end`). */
function scanItems(
  range: Range,
  start: number,
  end: number,
  count: number,
  scan: Scan,
): WireReject | null {
  let offset = start;
  for (let index = 0; index < count; index += 1) {
    const itemEnd = endOfItem(range.bytes, offset, end);
    if (itemEnd === null) return "wire/truncated";
    const reject = scan(range, offset + LENGTH_BYTES, itemEnd);
    if (reject !== null) return reject;
    offset = itemEnd;
  }
  return offset === end ? null : "wire/trailing-bytes";
}

/** A message signed by the replica that it names. */
function scanSigned(
  range: Range,
  domain: Domain,
  start = range.start,
  end = range.end,
): WireReject | null {
  const { bytes, scope, list } = range;
  const signature = end - SIGNATURE_BYTES;
  if (signature <= start + SIGNER_OFFSET) return "wire/truncated";
  const id = bytes[start + SIGNER_OFFSET] ?? 0;
  if (id >= scope.roster.replicaCount) return "wire/unknown-replica";
  const key = principalNumber(scope.roster, { role: "replica", id });
  list.signature(key, list.digest(domain, start, signature), signature);
  return null;
}

function scanVote(range: Range, start: number, end: number): WireReject | null {
  if (range.bytes[start] !== MessageType["view-change"]) return "wire/unknown-type";
  return scanSigned(range, Domain.viewChange, start, end);
}

/** A new-view: its own signature first, then those of its votes. */
function scanNewView(range: Range): WireReject | null {
  const { bytes, start, end, scope } = range;
  const fixedEnd = start + NEW_VIEW_FIXED_BYTES;
  const votesEnd = end - SIGNATURE_BYTES;
  if (fixedEnd > votesEnd) return "wire/truncated";
  const chosenCount = readU16(bytes, fixedEnd - 3);
  const voteCount = bytes[fixedEnd - 1] ?? 0;
  if (voteCount > scope.roster.replicaCount) return "new-view/too-many-entries";
  const votesStart = fixedEnd + chosenCount * DIGEST_BYTES;
  if (votesStart > votesEnd) return "wire/truncated";
  const reject = scanSigned(range, Domain.newView);
  return reject ?? scanItems(range, votesStart, votesEnd, voteCount, scanVote);
}
