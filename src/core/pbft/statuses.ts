/*
 * "Here is where I am; send what I lack": what makes lost, duplicated and reordered datagrams
 * harmless (TOCS'02 section 5.2; rules RT1 to RT4, VC5, CK6).
 */
import type { Digest } from "../base/hasher.js";
import type { ReplicaId, Seq } from "../base/ids.js";
import type { Batch, SlotStatus, Status, Verified } from "../message.js";
import { isLeftOut, missingBatches, vouch } from "./decisions.js";
import type { RejectCode } from "./reject.js";
import type { Slot } from "./slot.js";
import type { State } from "./state.js";

/**
 * Bytes of batches with which one status is answered, up to the batch that passes it (RT4): a
 * replica that asks at the highest rate gets some 25 MB/s of us.
 */
const ANSWER_BYTES_MAX = 512 * 1024;

/** What a batch is charged beside its requests: an empty one is not free. */
const BATCH_OVERHEAD_BYTES = 1_024;

/** Most missing batches that one status names. */
const MISSING_PER_STATUS_MAX = 16;

/** Tells the others where this replica is. */
export function sendStatus(s: State): void {
  const nextCheckpoint = s.log.lowWatermark + s.options.checkpointIntervalSlots;
  const status: Status = {
    kind: "status",
    view: s.view,
    active: s.active,
    stableSeq: s.log.lowWatermark,
    executedSeq: s.executedSeq,
    slots: slotStatuses(s),
    checkpointsMask: s.checkpoints.mask(nextCheckpoint),
    viewChangesMask: s.active ? 0 : s.viewChanges.mask(s.view),
    missingBatches: missingBatches(s).slice(0, MISSING_PER_STATUS_MAX),
  };
  s.sendOthers(status);
}

/** The first number that is neither executed nor covered by a checkpoint that a quorum holds. */
function firstOpenSeq(executedSeq: Seq, stableSeq: Seq): Seq {
  return Math.max(executedSeq, stableSeq) + 1;
}

function slotStatuses(s: State): SlotStatus[] {
  const lastSeq = s.log.slots().at(-1)?.seq ?? 0;
  const statuses: SlotStatus[] = [];
  for (let seq = firstOpenSeq(s.executedSeq, s.log.lowWatermark); seq <= lastSeq; seq += 1) {
    const slot = s.log.find(seq);
    statuses.push({
      hasBatch: slot !== null && holdsBatch(s, slot),
      preparesMask: slot?.prepares.mask(s.view) ?? 0,
      commitsMask: slot?.commits.mask(s.view) ?? 0,
    });
  }
  return statuses;
}

/** Whether votes may be all that is missing here: not if W decided on another batch than ours. */
function holdsBatch(s: State, slot: Slot): boolean {
  if (slot.committedDigest !== null) return true;
  return slot.acceptedIn(s.view) && !isLeftOut(s, slot);
}

/** Another replica tells where it is: send it what it lacks and we hold. */
export function onStatus(s: State, from: ReplicaId, m: Verified<Status>): RejectCode | null {
  s.peers.saw(from, m.executedSeq, s.now);
  if (!s.peers.mayAnswer(from, s.now)) return "status/too-often";
  sendCheckpoints(s, from, m);
  sendViewChanges(s, from, m);
  const sentBytes = sendMissingBatches(s, from, m);
  sendSlots(s, from, m, ANSWER_BYTES_MAX - sentBytes);
  return null;
}

/**
 * A replica behind our stable checkpoint gets its proof, one at it our votes for later ones: not
 * only for the next, because after a restart nobody may be able to vote for that (RT2).
 */
function sendCheckpoints(s: State, from: ReplicaId, m: Status): void {
  const { stable } = s.checkpoints;
  if (m.stableSeq < stable.seq) {
    for (const vote of stable.votes) s.sendTo(from, vote);
    return;
  }
  // What others still hold of the votes that we forgot is not ours to repeat (RS4).
  if (!s.mayVote) return;
  const nextCheckpoint = m.stableSeq + s.options.checkpointIntervalSlots;
  const holdsNext = (m.checkpointsMask & (1 << s.self)) !== 0;
  for (const own of s.checkpoints.votesBy(s.self)) {
    const isHeld = own.seq === nextCheckpoint && holdsNext;
    if (own.seq > m.stableSeq && !isHeld) s.sendTo(from, own);
  }
}

/** A replica that is not in our view yet gets what brought us here (RT2, VC5, VC13). */
function sendViewChanges(s: State, from: ReplicaId, m: Status): void {
  if (m.view > s.view || (m.view === s.view && m.active)) return;
  if (s.active) {
    const { newView } = s;
    if (newView === null || !s.peers.mayHaveNewView(from, s.view, s.now)) return;
    s.sendTo(from, newView, s.newViewAppend);
    return;
  }
  const own = s.viewChanges.voteOf(s.self, s.view);
  const isHeld = m.view === s.view && (m.viewChangesMask & (1 << s.self)) !== 0;
  if (own !== null && !isHeld) s.sendTo(from, own, s.voteAppend);
}

/** @returns how many bytes of batches were sent. */
function sendMissingBatches(s: State, from: ReplicaId, m: Status): number {
  const sent = new Set<Batch>();
  let sentBytes = 0;
  for (const digest of m.missingBatches.slice(0, MISSING_PER_STATUS_MAX)) {
    const batch = findBody(s, digest);
    if (batch === null || sent.has(batch) || sentBytes >= ANSWER_BYTES_MAX) continue;
    s.sendTo(from, { kind: "batch-body", batch });
    sent.add(batch);
    sentBytes += bytesOf(batch);
  }
  return sentBytes;
}

function findBody(s: State, digest: Digest): Batch | null {
  for (const slot of s.log.slots()) {
    const batch = slot.body(digest);
    if (batch !== null) return batch;
  }
  return null;
}

function bytesOf(batch: Batch): number {
  return batch.requests.reduce((sum, { bytes }) => sum + bytes.length, BATCH_OVERHEAD_BYTES);
}

function sendSlots(s: State, from: ReplicaId, m: Status, bytesMax: number): void {
  const together = m.view === s.view && m.active && s.active;
  const first = firstOpenSeq(m.executedSeq, m.stableSeq);
  let sentBytes = 0;
  for (const slot of s.log.slots()) {
    if (slot.seq < first || sentBytes >= bytesMax) continue;
    const held = m.slots[slot.seq - first] ?? null;
    if (together) sendVotes(s, from, slot, held);
    const batch = sendBatch(s, from, slot, held, together);
    if (batch !== null) sentBytes += bytesOf(batch);
  }
}

/** Our own votes, if the other lacks them: only those whose promise is durable, or once it is. */
function sendVotes(s: State, from: ReplicaId, slot: Slot, held: SlotStatus | null): void {
  const bit = 1 << s.self;
  const { seq } = slot;
  const prepare = slot.prepares.voteOf(s.self, s.view);
  if (prepare !== null && ((held?.preparesMask ?? 0) & bit) === 0) {
    const message = { kind: "prepare", view: s.view, seq, digest: prepare } as const;
    s.sendTo(from, message, slot.acceptedAppend);
  }
  const digest = slot.preparedIn(s.view) ? slot.acceptedDigest : null;
  if (digest !== null && ((held?.commitsMask ?? 0) & bit) === 0) {
    s.sendTo(from, { kind: "commit", view: s.view, seq, digest }, slot.preparedAppend);
  }
}

/**
 * The batch itself: a decision, if there is one that votes alone may not bring; and in the view
 * that we lead our order too, decided or not. We may be the only one that can vouch, and who has
 * accepted the order and can't execute it knows at least that it must leave the view.
 */
function sendBatch(
  s: State,
  from: ReplicaId,
  slot: Slot,
  held: SlotStatus | null,
  together: boolean,
): Batch | null {
  const lacksBatch = held?.hasBatch !== true;
  const ordered = together && lacksBatch ? sendOrder(s, from, slot) : null;
  const votesSuffice = together && !lacksBatch && slot.chosenIn(s.view) !== null;
  if (slot.committedDigest === null || votesSuffice) return ordered;
  slot.decisionSentMask &= ~(1 << from);
  vouch(s, slot, from);
  return slot.decidedBatch;
}

function sendOrder(s: State, from: ReplicaId, slot: Slot): Batch | null {
  if (s.primary !== s.self || !slot.acceptedIn(s.view)) return null;
  const digest = slot.acceptedDigest;
  const batch = digest === null ? null : slot.body(digest);
  if (batch === null) return null;
  const message = { kind: "pre-prepare", view: s.view, seq: slot.seq, batch } as const;
  s.sendTo(from, message, slot.acceptedAppend);
  return batch;
}

/** Whether something is under way here that others may have to help with. */
export function hasUnfinishedWork(s: State): boolean {
  if (!s.active || s.rejoin !== null) return true;
  if (s.pool.unansweredCount > 0 || s.transfer.target !== null) return true;
  if (s.peers.executedByQuorum(s.quorums.weak) > s.executedSeq) return true;
  // What was answered need not be decided before the COMMITs that are held are overdue.
  const restingCount = s.heldCommits.length === 0 ? 0 : s.tentative.length;
  return (s.log.slots().at(-1)?.seq ?? 0) > s.executedSeq + restingCount;
}
