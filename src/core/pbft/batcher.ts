/*
 * The primary's side of the normal case: which requests go into which batch (rules NC2, BA1 to
 * BA5).
 */
import { bytesConcat } from "../base/bytes.js";
import { Domain, type Hasher } from "../base/hasher.js";
import type { Batch, Request } from "../message.js";
import { acceptBatch } from "./normal-case.js";
import { orderedForGuests } from "./rejoin-help.js";
import type { State } from "./state.js";

/**
 * Into how many batches what is pending is divided: while one is verified another one can be agreed
 * on; and what a batch costs however little is in it (datagrams, fsyncs, steps) is shared by as
 * many requests as there can be.
 */
const SHARES = 2;

/**
 * By which part the most that was pending is forgotten with each batch. What is pending now is at
 * times the half of what will come: the rest is with its clients, who send again when answered. By
 * that alone batches would be halved as often as they are executed before the next requests come.
 */
const PEAK_DECAY = 1 / 16;

/**
 * As long as no more requests than this are pending they do not wait for each other: with so few it
 * is the time of each that counts.
 */
const SHARE_REQUESTS_MIN = 16;

/**
 * Requests of a share, at least, where what waits is divided: parts that leave in the same turn are
 * agreed on together, and what each costs every replica is as much as 20 requests of it.
 */
const DIVIDED_REQUESTS_MIN = 64;

/**
 * Orders what waits, as long as a slot is free. A few requests go out at once; while many are
 * in flight, requests gather until they are a share of what was pending at most of late, so that
 * batches grow with the load. They wait for a batch to be executed, or answered, at most, and never
 * for a timer (BA1, BA2).
 */
export function orderWaiting(s: State): void {
  const { unansweredCount } = s.pool;
  s.pendingPeak = Math.max(s.pendingPeak, unansweredCount);
  if (unansweredCount > 0) s.usedTicks = s.now;
  while (s.leads && isWorthABatch(s) && hasFreeSlot(s)) {
    const { batchRequestsMax, batchBytesMax } = s.options;
    const taken = s.pool.take(Math.min(portionOf(s), batchRequestsMax), batchBytesMax);
    const requests = taken.filter((request) => s.clients.standing(request) === "fresh");
    if (requests.length > 0) orderBatch(s, requests);
  }
  // Nothing else moves an idle cluster past what a replica that forgot its votes voted for (PR3).
  while (s.leads && s.assignedSeq < orderedForGuests(s) && hasFreeSlot(s)) orderBatch(s, []);
}

/** Whether what waits is a share of what is pending at most, or a full batch, or all there is. */
function isWorthABatch(s: State): boolean {
  const { unansweredCount, unproposedCount } = s.pool;
  if (unproposedCount === 0 || unansweredCount <= SHARE_REQUESTS_MIN) return unproposedCount > 0;
  const answeredSeq = s.executedSeq + s.tentative.length;
  if (s.assignedSeq <= answeredSeq || unproposedCount >= s.options.batchRequestsMax) return true;
  return SHARES * unproposedCount >= s.pendingPeak;
}

/** What waits, divided into as many equal parts as come next to a share each. */
function portionOf(s: State): number {
  const share = Math.max(s.pendingPeak / SHARES, DIVIDED_REQUESTS_MIN);
  const { unproposedCount } = s.pool;
  return Math.ceil(unproposedCount / Math.max(1, Math.round(unproposedCount / share)));
}

function hasFreeSlot(s: State): boolean {
  const inFlight = s.assignedSeq - s.executedSeq;
  return inFlight < s.options.batchesInFlightMax && s.log.inWindow(s.assignedSeq + 1);
}

function orderBatch(s: State, requests: readonly Request[]): void {
  const seq = s.assignedSeq + 1;
  s.assignedSeq = seq;
  s.pendingPeak -= s.pendingPeak * PEAK_DECAY;
  const batch = batchOf(s.hasher, requests);
  const slot = s.log.slot(seq);
  slot.choose(s.view, batch.digest);
  // Not in parallel with our own fsync: a primary that crashed then would have forgotten a batch on
  // which a backup prepared, and with one more replica away nobody could vouch for it again (A2).
  const append = acceptBatch(s, slot, batch);
  s.sendOthers({ kind: "pre-prepare", view: s.view, seq, batch }, append);
}

/** The batch of `requests`, in this order (NC3). */
function batchOf(hasher: Hasher, requests: readonly Request[]): Batch {
  const digests = bytesConcat(requests.map((request) => request.digest));
  return { requests, digest: hasher.digest(Domain.batch, digests) };
}
