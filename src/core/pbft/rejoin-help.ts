/*
 * What the others do for a replica that forgot its votes (rules PR3, PR4): they tell it where they
 * are, and then bring the cluster past what it may have voted for, because an idle one would stay
 * where it is. The primary orders null batches up to the checkpoint, where no requests do it for
 * them, and hands its view on.
 *
 * Whoever asks may be lying, or be somebody who repeats what it asked long ago, so what it gets is
 * bounded: each of us grants it one pair of goals, within reach of where we are ourselves, and the
 * next one only after a pause that doubles each time. A grant costs at most 3f + 1 handed-on views,
 * those that W of each of us gave up for it, one in which the guest led, and the null batches of
 * one window and one checkpoint interval.
 */
import type { ReplicaId, Seq, Ticks, View } from "../base/ids.js";
import type { Rejoin, Verified } from "../message.js";
import type { Guest } from "./guest-book.js";
import type { RejectCode } from "./reject.js";
import type { VoteBounds } from "./rejoin-estimate.js";
import type { State } from "./state.js";
import { startViewChange } from "./view-changes.js";

/** Least time between two answers to one replica. */
const ANSWER_TICKS_MIN = 2;

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

/** What a guest has before anything is granted. */
const NOTHING: VoteBounds = { seq: 0, view: 0 };

/** A replica that forgot its votes asks where we are, or for help. */
export function onRejoin(s: State, from: ReplicaId, m: Verified<Rejoin>): RejectCode | null {
  const guest = s.guests.of(from);
  if (guest === null) return "message/unexpected";
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
  // It is helped already, or this is what it said before it was.
  if (seq <= s.log.lowWatermark && view < s.view) return null;
  const granted = guest.granted ?? NOTHING;
  const isGranted = seq <= granted.seq && view <= granted.view;
  // If all impatience is spent and the goals still stand, they may be granted again, after the same
  // pause as new ones.
  if (isGranted && guest.impatienceLeft > 0) return null;
  if (!guest.grantPause.isOver(s.now)) return isGranted ? null : "rejoin/too-often";
  if (!mayBeAsked(s, seq, view)) return "rejoin/out-of-reach";
  // What was granted and is not reached stands, whatever old questions somebody repeats.
  guest.granted = { seq: Math.max(seq, granted.seq), view: Math.max(view, granted.view) };
  guest.grantPause.begin(s.now);
  guest.impatienceLeft = s.quorums.weak;
  guest.hope = null;
  return null;
}

/**
 * Whether a correct replica can ask for this: else it asks for too much, or we are behind, and it
 * asks again. Its bound is at most 2f views above where a correct one is, which alone got at most f
 * ahead of us; and it is a checkpoint's, for up to there null batches go.
 */
function mayBeAsked(s: State, seq: Seq, view: View): boolean {
  const { windowSlots, checkpointIntervalSlots } = s.options;
  if (seq % checkpointIntervalSlots !== 0) return false;
  return seq <= preparedSeq(s) + windowSlots && view <= s.view + 3 * s.quorums.faultsMax;
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
  return !isIdle && s.now - guest.grantPause.startTicks < forTicks;
}

/** Leaves a view that a guest must not vote in, or in which it gets no help. Once a tick. */
export function helpGuests(s: State): void {
  if (!s.mayVote) return;
  for (const { id, guest } of s.guests.present(s.now)) {
    if (mustLeave(s, id, guest)) startViewChange(s, s.view + 1, "rejoin");
  }
}

function mustLeave(s: State, id: ReplicaId, guest: Guest): boolean {
  if (s.primary === id && passesOver(s, guest)) return true;
  if (!s.active) return false;
  const { granted } = guest;
  if (granted === null) return false;
  const isTooLow = s.view <= granted.view;
  if (s.primary === s.self) return isTooLow;
  const isTooEarly = s.log.lowWatermark < granted.seq;
  if (!isTooLow && !isTooEarly) return false;
  if (keepsHope(s, guest, isTooEarly && !isTooLow) || guest.impatienceLeft === 0) return false;
  guest.impatienceLeft -= 1;
  return true;
}

/**
 * Whether to leave the view of a guest at once: it says itself that it does not lead. As with a
 * timeout, Q must have come as far as we (VT2). Not again before a pause: what it says may be what
 * it said long ago, repeated by somebody whenever it leads. Until then its views are left as others
 * are, by the time-out of a request or by impatience.
 */
function passesOver(s: State, guest: Guest): boolean {
  if (!s.active && s.viewChanges.newViewDeadline === null) return false;
  if (!guest.passOverPause.isOver(s.now)) return false;
  guest.passOverPause.begin(s.now);
  return true;
}

/**
 * Whether the present primary may still be at it; counts, so once a tick for each guest. Only the
 * time counts in which the guest asks: nobody has to help one that is away, or that a bad network
 * makes seem so. Where only the checkpoint is missing each batch is a step: on a slow network a
 * window of them takes longer than anybody's patience.
 */
function keepsHope(s: State, guest: Guest, isStepwise: boolean): boolean {
  const { view, executedSeq } = s;
  const { hope } = guest;
  const timeoutTicks = s.options.viewChangeTicksMax;
  if (hope?.view !== view) {
    guest.hope = { view, askedTicks: 0, executedSeq, stepTicks: 0 };
    return true;
  }
  hope.askedTicks += 1;
  hope.stepTicks += 1;
  if (hope.askedTicks >= PATIENCE_IN_ALL_TIMEOUTS * timeoutTicks) return false;
  if (isStepwise && hope.executedSeq < executedSeq) {
    hope.executedSeq = executedSeq;
    hope.stepTicks = 0;
  }
  return hope.stepTicks < PATIENCE_TIMEOUTS * timeoutTicks;
}
