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
 * Orders what waits, as long as a slot is free. A lone request goes out at once; while the pipeline
 * is full, requests gather, so that batches grow with the load and never wait for a timer (BA1,
 * BA2).
 */
export function orderWaiting(s: State): void {
  while (s.leads && s.pool.unproposedCount > 0 && hasFreeSlot(s)) {
    const { batchRequestsMax, batchBytesMax } = s.options;
    const taken = s.pool.take(batchRequestsMax, batchBytesMax);
    const requests = taken.filter((request) => s.clients.standing(request) === "fresh");
    if (requests.length > 0) orderBatch(s, requests);
  }
  // Nothing else moves an idle cluster past what a replica that forgot its votes voted for (PR3).
  while (s.leads && s.assignedSeq < orderedForGuests(s) && hasFreeSlot(s)) orderBatch(s, []);
}

function hasFreeSlot(s: State): boolean {
  const inFlight = s.assignedSeq - s.executedSeq;
  return inFlight < s.options.batchesInFlightMax && s.log.inWindow(s.assignedSeq + 1);
}

function orderBatch(s: State, requests: readonly Request[]): void {
  const seq = s.assignedSeq + 1;
  s.assignedSeq = seq;
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
