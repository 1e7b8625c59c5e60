/*
 * Leaving a view (TOCS'02 section 4.5; rules VC1, VC2, VC5, VC10, VT2 to VT5).
 */
import { assert } from "../base/assert.js";
import type { View } from "../base/ids.js";
import type { CheckpointEntry, Verified, ViewChange } from "../message.js";
import { isRegular } from "./checkpoints.js";
import { isValidVote, type VoteRules } from "./new-view-decision.js";
import { sendHeldCommits } from "./held-commits.js";
import { dropHeldReads } from "./reads.js";
import type { RejectCode } from "./reject.js";
import type { State, ViewChangeReason } from "./state.js";
import { forgetTentative } from "./tentative.js";

/** Stops taking part in lower views for ever, and asks for a vote for `view` to be signed (VC1). */
export function startViewChange(s: State, view: View, reason: ViewChangeReason): void {
  assert(view > s.view, "the view only grows (I6)");
  assert(s.rejoin === null, "who forgot its votes follows and gives none (RS4)");
  sendHeldCommits(s);
  forgetTentative(s);
  dropHeldReads(s);
  s.view = view;
  s.active = false;
  s.newView = null;
  s.suspicion = null;
  if (reason === "slow-primary") s.monitor.replaced();
  s.monitor.restart();
  s.timer.restart();
  s.viewChanges.newViewDeadline = null;
  s.viewChanges.signing = false;
  s.viewChanges.missing = [];
  s.viewChanges.unplaced = [];
  s.viewChangeCounts.set(reason, (s.viewChangeCounts.get(reason) ?? 0) + 1);
  const slots = s.log.slots();
  const prepared = slots.flatMap((slot) => slot.preparedEntry ?? []);
  const prePrepared = slots.flatMap((slot) => slot.prePrepared);
  const stableSeq = s.log.lowWatermark;
  const checkpoints = heldCheckpoints(s);
  const kind = "view-change";
  s.emit({
    kind: "sign",
    message: { kind, replica: s.self, view, stableSeq, checkpoints, prepared, prePrepared },
  });
}

/**
 * C: the stable checkpoint, and the later ones whose state the store holds. Of those above the
 * window, whose state was fetched, only the newest: others take no vote with more (TV10).
 */
function heldCheckpoints(s: State): CheckpointEntry[] {
  const { seq, stateDigest } = s.checkpoints.stable;
  const later = s.checkpoints
    .own()
    .filter((own) => own.seq > seq && own.seq <= s.storedSeq && isRegular(s, own.seq));
  const within = later.filter((own) => s.log.inWindow(own.seq));
  const newest = later.slice(within.length).slice(-1);
  return [
    { seq, stateDigest },
    ...[...within, ...newest].map((own) => ({ seq: own.seq, stateDigest: own.stateDigest })),
  ];
}

/** Our vote is signed: it is sent once it is durable, together with all that it says (2.12). */
export function onViewChangeSigned(s: State, vote: ViewChange): void {
  if (vote.view !== s.view || s.active) return;
  s.viewChanges.add(vote);
  const append = s.append({ kind: "view-change", vote });
  s.voteAppend = append;
  s.sendOthers(vote, append);
}

/**
 * Another replica wants to leave the lower views. Signed, so it does not matter who passed it on.
 */
export function onViewChange(s: State, m: Verified<ViewChange>): RejectCode | null {
  if (!isValidVote(m, voteRules(s))) return "view-change/malformed";
  if (m.view < s.view || (m.view === s.view && s.active)) return "view-change/stale";
  return s.viewChanges.add(m) ? null : "view-change/duplicate";
}

/** What the validity of votes depends on. */
export function voteRules(s: State): VoteRules {
  const { windowSlots, checkpointIntervalSlots } = s.options;
  return { quorums: s.quorums, windowSlots, checkpointIntervalSlots };
}

/** Joins a view change that others began, and starts the timer once Q take part (VC10, VT2). */
export function settleViewChange(s: State): void {
  if (s.rejoin !== null) return;
  if (s.active && s.suspicion !== null) startViewChange(s, s.view + 1, s.suspicion);
  if (s.active && s.viewChanges.highestView <= s.view) return;
  const above = s.viewChanges.viewsAbove(s.view);
  const [smallest] = above;
  if (smallest !== undefined && above.length >= s.quorums.weak) {
    startViewChange(s, smallest, "joined");
  } else if (s.active && s.viewChanges.voteOf(s.primary, s.view + 1) !== null) {
    // The primary itself gave its view up: nobody needs to wait for it (VC10's safe exception).
    startViewChange(s, s.view + 1, "joined");
  }
  startNewViewTimer(s);
}

function startNewViewTimer(s: State): void {
  if (s.active || s.viewChanges.newViewDeadline !== null) return;
  const taking = s.viewChanges.viewsAbove(s.view - 1).length;
  if (taking < s.quorums.strong) return;
  s.viewChanges.newViewDeadline = s.now + s.timer.timeoutTicks(s.view);
}
