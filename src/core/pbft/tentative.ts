/*
 * Answers before the decision: tentative execution (OSDI'99 section 5.1; rule EX3).
 *
 * A batch that is prepared behind nothing but batches that are executed, or answered likewise, is
 * going to be decided unless the view changes. What it will come to is told at once: computed from
 * the state after the last batch executed, which stays what it is, so that a change of the view has
 * nothing to take back. Q such answers of one view prove what Q COMMITs of it prove.
 */
import { assert } from "../base/assert.js";
import { bytesEqual } from "../base/bytes.js";
import type { AppendId, Seq, View } from "../base/ids.js";
import { type Reply, ReplyCode, type Request } from "../message.js";
import { sendHeldCommits } from "./held-commits.js";
import { isOvertaken } from "./overtaken.js";
import type { Slot } from "./slot.js";
import type { State } from "./state.js";

/**
 * What may be computed twice, of all batches that are answered and not executed: for more the time
 * that a COMMIT takes matters less than the work.
 */
const REQUESTS_MAX = 128;
const BUNDLES_BYTES_MAX = 8 * 1024;

/**
 * Answers the batch that is prepared at `slot`, once the P-entry `append` is durable, if it can be
 * told what comes of it; returns whether it was answered.
 */
export function answerTentatively(s: State, slot: Slot, append: AppendId): boolean {
  const digest = slot.acceptedDigest;
  if (digest === null || !mayAnswer(s, slot)) return false;
  const earlier = s.tentative.flatMap((batch) => batch.requests);
  const all = withFresh(s, slot, earlier);
  if (all === null || all.length === earlier.length) return false;
  const results = bytesIn(all) > BUNDLES_BYTES_MAX ? null : s.service.preview(all, earlier.length);
  if (results === null) return false;
  const { seq } = slot;
  const requests = all.slice(earlier.length);
  // What a view carried over some may have been told of in the view before.
  const isEnough = seq > s.viewChanges.carriedSeqMax;
  s.tentative.push({ seq, digest, requests, results, isEnough });
  s.tentativeSeqMax = Math.max(s.tentativeSeqMax, seq);
  for (const [index, request] of requests.entries()) {
    const told = results[index];
    assert(told !== undefined, "one bundle of results a request");
    s.reply(request, replyTo(request, s.view, seq, told), append);
    s.pool.answered(request);
  }
  return true;
}

function replyTo(
  { session, timestamp }: Request,
  view: View,
  seq: Seq,
  results: Uint8Array,
): Reply {
  const code = ReplyCode.tentative;
  return { kind: "reply", view, session, timestamp, seq, code, results };
}

/** Whether this batch is the next one, and the state the one that it will find. */
function mayAnswer(s: State, { seq, committedDigest }: Slot): boolean {
  const isNext = seq === s.executedSeq + s.tentative.length + 1 && committedDigest === null;
  if (!s.options.tentativeReplies || !isNext) return false;
  return s.executing === null && s.installing === null && s.transfer.target === null;
}

/** The requests that would be executed: the earlier ones and the batch's; null if they are many. */
function withFresh(s: State, slot: Slot, earlier: readonly Request[]): Request[] | null {
  const batch = slot.acceptedDigest === null ? null : slot.body(slot.acceptedDigest);
  assert(batch !== null, "a batch is prepared only where it is held");
  const fresh = [...earlier];
  if (fresh.length + batch.requests.length > REQUESTS_MAX) return null;
  for (const request of batch.requests) {
    if (s.clients.standing(request) !== "fresh" || isOvertaken(request, fresh)) continue;
    // The first request of a session may make others forgotten, and so undo what is told here.
    if (s.clients.find(request.client, request.session) === null) return null;
    fresh.push(request);
  }
  return fresh;
}

function bytesIn(requests: readonly Request[]): number {
  return requests.reduce((sum, { bundle }) => sum + bundle.length, 0);
}

/**
 * A batch was decided. Another one than was told of here makes all void that was built upon that: a
 * later view decided, of which we have not heard.
 */
export function keepTentative(s: State, slot: Slot): void {
  const told = s.tentative.find(({ seq }) => seq === slot.seq);
  const { committedDigest } = slot;
  if (told === undefined || committedDigest === null) return;
  if (!bytesEqual(told.digest, committedDigest)) s.tentative.length = 0;
}

/** Batch `seq` was executed with these results; returns whether its clients know them. */
export function executedAsTold(s: State, seq: Seq, results: readonly Uint8Array[]): boolean {
  const [told] = s.tentative;
  if (told?.seq !== seq) return false;
  s.tentative.shift();
  const isAsTold =
    told.results.length === results.length &&
    told.results.every((one, index) => bytesEqual(one, results[index] ?? EMPTY));
  assert(isAsTold, "what a batch comes to is what was told of it (EX3)");
  return told.isEnough;
}

const EMPTY: Uint8Array = new Uint8Array(0);

/** The state is replaced, or the view left: what is told next goes by what is executed. */
export function forgetTentative(s: State): void {
  s.tentative.length = 0;
}

/**
 * A view begins that carries nothing over behind `seq`. Nobody was told enough of such a batch: had
 * Q been prepared in one view, every later one would choose it.
 */
export function boundTentative(s: State, seq: Seq): void {
  s.tentativeSeqMax = Math.min(s.tentativeSeqMax, seq);
}

/**
 * A client asks again for what was answered tentatively here: that is not enough for it, so it is
 * answered once more when the batch is executed.
 */
export function answerWhenExecuted(s: State, { client, session, timestamp }: Request): void {
  const batch = s.tentative.find(({ requests }) =>
    requests.some(
      (one) => one.client === client && one.session === session && one.timestamp === timestamp,
    ),
  );
  if (batch === undefined) return;
  batch.isEnough = false;
  sendHeldCommits(s);
}
