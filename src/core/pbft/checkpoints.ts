/*
 * Checkpoints and garbage collection (TOCS'02 section 4.4; rules CK1 to CK5).
 */
import { assert } from "../base/assert.js";
import { bytesEqual } from "../base/bytes.js";
import { Domain, type Digest } from "../base/hasher.js";
import type { AppendId, Seq } from "../base/ids.js";
import type { Checkpoint, Verified } from "../message.js";
import type { CheckpointBegun, OwnCheckpoint, StableCertificate } from "./checkpoint-book.js";
import type { RejectCode } from "./reject.js";
import { stateDigestOf } from "./state-digest.js";
import type { State } from "./state.js";

/**
 * Notes that the state after `seq`, which is the present one and pinned, is to be a checkpoint of
 * our own: once its root is known, which takes long to compute if the state is large. Its vote
 * waits for that, and execution does not.
 */
export function beginCheckpoint(s: State, seq: Seq): void {
  assert(s.checkpointBegun === null, "one checkpoint's root is told before the next is begun");
  s.checkpointBegun = presentTable(s, seq);
}

/** The root of the state that was pinned after `seq` is known: it is a checkpoint of our own. */
export function onPinned(s: State, seq: Seq, serviceRoot: Digest): void {
  const begun = s.checkpointBegun;
  // The state was found to be wrong meanwhile.
  if (begun?.seq !== seq) return;
  s.checkpointBegun = null;
  s.checkpoints.keepOwn(checkpointOf(s, begun, serviceRoot));
}

/** Notes the present state as a checkpoint of our own whose root is known. */
export function takeCheckpoint(s: State, seq: Seq, serviceRoot: Digest): void {
  s.checkpoints.keepOwn(checkpointOf(s, presentTable(s, seq), serviceRoot));
}

function presentTable(s: State, seq: Seq): CheckpointBegun {
  assert(seq === s.executedSeq, "a checkpoint is taken when its batch was executed");
  return { seq, tableSummary: s.clients.summary(), tableEntries: s.clients.snapshot() };
}

function checkpointOf(s: State, begun: CheckpointBegun, serviceRoot: Digest): OwnCheckpoint {
  const tableDigest = s.hasher.digest(Domain.clientTable, begun.tableSummary);
  return { ...begun, stateDigest: stateDigestOf(s.hasher, begun.seq, serviceRoot, tableDigest) };
}

/** The store holds everything up to `seq`: checkpoints up to there may be voted for (CK2). */
export function onStored(s: State, seq: Seq): void {
  if (seq <= s.storedSeq) return;
  const begun = s.checkpointBegun;
  assert(begun === null || seq < begun.seq, "a checkpoint's root is told before it is stored");
  const before = s.storedSeq;
  s.storedSeq = seq;
  if (!s.mayVote) return;
  for (const own of s.checkpoints.own()) {
    if (own.seq > before && own.seq <= seq) signCheckpoint(s, own.seq, own.stateDigest);
  }
}

/**
 * Votes for a checkpoint of our own whose state the store holds; not a second time for a number
 * that a wrong state may have been voted for (AU6).
 */
export function signCheckpoint(s: State, seq: Seq, stateDigest: Digest): void {
  if (seq <= s.recantedSeq) return;
  s.emit({ kind: "sign", message: { kind: "checkpoint", replica: s.self, seq, stateDigest } });
}

/** Whether a checkpoint at `seq` is one that all take, and not one for a replica that lags. */
export function isRegular(s: State, seq: Seq): boolean {
  return seq % s.options.checkpointIntervalSlots === 0;
}

/**
 * Takes a checkpoint of the present state for replicas that lag behind the stable one, when its
 * state is not here any more because of a restart. W votes for it prove its state, which is what
 * they need; it is never stable, so it counts for nothing else.
 */
export function takeInterimCheckpoint(s: State): void {
  const { executedSeq } = s;
  const isAtRest = s.executing === null && s.installing === null;
  if (!isAtRest || !s.mayVote || s.storedSeq < executedSeq) return;
  // Everybody has the genesis state, and votes for views name it by another digest.
  if (executedSeq === 0 || executedSeq < s.log.lowWatermark) return;
  if (s.checkpoints.ownAt(executedSeq) === null) {
    s.service.pin(executedSeq);
    const present = presentTable(s, executedSeq);
    s.checkpoints.keepOffered(checkpointOf(s, present, s.service.root()));
  }
  const own = s.checkpoints.ownAt(executedSeq);
  assert(own !== null, "the checkpoint was just taken");
  signCheckpoint(s, own.seq, own.stateDigest);
}

/** Our vote is signed: it counts, and it is sent. */
export function onCheckpointSigned(s: State, m: Checkpoint): void {
  if (m.seq > s.log.lowWatermark && isRegular(s, m.seq)) s.checkpoints.add(m);
  s.sendOthers(m);
}

/** A vote for a checkpoint. Signed, so it does not matter who passed it on (CK3). */
export function onCheckpoint(s: State, m: Verified<Checkpoint>): RejectCode | null {
  if (!isRegular(s, m.seq) && m.seq <= s.executedSeq) return "checkpoint/not-a-checkpoint";
  if (m.seq <= s.log.lowWatermark) return "checkpoint/outside-window";
  const outcome = s.checkpoints.add(m);
  if (outcome === "duplicate") return "checkpoint/duplicate";
  return outcome === "conflict" ? "checkpoint/conflict" : null;
}

/**
 * Takes a checkpoint for stable once Q vote for it and our own state is that one, durably (CK3).
 * Those that we have not reached yet do not keep us from moving on to one that we have.
 */
export function settleCheckpoints(s: State): void {
  const certificates = s.checkpoints.certificates(s.quorums.strong);
  const certificate = certificates.findLast(({ seq }) => seq <= s.executedSeq && isRegular(s, seq));
  if (certificate === undefined) return;
  // Not by the wrong state that is being replaced.
  if (s.diverged) return;
  const own = s.checkpoints.ownAt(certificate.seq);
  // There is none before its root is told, and then it is not stored either. Nor if it was taken
  // before a restart: then the others' word has to do, for without
  // it our votes would start from a checkpoint that most have left behind.
  if (own !== null && !bytesEqual(own.stateDigest, certificate.stateDigest)) {
    diverge(s);
    return;
  }
  if (s.storedSeq >= certificate.seq) stabilize(s, certificate);
}

/**
 * A replica that fetches state votes on before it has it: a certificate of Q proves that everything
 * up to it is decided and kept by a correct quorum, so its word about what lies below is not needed
 * any more, and about what lies above it needs no state, only the window. Without it the others
 * might wait for this vote while they have nothing alike that this replica could fetch.
 */
export function adoptCertificate(s: State): void {
  if (s.transfer.target === null || s.executing !== null || s.installing !== null) return;
  const certificates = s.checkpoints.certificates(s.quorums.strong);
  const certificate = certificates.findLast(({ seq }) => seq > s.executedSeq && isRegular(s, seq));
  if (certificate === undefined) return;
  const { seq } = certificate;
  moveWatermark(
    s,
    certificate,
    s.append({ kind: "certified", seq, certificate: certificate.votes }),
  );
}

/**
 * Our state is not the one that a quorum vouches for: it is fetched anew (CK4). The journal is
 * whole, and what was promised about the order of batches does not depend on their results. So,
 * unlike who forgot its votes, this replica takes part again as soon as its state is right; only
 * its word about checkpoints up to here was worth nothing.
 */
function diverge(s: State): void {
  s.diverged = true;
  s.recantedSeq = s.executing?.seq ?? s.executedSeq;
  s.checkpoints.forgetOwnAbove(s.log.lowWatermark);
  s.checkpointBegun = null;
}

/** Moves the low watermark, and lets the journal forget what is below it once that is durable. */
export function stabilize(s: State, certificate: StableCertificate): void {
  const { seq } = certificate;
  assert(seq <= s.executedSeq && seq <= s.storedSeq, "nothing is dropped that may be needed again");
  moveWatermark(s, certificate, s.append({ kind: "stable", seq, certificate: certificate.votes }));
}

function moveWatermark(s: State, certificate: StableCertificate, append: AppendId): void {
  const { seq } = certificate;
  assert(seq > s.log.lowWatermark, "the low watermark only grows (I6)");
  s.discardAfter.push({ append, seq });
  s.checkpoints.stabilize(certificate);
  s.log.advance(seq);
  s.assignedSeq = Math.max(s.assignedSeq, seq);
}

/** Journal records whose checkpoint certificate is durable now are not needed any more (2.12). */
export function discardStable(s: State): void {
  let discarded: Seq | null = null;
  let count = 0;
  for (const { append, seq } of s.discardAfter) {
    if (append > s.durableAppend) break;
    discarded = seq;
    count += 1;
  }
  if (discarded === null) return;
  s.discardAfter.splice(0, count);
  s.emit({ kind: "discard", seq: discarded });
}
