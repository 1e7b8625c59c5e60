/*
 * What clients want to know of the present state (rules RO1 to RO6).
 */
import type { Read, Verified } from "../message.js";
import { appendBehind } from "./execution.js";
import { hurryCommits } from "./held-commits.js";
import type { RejectCode } from "./reject.js";
import type { State } from "./state.js";

/** What a read that waits takes beside its operations, in bytes. */
const READ_OVERHEAD_BYTES = 256;

/** Bytes of reads that one step answers, up to the read that passes it: two milliseconds' work. */
const ANSWERED_BYTES_MAX = 64 * 1024;

/**
 * A read, answered from committed state: at once, unless a batch was answered here that is not
 * executed yet (RO1). The client's quorum of Q equal answers meets every quorum of Q that
 * acknowledged a write, in whatever view. So reads go on during a view change where nothing that
 * was answered is open; else they are left to their clients, who have them ordered.
 */
export function onRead(s: State, m: Verified<Read>): RejectCode | null {
  const waits = s.executedSeq < s.tentativeSeqMax;
  if (!mayBeRead(s) || (waits && !s.active)) return "read/recovering";
  if (waits || s.heldReads.count > 0) return holdRead(s, m);
  answerRead(s, m);
  return null;
}

/** What a client was told must be in all that is read from then on. */
function holdRead(s: State, read: Read): RejectCode | null {
  hurryCommits(s);
  const held = { read, seq: s.tentativeSeqMax };
  const bytes = READ_OVERHEAD_BYTES + read.bundle.length;
  return s.heldReads.add(read.client, held, bytes) ? null : "read/too-many";
}

/** Answers reads that waited for batches which are executed now, or given up; some at a time. */
export function answerHeldReads(s: State): void {
  // What is being executed may be half done: no state of which anybody should hear.
  if (s.heldReads.count === 0 || s.executing !== null) return;
  const seqMax = s.executedSeq >= s.tentativeSeqMax ? Infinity : s.executedSeq;
  let answeredBytes = 0;
  const due = s.heldReads.take(({ seq }, bytes) => {
    if (seq > seqMax || answeredBytes >= ANSWERED_BYTES_MAX) return false;
    answeredBytes += bytes;
    return true;
  });
  // Who may not be read from any more leaves them to their clients.
  if (mayBeRead(s)) for (const { read } of due) answerRead(s, read);
}

/** The view is left: who waits for an answer asks otherwise before there is one. */
export function dropHeldReads(s: State): void {
  s.heldReads.take(() => true);
}

function mayBeRead(s: State): boolean {
  return s.mayVote && s.executedSeq >= s.readBarrierSeq && s.installing === null;
}

function answerRead(s: State, read: Read): void {
  const seq = s.executedSeq;
  // What an answer shows must be known here after a crash too, or the barrier would not cover it.
  const after = appendBehind(s, seq);
  s.emit({ kind: "query", read, view: s.view, seq, after });
}
