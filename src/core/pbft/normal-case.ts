/*
 * The normal case: pre-prepare, prepare, commit (TOCS'02 section 4.3; rules NC1 to NC10).
 */
import { assert } from "../base/assert.js";
import { bytesEqual } from "../base/bytes.js";
import type { AppendId, ReplicaId } from "../base/ids.js";
import { primaryOf } from "../base/ids.js";
import type { Batch, Commit, PrePrepare, Prepare, Verified } from "../message.js";
import { othersCommit, othersDecided, sendCommit, sendHeldCommits } from "./held-commits.js";
import type { RejectCode } from "./reject.js";
import type { Slot } from "./slot.js";
import type { State } from "./state.js";
import { answerTentatively, keepTentative } from "./tentative.js";

/** A backup takes the primary's order for one sequence number (NC4). */
export function onPrePrepare(
  s: State,
  from: ReplicaId,
  m: Verified<PrePrepare>,
): RejectCode | null {
  const reject = rejectPrePrepare(s, from, m);
  // Two orders for one number, both authentic: the first stands, and the primary is faulty (NC10).
  if (reject === "pre-prepare/equivocation") s.suspicion ??= "faulty-primary";
  // Who may not vote still executes what the others agree on.
  if (reject === "pre-prepare/not-voting") {
    const slot = s.log.slot(m.seq);
    slot.keepBody(m.batch);
    s.touched.add(slot);
  }
  if (reject !== null) return reject;
  assert(s.primary !== s.self, "only a backup accepts a pre-prepare");
  const slot = s.log.slot(m.seq);
  if (slot.chosenIn(m.view) === null) slot.choose(m.view, m.batch.digest);
  acceptBatch(s, slot, m.batch);
  return null;
}

function rejectPrePrepare(s: State, from: ReplicaId, m: PrePrepare): RejectCode | null {
  if (from !== primaryOf(m.view, s.options.replicaCount)) return "pre-prepare/not-primary";
  if (m.view !== s.view) return "pre-prepare/other-view";
  if (!s.active) return "pre-prepare/view-inactive";
  if (!s.log.inWindow(m.seq) || isSettled(s, m)) return "pre-prepare/outside-window";
  if (m.batch.requests.length > s.options.batchRequestsMax) return "pre-prepare/too-large";
  const slot = s.log.find(m.seq);
  const reject = slot === null ? null : rejectForSlot(s, slot, m);
  return reject ?? (s.mayVote ? null : "pre-prepare/not-voting");
}

/**
 * Whether the present view starts above this number. Some correct replica has executed it, even if
 * our own watermark is still below, so no order for it may be taken any more.
 */
function isSettled(s: State, m: PrePrepare): boolean {
  return s.newView !== null && m.seq <= s.newView.checkpoint.seq;
}

function rejectForSlot(s: State, slot: Slot, m: PrePrepare): RejectCode | null {
  const chosen = slot.chosenIn(m.view);
  if (chosen === null) {
    const hasRoom = slot.hasRoomFor(m.batch.digest, s.nullBatchDigest);
    return hasRoom ? null : "pre-prepare/no-room";
  }
  if (!bytesEqual(chosen, m.batch.digest)) return "pre-prepare/equivocation";
  // The NEW-VIEW chose it, and its body was missing until now.
  return slot.accepted ? "pre-prepare/duplicate" : null;
}

/**
 * Accepts `batch` for the digest chosen in the present view: writes the Q-entry, and a backup's
 * PREPARE waits for it. Never asks whether a request was executed before (3.5).
 */
export function acceptBatch(s: State, slot: Slot, batch: Batch): AppendId {
  assert(s.active, "a batch is accepted in an active view only");
  const chosen = slot.chosenIn(s.view);
  assert(chosen !== null && bytesEqual(chosen, batch.digest), "the chosen batch is accepted");
  assert(!slot.accepted, "a batch is accepted once a view (I5)");
  slot.accepted = true;
  s.acceptedSeqMax = Math.max(s.acceptedSeqMax, slot.seq);
  slot.acceptedTicks = s.waitTicks;
  if (batch.requests.length > 0) s.usedTicks = s.now;
  s.touched.add(slot);
  slot.keepAccepted(batch);
  slot.recordPrePrepared(s.view, batch.digest);
  const append = s.append({ kind: "pre-prepared", view: s.view, seq: slot.seq, batch });
  slot.acceptedAppend = append;
  for (const request of batch.requests) s.pool.proposed(request, slot.seq);
  sendHeldCommits(s, append);
  if (s.primary !== s.self && s.mayVote) {
    const { seq } = slot;
    // Counting our own PREPARE before it is durable is safe: the P-entry that may follow from it is
    // appended later, and a COMMIT waits for that.
    slot.prepares.add(s.self, s.view, batch.digest);
    s.sendOthers({ kind: "prepare", view: s.view, seq, digest: batch.digest }, append);
  }
  return append;
}

/** Another backup accepted a pre-prepare (NC5). May come before the pre-prepare itself (NC9). */
export function onPrepare(s: State, from: ReplicaId, m: Verified<Prepare>): RejectCode | null {
  if (from === primaryOf(m.view, s.options.replicaCount)) return "prepare/from-primary";
  if (m.view < s.view) return "prepare/other-view";
  if (!s.log.inWindow(m.seq)) return "prepare/outside-window";
  const slot = s.log.slot(m.seq);
  const outcome = slot.prepares.add(from, m.view, m.digest);
  s.touched.add(slot);
  if (outcome === "stale") return "prepare/other-view";
  if (outcome === "duplicate") return "prepare/duplicate";
  return outcome === "conflict" ? "prepare/conflict" : null;
}

/**
 * Another replica is prepared (NC7). Commits of earlier views are taken too: Q of them prove a
 * decision to whoever lags, and no vote of ours follows from them (VC1).
 */
export function onCommit(s: State, from: ReplicaId, m: Verified<Commit>): RejectCode | null {
  if (!s.log.inWindow(m.seq)) return "commit/outside-window";
  const slot = s.log.slot(m.seq);
  const outcome = slot.commits.add(from, m.view, m.digest);
  s.touched.add(slot);
  othersCommit(s, m.seq);
  if (outcome === "stale") return "commit/stale-view";
  if (outcome === "duplicate") return "commit/duplicate";
  return outcome === "conflict" ? "commit/conflict" : null;
}

/** Our own COMMITs count from when their P-entries are durable on. */
export function countOwnCommits(s: State): void {
  let counted = 0;
  for (const own of s.ownCommits) {
    if (own.append > s.durableAppend) break;
    counted += 1;
    s.monitor.recorded(s.now - own.sinceTicks);
    if (!s.log.inWindow(own.seq)) continue;
    const slot = s.log.slot(own.seq);
    slot.commits.add(s.self, own.view, own.digest);
    s.touched.add(slot);
  }
  if (counted > 0) s.ownCommits.splice(0, counted);
}

/** Moves one slot as far as its votes allow. */
export function settleSlot(s: State, slot: Slot): void {
  settlePrepared(s, slot);
  settleCommitted(s, slot);
}

/** NC6: a pre-prepare and Q - 1 matching PREPAREs of distinct backups. */
function settlePrepared(s: State, slot: Slot): void {
  if (!s.active || !s.mayVote || !slot.acceptedIn(s.view) || slot.prepared) return;
  const digest = slot.acceptedDigest;
  assert(digest !== null, "an accepted slot has a digest");
  if (slot.prepares.count(s.view, digest, s.primary) < s.quorums.strong - 1) return;
  slot.prepared = true;
  const { seq } = slot;
  slot.preparedEntry = { seq, digest, view: s.view };
  const append = s.append({ kind: "prepared", view: s.view, seq, digest });
  slot.preparedAppend = append;
  if (slot.committedDigest === null) slot.replyAppend = append;
  s.ownCommits.push({ append, view: s.view, seq, digest, sinceTicks: s.now });
  const isAnswered = answerTentatively(s, slot, append);
  sendCommit(s, { kind: "commit", view: s.view, seq, digest }, append, isAnswered);
}

/** NC8: Q matching COMMITs decide, prepared here or not, if the body is at hand. */
function settleCommitted(s: State, slot: Slot): void {
  if (slot.committedDigest !== null) return;
  const vote = slot.commits.agreed(s.quorums.strong);
  if (vote === null || !decide(s, slot, vote.digest)) return;
  slot.committedView = vote.view;
  othersDecided(s, slot.seq);
}

/** Takes `digest` as decided, if its body is held. Decided by a quorum or by W vouchers (RO4). */
export function decide(s: State, slot: Slot, digest: Uint8Array): boolean {
  assert(slot.committedDigest === null, "a slot is decided once");
  const batch = slot.body(digest);
  if (batch === null) return false;
  slot.committedDigest = digest;
  keepTentative(s, slot);
  slot.decidedTicks = s.waitTicks;
  const { seq } = slot;
  const bodyIsDurable = slot.prePrepared.some((entry) => bytesEqual(entry.digest, digest));
  if (!bodyIsDurable) s.append({ kind: "body", seq, batch });
  const append = s.append({ kind: "committed", seq, digest });
  slot.committedAppend = append;
  if (!isPreparedFor(slot, digest)) slot.replyAppend = append;
  return true;
}

function isPreparedFor(slot: Slot, digest: Uint8Array): boolean {
  return slot.preparedEntry !== null && bytesEqual(slot.preparedEntry.digest, digest);
}
