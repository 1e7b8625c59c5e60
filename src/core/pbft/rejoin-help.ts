/*
 * What the others do for a replica that forgot its votes (rules PR3, PR4): they tell it where they
 * are, and then bring the cluster past what it may have voted for, because an idle one would stay
 * where it is. The primary orders null batches up to the checkpoint, where no requests do it for
 * them, and hands its view on.
 *
 * Whoever asks may be lying, so what it gets is bounded: it is granted one pair of goals, within
 * reach of where we are ourselves, and the next one only after a pause that doubles each time. A
 * grant costs at most 3f + 1 handed-on views and the null batches of one window and one checkpoint
 * interval.
 */
import type { ReplicaId, Seq, Ticks } from "../base/ids.js";
import type { Rejoin, Verified } from "../message.js";
import type { Guest } from "./guest-book.js";
import type { RejectCode } from "./reject.js";
import type { State } from "./state.js";
import { startViewChange } from "./view-changes.js";

/** Least time between two answers to one replica. */
const ANSWER_TICKS_MIN = 2;

/** Pause after the first grant to one replica: a rejoin under way gets along without a second. */
const GRANT_PAUSE_TICKS_MIN = 500;

/** Most that doubling makes of the pause: an hour, at ticks of 10 ms. */
const GRANT_PAUSE_TICKS_MAX = 360_000;

/**
 * What a primary gets to hand its view on, or to order the next batch before the checkpoint, in
 * longest view change timeouts: it may have a window of batches to write to a slow disk.
 */
const PATIENCE_TIMEOUTS = 4;

/** And for all of these batches together. */
const PATIENCE_IN_ALL_TIMEOUTS = 16;

/**
 * How long no request may have waited for the cluster to be idle: the next one of whoever sends
 * another once it is answered comes sooner, unless it is far away.
 */
const IDLE_TICKS: Ticks = 5;

/**
 * How long a grant is left to requests, if there are any, in longest view change timeouts: null
 * batches as fast as they go leave those who load the cluster a fifth of their writes. Not for
 * longer, for whoever rejoins counts among the f, and nobody's patience may end before.
 */
const LEFT_TO_REQUESTS_TIMEOUTS = 2;

/** A replica that forgot its votes asks where we are, or for help. */
export function onRejoin(s: State, from: ReplicaId, m: Verified<Rejoin>): RejectCode | null {
  const guest = s.guests.of(from);
  if (guest === null) return "message/unexpected";
  // Nobody had to help it while it was away: longer, that is, than a bad network may make it seem.
  if (s.now - guest.heardTicks >= s.options.viewChangeTicksMax) guest.hope = null;
  guest.heardTicks = s.now;
  // Who forgot something itself, or holds a wrong state, is no witness.
  if (!s.mayVote) return "rejoin/not-helping";
  if (m.view === 0) return answer(s, from, guest, m);
  return grant(s, guest, m);
}

function answer(s: State, from: ReplicaId, guest: Guest, m: Rejoin): RejectCode | null {
  if (s.now - guest.answeredTicks < ANSWER_TICKS_MIN) return "rejoin/too-often";
  guest.answeredTicks = s.now;
  const { view, executedSeq } = s;
  s.sendTo(from, {
    ...{ kind: "rejoin-answer", nonce: m.nonce, view, executedSeq, preparedSeq: preparedSeq(s) },
  });
  return null;
}

/** The highest sequence number that prepared here. */
function preparedSeq(s: State): Seq {
  const last = s.log.slots().findLast((slot) => slot.preparedEntry !== null);
  return Math.max(s.executedSeq, last?.seq ?? 0);
}

function grant(s: State, guest: Guest, { seq, view }: Rejoin): RejectCode | null {
  const { granted } = guest;
  if (granted !== null && seq <= granted.seq && view <= granted.view) return null;
  // Who asks for more than a correct replica can, from here: or we are behind, and it asks again.
  // Its bound is at most 2f above where a correct one is, which alone got at most f ahead of us.
  const isInReach =
    seq <= preparedSeq(s) + s.options.windowSlots && view <= s.view + 3 * s.quorums.faultsMax;
  if (!isInReach) return "rejoin/out-of-reach";
  if (s.now - guest.grantedTicks < guest.pauseTicks) return "rejoin/too-often";
  guest.granted = { seq, view };
  guest.grantedTicks = s.now;
  const pauseTicks = Math.max(GRANT_PAUSE_TICKS_MIN, 2 * guest.pauseTicks);
  guest.pauseTicks = Math.min(pauseTicks, GRANT_PAUSE_TICKS_MAX);
  guest.impatienceLeft = s.quorums.weak;
  guest.hope = null;
  return null;
}

/** How far null batches are called for (PR3); 0 if nobody asked, or if requests do for now. */
export function orderedForGuests(s: State): Seq {
  let goal = 0;
  for (const { guest } of s.guests.present(s.now)) {
    const seq = guest.granted?.seq ?? 0;
    if (seq > s.log.lowWatermark && !isLeftToRequests(s, guest)) goal = Math.max(goal, seq);
  }
  return goal;
}

/** Whether requests are to bring the cluster to where `guest` needs it. */
function isLeftToRequests(s: State, guest: Guest): boolean {
  const isIdle = s.now - s.usedTicks >= IDLE_TICKS;
  const forTicks = LEFT_TO_REQUESTS_TIMEOUTS * s.options.viewChangeTicksMax;
  return !isIdle && s.now - guest.grantedTicks < forTicks;
}

/** Leaves a view that a guest must not vote in, or in which it gets no help. Once a tick. */
export function helpGuests(s: State): void {
  if (!s.mayVote) return;
  for (const { id, guest } of s.guests.present(s.now)) {
    if (mustLeave(s, id, guest)) startViewChange(s, s.view + 1, "rejoin");
  }
}

function mustLeave(s: State, id: ReplicaId, guest: Guest): boolean {
  // It says itself that it does not lead. As with a timeout, Q must have come as far as we (VT2).
  if (s.primary === id) return s.active || s.viewChanges.newViewDeadline !== null;
  if (!s.active) return false;
  const { granted } = guest;
  if (granted === null) return false;
  const isTooLow = s.view <= granted.view;
  if (s.primary === s.self) return isTooLow;
  const isTooEarly = s.log.lowWatermark < granted.seq;
  if (!isTooLow && !isTooEarly) return false;
  if (hasHope(s, guest, isTooEarly && !isTooLow) || guest.impatienceLeft === 0) return false;
  guest.impatienceLeft -= 1;
  return true;
}

/**
 * Whether the present primary may still be at it. Where only the checkpoint is missing each batch
 * is a step: on a slow network a window of them takes longer than anybody's patience.
 */
function hasHope(s: State, guest: Guest, isStepwise: boolean): boolean {
  const { view, executedSeq, now } = s;
  const { hope } = guest;
  const timeoutTicks = s.options.viewChangeTicksMax;
  if (hope?.view !== view) {
    guest.hope = { view, sinceTicks: now, executedSeq, stepTicks: now };
    return true;
  }
  if (now - hope.sinceTicks >= PATIENCE_IN_ALL_TIMEOUTS * timeoutTicks) return false;
  if (isStepwise && hope.executedSeq < executedSeq) {
    guest.hope = { ...hope, executedSeq, stepTicks: now };
    return true;
  }
  return now - hope.stepTicks < PATIENCE_TIMEOUTS * timeoutTicks;
}
