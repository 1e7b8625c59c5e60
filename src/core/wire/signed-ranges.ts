import { DIGEST_BYTES, Domain } from "../base/hasher.js";
import type { Principal } from "../base/ids.js";
import { BATCH_BYTES_MAX, BATCH_REQUESTS_MAX, REQUEST_BYTES_MAX } from "../base/limits.js";
import { SIGNATURE_BYTES } from "../crypto/crypto.js";
import type { Message } from "../message.js";
import type { CheckList } from "./check-list.js";
import { COUNTER_BYTES, readU16, readU32 } from "./integers.js";
import {
  kindOfType,
  LENGTH_BYTES,
  MessageType,
  NEW_VIEW_FIXED_BYTES,
  REQUEST_BYTES_MIN,
  REQUEST_CLIENT_OFFSET,
  SIGNER_OFFSET,
  TYPE_BYTES,
} from "./layout.js";
import type { WireReject } from "./reject.js";
import { BATCH_COUNT_BYTES } from "./request-codec.js";
import { principalNumber } from "./roster.js";
import type { Scope } from "./scope.js";

/*
 * Finds, in bytes that nobody vouched for yet, what must be digested and whose signature must be
 * checked, so that one job of a worker does all of it. Looks at lengths, counts and signers only;
 * whether the rest makes sense is for the decoder to say, once the bytes have an author.
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
  const kind = kindOfType(bytes[start] ?? 0);
  if (kind === null) return { reject: "wire/unknown-type" };
  if (!maySend(scope.from, kind, scope.roster.self)) return { reject: "wire/wrong-role" };
  const checkFirst = list.checks.length;
  const digestFirst = list.digestCount;
  const reject = scanMessage(kind, { bytes, start, end, scope, list });
  if (reject !== null) {
    list.rewind(checkFirst, digestFirst);
    return { reject };
  }
  const checkEnd = list.checks.length;
  return { reject, kind, start, end, checkFirst, checkEnd, digestFirst };
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
      return scanBatch(range, start + TYPE_BYTES + 2 * COUNTER_BYTES);
    case "batch-body":
      return scanBatch(range, start + TYPE_BYTES);
    case "decision":
      return scanBatch(range, start + TYPE_BYTES + COUNTER_BYTES);
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

/** Whether `from` may send a message of this kind to `to`; the ranges of `MessageType` say so. */
function maySend(from: Principal, kind: Message["kind"], to: Principal): boolean {
  const type = MessageType[kind];
  if (to.role === "client") return from.role === "replica" && type >> 4 === 1;
  if (from.role === "client") return type >> 4 === 0;
  return type >> 4 === 2 || kind === "request";
}

/** A request in a frame of its own: from its client, or relayed by a replica. */
function scanOwnRequest(range: Range): WireReject | null {
  const { bytes, start, scope } = range;
  const reject = scanRequest(range);
  if (reject !== null || scope.from.role === "replica") return reject;
  const client = readU16(bytes, start + REQUEST_CLIENT_OFFSET);
  return client === scope.from.id ? null : "request/wrong-client";
}

function scanRequest(range: Range): WireReject | null {
  const { bytes, start, end, scope, list } = range;
  if (bytes[start] !== MessageType.request) return "wire/unknown-type";
  if (end - start < REQUEST_BYTES_MIN) return "wire/truncated";
  if (end - start > REQUEST_BYTES_MAX) return "request/too-large";
  const id = readU16(bytes, start + REQUEST_CLIENT_OFFSET);
  if (id >= scope.roster.clientCount) return "request/unknown-client";
  const key = principalNumber(scope.roster, { role: "client", id });
  const signature = end - SIGNATURE_BYTES;
  list.signature(key, list.digest(Domain.request, start, signature), signature);
  return null;
}

/** A batch from `start` to the end of `range`. */
function scanBatch(range: Range, start: number): WireReject | null {
  const { bytes, end, list } = range;
  if (end - start < BATCH_COUNT_BYTES) return "wire/truncated";
  const count = readU16(bytes, start);
  if (count > BATCH_REQUESTS_MAX) return "batch/too-many-requests";
  if (end - start > BATCH_COUNT_BYTES + count * LENGTH_BYTES + BATCH_BYTES_MAX) {
    return count === 0 ? "wire/trailing-bytes" : "batch/too-large";
  }
  const digestFirst = list.digestCount;
  const reject = scanItems(range, start + BATCH_COUNT_BYTES, end, count, scanRequest);
  if (reject === null) list.digestOfDigests(Domain.batch, digestFirst, count);
  return reject;
}

/** `count` items with their lengths, which fill [`start`, `end`). */
function scanItems(
  range: Range,
  start: number,
  end: number,
  count: number,
  scan: (item: Range) => WireReject | null,
): WireReject | null {
  let offset = start;
  for (let index = 0; index < count; index += 1) {
    const itemEnd = endOfItem(range.bytes, offset, end);
    if (itemEnd === null) return "wire/truncated";
    const reject = scan({ ...range, start: offset + LENGTH_BYTES, end: itemEnd });
    if (reject !== null) return reject;
    offset = itemEnd;
  }
  return offset === end ? null : "wire/trailing-bytes";
}

/** A message signed by the replica that it names. */
function scanSigned(range: Range, domain: Domain): WireReject | null {
  const { bytes, start, end, scope, list } = range;
  const signature = end - SIGNATURE_BYTES;
  if (signature <= start + SIGNER_OFFSET) return "wire/truncated";
  const id = bytes[start + SIGNER_OFFSET] ?? 0;
  if (id >= scope.roster.replicaCount) return "wire/unknown-replica";
  const key = principalNumber(scope.roster, { role: "replica", id });
  list.signature(key, list.digest(domain, start, signature), signature);
  return null;
}

function scanVote(range: Range): WireReject | null {
  if (range.bytes[range.start] !== MessageType["view-change"]) return "wire/unknown-type";
  return scanSigned(range, Domain.viewChange);
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
