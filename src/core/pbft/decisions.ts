/*
 * Bodies and decisions passed on to whoever was left out (rules BA4, NC8, VC9, VC13, RO4).
 *
 * PREPAREs and COMMITs carry MACs, so they prove nothing to third parties and a decision cannot be
 * forwarded as a certificate. Instead replicas vouch: "this batch is decided at this number". Of W
 * equal vouchers one is a correct replica's, which is proof.
 */
import { bytesEqual } from "../base/bytes.js";
import type { Digest } from "../base/hasher.js";
import type { ReplicaId } from "../base/ids.js";
import type { Batch, BatchBody, Decision, DecisionQuery, Verified } from "../message.js";
import { acceptBatch, decide } from "./normal-case.js";
import type { RejectCode } from "./reject.js";
import type { Slot } from "./slot.js";
import type { State } from "./state.js";

/** A batch that was asked for by its digest; its sender does not matter, the digest proves it. */
export function onBatchBody(s: State, m: Verified<BatchBody>): RejectCode | null {
  let wanted = false;
  for (const { seq, digest } of s.viewChanges.unplaced) {
    if (!bytesEqual(digest, m.batch.digest) || !s.log.inWindow(seq)) continue;
    s.log.slot(seq).keepBody(m.batch);
    wanted = true;
  }
  for (const slot of s.log.slots()) {
    if (wantsBody(s, slot, m.batch.digest)) {
      takeBody(s, slot, m.batch);
      wanted = true;
    }
  }
  return wanted ? null : "batch-body/not-wanted";
}

function wantsBody(s: State, slot: Slot, digest: Uint8Array): boolean {
  const chosen = slot.chosenIn(s.view);
  if (chosen !== null && !slot.accepted && bytesEqual(chosen, digest)) return true;
  if (slot.body(digest) !== null) return false;
  const decided = slot.committedDigest === null ? committedByOthers(s, slot) : null;
  return decided !== null && bytesEqual(decided, digest);
}

/** A NEW-VIEW may have chosen it, and then it is accepted whoever sent it: W vouch for it (A2). */
function takeBody(s: State, slot: Slot, batch: Batch): void {
  slot.keepBody(batch);
  s.touched.add(slot);
  const chosen = slot.chosenIn(s.view);
  if (!s.active || slot.accepted || chosen === null) return;
  if (bytesEqual(chosen, batch.digest)) acceptBatch(s, slot, batch);
}

/** The digests of the batches that this replica needs and lacks, for its status. */
export function missingBatches(s: State): Uint8Array[] {
  const missing = [...s.viewChanges.missing];
  for (const slot of s.log.slots()) {
    const chosen = slot.chosenIn(s.view);
    if (s.active && chosen !== null && !slot.accepted) missing.push(chosen);
    if (slot.committedDigest !== null) continue;
    const decided = committedByOthers(s, slot);
    if (decided !== null && slot.body(decided) === null) missing.push(decided);
  }
  return missing;
}

/** How long a pre-prepare may be on its way after W replicas committed what it says. */
const OVERTAKEN_TICKS = 2;

/**
 * W replicas committed a digest whose pre-prepare did not come: the primary may have left us out,
 * so the others are asked (RO4). Not at once, because small datagrams overtake large ones. If
 * question or answers get lost, statuses ask again.
 */
export function askForDecision(s: State, slot: Slot): void {
  if (slot.committedDigest !== null || slot.decisionAsked || !isLeftOut(s, slot)) return;
  slot.leftOutSinceTicks ??= s.now;
  if (s.now - slot.leftOutSinceTicks < OVERTAKEN_TICKS) return;
  slot.decisionAsked = true;
  for (let replica = 0; replica < s.options.replicaCount; replica += 1) {
    if (replica === s.self || replica === s.primary) continue;
    s.sendTo(replica, { kind: "decision-query", seq: slot.seq });
  }
}

/**
 * What W replicas committed in one view, so that it may be decided; null if there is nothing. What
 * the present view chose has the last word over what was committed in one that was left.
 */
function committedByOthers(s: State, slot: Slot): Digest | null {
  const committed = slot.commits.agreed(s.quorums.weak);
  if (committed === null || (committed.view < s.view && slot.acceptedIn(s.view))) return null;
  return committed.digest;
}

/** Whether W replicas committed here what this replica has not accepted in the present view. */
export function isLeftOut(s: State, slot: Slot): boolean {
  const committed = committedByOthers(s, slot);
  if (committed === null) return false;
  const accepted = slot.acceptedIn(s.view) ? slot.acceptedDigest : null;
  return accepted === null || !bytesEqual(accepted, committed);
}

/** Another replica asks what was decided; if nothing was yet, it is told when something is. */
export function onDecisionQuery(
  s: State,
  from: ReplicaId,
  m: Verified<DecisionQuery>,
): RejectCode | null {
  if (!s.log.inWindow(m.seq)) return "decision-query/unknown";
  const slot = s.log.slot(m.seq);
  if ((slot.decisionSentMask & (1 << from)) !== 0) return "decision-query/too-often";
  slot.decisionAskersMask |= 1 << from;
  answerAskers(s, slot);
  return null;
}

/** Sends the decision to those that asked before it was made. */
export function answerAskers(s: State, slot: Slot): void {
  if (slot.committedDigest === null || slot.decisionAskersMask === 0) return;
  for (let replica = 0; replica < s.options.replicaCount; replica += 1) {
    if ((slot.decisionAskersMask & (1 << replica)) !== 0) vouch(s, slot, replica);
  }
  slot.decisionAskersMask = 0;
}

/** Vouches to `replica` for what was decided in `slot`, once until its next status. */
export function vouch(s: State, slot: Slot, replica: ReplicaId): void {
  const bit = 1 << replica;
  const batch = slot.decidedBatch;
  if (batch === null || (slot.decisionSentMask & bit) !== 0) return;
  slot.decisionSentMask |= bit;
  s.sendTo(replica, { kind: "decision", seq: slot.seq, batch });
}

/** A voucher; W equal ones decide, one of them being a correct replica's (RO4). */
export function onDecision(s: State, from: ReplicaId, m: Verified<Decision>): RejectCode | null {
  if (!s.log.inWindow(m.seq)) return "decision/outside-window";
  const slot = s.log.slot(m.seq);
  if (slot.committedDigest !== null) return "decision/not-wanted";
  const outcome = slot.vouchers.add(from, 0, m.batch.digest);
  if (outcome === "conflict") return "decision/conflict";
  takeBody(s, slot, m.batch);
  if (slot.vouchers.count(0, m.batch.digest) >= s.quorums.weak) decide(s, slot, m.batch.digest);
  return outcome === "duplicate" ? "decision/duplicate" : null;
}
