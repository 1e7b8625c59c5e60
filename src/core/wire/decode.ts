import { assert } from "../base/assert.js";
import { HEAP_ARRAY_BYTES_MAX } from "../base/bytes.js";
import type { Verdict } from "../crypto/check.js";
import type { Message } from "../message.js";
import {
  decodeBusy,
  decodeHello,
  decodeInspect,
  decodeInspectReply,
  decodeRead,
  decodeReadReply,
  decodeReply,
  decodeWelcome,
} from "./client-codec.js";
import {
  decodeBatchBody,
  decodeCommit,
  decodeDecision,
  decodeDecisionQuery,
  decodePrepare,
  decodePrePrepare,
} from "./normal-case-codec.js";
import { Reader } from "./reader.js";
import type { WireReject } from "./reject.js";
import { decodeRejoin, decodeRejoinAnswer } from "./rejoin-codec.js";
import { decodeRequest } from "./request-codec.js";
import type { Scope } from "./scope.js";
import type { AdmittedMessage, PlannedMessage } from "./signed-ranges.js";
import { decodeStateData, decodeStateFetch } from "./state-transfer-codec.js";
import { decodeStatus } from "./status-codec.js";
import { decodeCheckpoint, decodeNewView, decodeViewChange } from "./view-change-codec.js";

type Decoder = (reader: Reader, scope: Scope) => Message;

const DECODERS: Readonly<Record<Message["kind"], Decoder>> = {
  request: decodeRequest,
  hello: decodeHello,
  read: decodeRead,
  inspect: decodeInspect,
  welcome: decodeWelcome,
  reply: decodeReply,
  "read-reply": decodeReadReply,
  busy: decodeBusy,
  "inspect-reply": decodeInspectReply,
  "pre-prepare": decodePrePrepare,
  prepare: decodePrepare,
  commit: decodeCommit,
  checkpoint: decodeCheckpoint,
  "view-change": decodeViewChange,
  "new-view": decodeNewView,
  status: decodeStatus,
  "batch-body": decodeBatchBody,
  "decision-query": decodeDecisionQuery,
  decision: decodeDecision,
  "state-fetch": decodeStateFetch,
  "state-data": decodeStateData,
  rejoin: decodeRejoin,
  "rejoin-answer": decodeRejoinAnswer,
};

/**
 * What a failed check is called, by kind of the message that it makes worthless (AU4). Of a message
 * without signatures nothing can fail, but a verifier that ends looks at nothing.
 */
const FAILED: Readonly<Partial<Record<Message["kind"], WireReject>>> = {
  "batch-body": "wire/unverified",
  decision: "wire/unverified",
  request: "request/bad-signature",
  "pre-prepare": "pre-prepare/bad-request-signature",
  checkpoint: "checkpoint/bad-signature",
  "view-change": "view-change/bad-signature",
  "new-view": "new-view/bad-vote-signature",
};

/** A new-view's own checks come before those of its votes: a digest and a signature. */
const NEW_VIEW_SIGNATURE_CHECK = 1;

/** Messages of which views stay in memory after they were handled. */
const HELD: ReadonlySet<Message["kind"]> = new Set([
  "request",
  "read",
  "reply",
  "read-reply",
  "pre-prepare",
  "checkpoint",
  "view-change",
  "new-view",
  "batch-body",
  "decision",
  "state-data",
]);

/**
 * A message that is held gets bytes of its own when it is less than this part of those that it came
 * in: so nobody makes us keep a large datagram for the sake of a small message.
 */
const HELD_PART_MIN = 1 / 4;

/**
 * Of these all that is held is one view, which is copied instead where the message has no more than
 * so many bytes: it is cheaper than a copy of the message and a view of that.
 */
const SMALL: ReadonlySet<Message["kind"]> = new Set(["read", "reply", "read-reply"]);
const SMALL_BYTES_MAX = 2 * HEAP_ARRAY_BYTES_MAX;

/**
 * The message that `planned` describes, or why it is dropped. Never throws, and allocates in
 * proportion to the message's size at most.
 * @param verdict of the list of checks that the plan was made with.
 */
export function decodeMessage(
  bytes: Uint8Array,
  planned: PlannedMessage,
  verdict: Verdict,
  scope: Scope,
): Message | WireReject {
  if (planned.reject !== null) return planned.reject;
  const { kind } = planned;
  const failed = firstFailed(planned, verdict);
  if (failed !== null) return rejectOfFailed(kind, failed);
  const reader = readerOf(bytes, planned, verdict);
  reader.u8();
  const message = DECODERS[kind](reader, scope);
  reader.finish();
  return reader.rejected ?? message;
}

/** Which of the message's checks failed first, from 0, or null. */
function firstFailed(planned: AdmittedMessage, verdict: Verdict): number | null {
  for (let check = planned.checkFirst; check < planned.checkEnd; check += 1) {
    if (verdict.passed[check] !== 1) return check - planned.checkFirst;
  }
  return null;
}

function rejectOfFailed(kind: Message["kind"], failed: number): WireReject {
  if (kind === "new-view" && failed <= NEW_VIEW_SIGNATURE_CHECK) return "new-view/bad-signature";
  const reject = FAILED[kind];
  assert(reject !== undefined, "only kinds with checks have checks that fail");
  return reject;
}

function readerOf(bytes: Uint8Array, planned: AdmittedMessage, verdict: Verdict): Reader {
  const { kind, start, end, digestFirst } = planned;
  if (HELD.has(kind) && end - start < bytes.buffer.byteLength * HELD_PART_MIN) {
    if (SMALL.has(kind) && end - start <= SMALL_BYTES_MAX) {
      return new Reader(bytes, start, end, verdict.digests, digestFirst, true);
    }
    const own = new Uint8Array(end - start);
    own.set(bytes.subarray(start, end));
    return new Reader(own, 0, own.length, verdict.digests, digestFirst);
  }
  return new Reader(bytes, start, end, verdict.digests, digestFirst);
}
