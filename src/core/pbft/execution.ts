/*
 * Execution in order, at most once, and the replies (TOCS'02 section 4.3; rules EX1, EX2, EX4).
 */
import { assert } from "../base/assert.js";
import type { AppendId, Seq, Ticks } from "../base/ids.js";
import { ReplyCode, type Reply, type Request } from "../message.js";
import { beginCheckpoint, isRegular } from "./checkpoints.js";
import { isOvertaken } from "./overtaken.js";
import type { SessionEntry } from "./session-entry.js";
import type { State } from "./state.js";
import { executedAsTold } from "./tentative.js";

/**
 * Asks for the next batch to be executed, if it is decided and nothing is under way (EX1). While
 * state is fetched too: donors may have moved on, and then only the log leads out.
 */
export function executeNext(s: State): void {
  if (s.executing !== null || s.installing !== null) return;
  if (s.diverged) return;
  const seq = s.executedSeq + 1;
  const slot = s.log.find(seq);
  const batch = slot?.decidedBatch ?? null;
  if (slot === null || batch === null) return;
  const requests = selectFresh(s, seq, batch.requests);
  s.executing = { seq, requests };
  const pin = isRegular(s, seq);
  const { acceptedView: view, committedAppend: after } = slot;
  s.emit({ kind: "execute", seq, view, batch, requests, pin, after });
}

/**
 * The requests that were never executed. Decided from replicated state alone, so alike everywhere;
 * a request that is in the batch twice, or is older than another one in it, runs once at most.
 */
function selectFresh(s: State, seq: Seq, requests: readonly Request[]): Request[] {
  const fresh: Request[] = [];
  for (const request of requests) {
    if (s.clients.standing(request) !== "fresh") continue;
    // Another one of the same client in one batch is rare.
    if (s.selectedIn[request.client] === seq && isOvertaken(request, fresh)) continue;
    s.selectedIn[request.client] = seq;
    fresh.push(request);
  }
  return fresh;
}

/**
 * The host executed what `executeNext` asked for: record, and answer every request of the batch.
 */
export function onExecuted(s: State, seq: Seq, results: readonly Uint8Array[]): void {
  const { executing } = s;
  assert(executing?.seq === seq, "the host answers the execution that was asked for");
  assert(results.length === executing.requests.length, "one bundle of results a request");
  s.executing = null;
  s.executedSeq = seq;
  for (const [index, request] of executing.requests.entries()) {
    const bundle = results[index];
    assert(bundle !== undefined, "one bundle of results a request");
    recordResult(s, request, seq, bundle);
  }
  const isKnown = executedAsTold(s, seq, results);
  watchPrimary(s, seq);
  answerBatch(s, seq, isKnown);
  if (isRegular(s, seq)) beginCheckpoint(s, seq);
}

/**
 * Learns from a batch of the present view what the view is worth (VT5, VT7): by when everything up
 * to it was decided, for from then on it waited for our own execution only.
 */
function watchPrimary(s: State, seq: Seq): void {
  const slot = s.log.slot(seq);
  s.orderedTicks = Math.max(s.orderedTicks, slot.decidedTicks);
  if (!s.active || !slot.acceptedIn(s.view)) return;
  const requests = slot.decidedBatch?.requests ?? [];
  const waitedTicks = longestWait(s, requests);
  // What a NEW-VIEW carried over says little about the view, and null batches say nothing.
  if (seq > s.viewChanges.carriedSeqMax && requests.length > 0) {
    const agreedTicks = s.orderedTicks - slot.acceptedTicks;
    s.timer.served(s.view, Math.max(waitedTicks ?? 0, agreedTicks), s.orderedTicks);
  }
  if (waitedTicks !== null) judgePrimary(s, seq, waitedTicks);
}

/** What an installed state served is judged like a batch: a primary may let others fetch (VT7). */
export function judgeByInstalled(s: State, seq: Seq, entries: readonly SessionEntry[]): void {
  const waitedTicks = longestWait(s, entries);
  if (s.active && waitedTicks !== null) judgePrimary(s, seq, waitedTicks);
}

/** Whether a request that we knew of took too long, once too often (VT7). */
function judgePrimary(s: State, seq: Seq, waitedTicks: Ticks): void {
  if (s.primary === s.self || isOurFault(s, seq)) return;
  if (s.monitor.served(waitedTicks)) s.suspicion ??= "slow-primary";
}

/** How long the one of these requests waited that was known first; null if none was. */
function longestWait(
  s: State,
  requests: readonly Pick<Request, "client" | "session" | "timestamp">[],
): Ticks | null {
  let waitedTicks: Ticks | null = null;
  for (const { client, session, timestamp } of requests) {
    const known = s.pool.find(client, session);
    if (known?.request.timestamp !== timestamp) continue;
    waitedTicks = Math.max(waitedTicks ?? 0, s.orderedTicks - known.sinceTicks);
  }
  return waitedTicks;
}

/**
 * Whether something else than the primary held a batch up: we are behind the others, or all wait
 * for the databases, because the window is nearly full. Of the others so many have to be ahead, the
 * primary not counted, that those of them who don't lie could vote it out themselves.
 */
function isOurFault(s: State, seq: Seq): boolean {
  if (s.peers.countAhead(seq, s.primary) >= 2 * s.quorums.faultsMax) return true;
  return s.log.highWatermark - seq < s.options.batchesInFlightMax && s.storedSeq < seq;
}

function recordResult(s: State, request: Request, seq: Seq, results: Uint8Array): void {
  // A session that started before all that are remembered was forgotten by an earlier request of
  // this very batch: its operations ran, and nothing older than them can run again.
  if (s.clients.standing(request) === "expired") return;
  const { client, session, timestamp } = request;
  const entry = { client, session, timestamp, seq, code: ReplyCode.executed, results };
  const forgotten = s.clients.record(entry);
  if (forgotten !== null) s.pool.expired(client, forgotten);
}

/**
 * Answers from the client table, which holds every reply that may still be asked for; not if the
 * batch's clients know what came of it.
 */
function answerBatch(s: State, seq: Seq, isKnown: boolean): void {
  const slot = s.log.slot(seq);
  const batch = slot.decidedBatch;
  assert(batch !== null, "an executed slot is decided");
  for (const request of batch.requests) {
    s.pool.executed(request.client, request.session, request.timestamp);
    if (!isKnown) answerRequest(s, request);
  }
}

/**
 * Sends what the client table says about `request`, if it says something. The reply waits for what
 * is promised about the batch that it was executed in, not about a later one that holds it again
 * (2.12).
 */
export function answerRequest(s: State, request: Request): void {
  const standing = s.clients.standing(request);
  if (standing === "answered") {
    const entry = s.clients.find(request.client, request.session);
    assert(entry !== null, "an answered request has an entry");
    s.reply(request, replyOf(s, entry), appendBehind(s, entry.seq));
  } else if (standing === "expired") s.reply(request, expiredReply(s, request), null);
}

/**
 * The append that whatever tells of batch `seq`, which was executed, must wait for (2.12). A
 * certificate may have moved the window past a batch whose records are still under way.
 */
export function appendBehind(s: State, seq: Seq): AppendId | null {
  const slot = s.log.find(seq);
  if (slot !== null) return slot.replyAppend;
  return seq > s.storedSeq ? s.lastAppend : null;
}

function replyOf(s: State, entry: SessionEntry): Reply {
  const { session, timestamp, seq, code, results } = entry;
  return { kind: "reply", view: s.view, session, timestamp, seq, code, results };
}

function expiredReply(s: State, request: Request): Reply {
  const { session, timestamp } = request;
  const results = new Uint8Array(0);
  const code = ReplyCode.sessionExpired;
  return { kind: "reply", view: s.view, session, timestamp, seq: 0, code, results };
}
