/*
 * Entering a view (TOCS'02 section 4.5; rules VC3, VC4, VC6 to VC8).
 */
import { assert } from "../base/assert.js";
import { bytesEqual } from "../base/bytes.js";
import type { Digest } from "../base/hasher.js";
import { primaryOf, type Seq, type View } from "../base/ids.js";
import type { Batch, NewView, Verified } from "../message.js";
import { decideNewView, isValidVote, sameDecision } from "./new-view-decision.js";
import { acceptBatch } from "./normal-case.js";
import { sendHeldCommits } from "./held-commits.js";
import type { RejectCode } from "./reject.js";
import type { Slot } from "./slot.js";
import type { State } from "./state.js";
import { boundTentative, forgetTentative } from "./tentative.js";
import { startViewChange, voteRules } from "./view-changes.js";

/**
 * The new primary announces the view once the votes decide, its own among them, and it holds every
 * chosen batch (A3).
 */
export function announceNewView(s: State): void {
  if (s.active || s.primary !== s.self || s.viewChanges.signing || !s.mayVote) return;
  if (s.viewChanges.voteOf(s.self, s.view) === null) return;
  const viewChanges = s.viewChanges.votesFor(s.view);
  const decision = decideNewView(viewChanges, voteRules(s), s.nullBatchDigest);
  if (decision === null) return;
  s.viewChanges.missing = decision.chosen
    .filter(({ seq, digest }) => seq > s.log.lowWatermark && chosenBody(s, seq, digest) === null)
    .map(({ digest }) => digest);
  s.viewChanges.unplaced = decision.chosen;
  if (s.viewChanges.missing.length > 0) return;
  s.viewChanges.signing = true;
  const { checkpoint, chosen } = decision;
  s.emit({
    kind: "sign",
    message: { kind: "new-view", replica: s.self, view: s.view, viewChanges, checkpoint, chosen },
  });
}

/** Our announcement is signed: it is sent once it is durable, and holds for us at once. */
export function onNewViewSigned(s: State, m: NewView): void {
  if (m.view !== s.view || s.active) return;
  const append = install(s, m);
  s.sendOthers(m, append);
}

/** The primary of `m.view` announces it. Signed, so it does not matter who passed it on (VC3). */
export function onNewView(s: State, m: Verified<NewView>): RejectCode | null {
  if (m.replica !== primaryOf(m.view, s.options.replicaCount)) return "new-view/not-primary";
  if (m.view < s.view || (m.view === s.view && s.active)) return "new-view/stale";
  if (m.replica === s.self) return "new-view/stale";
  const reject = rejectNewView(s, m);
  if (reject === null) install(s, m);
  // Only who waits for this very view is moved on: else one faulty replica could drag everybody
  // through all the views that it would lead (VC10).
  else if (m.view === s.view && s.rejoin === null) startViewChange(s, m.view + 1, "faulty-primary");
  return reject;
}

/** The signature is the primary's, so a wrong announcement proves it faulty (TV4, TV11). */
function rejectNewView(s: State, m: NewView): RejectCode | null {
  const rules = voteRules(s);
  let previous = -1;
  for (const vote of m.viewChanges) {
    if (vote.replica <= previous || vote.view !== m.view) return "new-view/malformed";
    if (!isValidVote(vote, rules)) return "new-view/malformed";
    previous = vote.replica;
  }
  const decision = decideNewView(m.viewChanges, rules, s.nullBatchDigest);
  if (decision === null || !sameDecision(decision, m)) return "new-view/wrong-decision";
  return null;
}

/** Goes on in the view that `m` announces: carried-over numbers are agreed on again (VC4, VC8). */
function install(s: State, m: NewView): number {
  const append = s.append({ kind: "new-view", newView: m });
  s.newViewAppend = append;
  enterView(s, m);
  s.pool.restart(s.waitTicks);
  placeChosen(s);
  return append;
}

/** Makes `m` the present view, here and when a journal is read back. */
export function enterView(s: State, m: NewView): void {
  assert(m.view >= s.view, "the view only grows (I6)");
  sendHeldCommits(s);
  forgetTentative(s);
  s.monitor.restart();
  s.timer.restart();
  s.view = m.view;
  s.active = true;
  s.abdicated = false;
  s.newView = m;
  s.suspicion = null;
  s.viewChanges.newViewDeadline = null;
  s.viewChanges.signing = false;
  s.viewChanges.missing = [];
  s.viewChanges.unplaced = m.chosen;
  const carriedSeqMax = m.chosen.at(-1)?.seq ?? m.checkpoint.seq;
  s.viewChanges.carriedSeqMax = carriedSeqMax;
  s.assignedSeq = Math.max(carriedSeqMax, m.checkpoint.seq, s.log.lowWatermark);
  s.acceptedSeqMax = carriedSeqMax;
  boundTentative(s, Math.max(carriedSeqMax, m.checkpoint.seq));
}

/**
 * Accepts the choices of the NEW-VIEW that the window and the bodies at hand allow by now (VC7).
 */
export function placeChosen(s: State): void {
  if (!s.active || s.viewChanges.unplaced.length === 0) return;
  s.viewChanges.unplaced = s.viewChanges.unplaced.filter(({ seq, digest }) => {
    if (seq <= s.log.lowWatermark) return false;
    if (!s.log.inWindow(seq)) return true;
    placeChoice(s, seq, digest);
    return false;
  });
}

function placeChoice(s: State, seq: Seq, digest: Digest): void {
  const slot = s.log.slot(seq);
  assertKept(slot, s.view, digest);
  if (slot.chosenIn(s.view) === null) slot.choose(s.view, digest);
  const body = chosenBody(s, seq, digest);
  if (body !== null && !slot.accepted) acceptBatch(s, slot, body);
}

/**
 * What was decided before `view` is what `view` chooses. What was decided in it, or later, need not
 * be: a faulty primary may announce its view twice, and who lags hears of decisions before it hears
 * of the view that made them. Its votes go by the announcement that it knows all the same.
 */
function assertKept(slot: Slot, view: View, digest: Digest): void {
  const { committedDigest, committedView } = slot;
  if (committedDigest === null || committedView === null || committedView >= view) return;
  const agrees = bytesEqual(committedDigest, digest);
  assert(agrees, "what is decided is chosen by every later view (I1)");
}

/** The batch of a choice, if it is held; the null batch always is. */
function chosenBody(s: State, seq: Seq, digest: Digest): Batch | null {
  if (bytesEqual(digest, s.nullBatchDigest)) return { requests: [], digest };
  return s.log.find(seq)?.body(digest) ?? null;
}
