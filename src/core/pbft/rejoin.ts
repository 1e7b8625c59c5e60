/*
 * Taking part again after votes were forgotten: the journal is damaged, the disk was wiped (rules
 * RS4, PR3, PR4). Until then a replica follows and says nothing that counts: it neither votes nor
 * answers reads, and it is one of the f faulty.
 *
 *   estimate   ask all others where they are, until the answers bound what it may have voted for
 *   catch up   by decisions and state transfer, to a stable checkpoint past that bound
 *   move on    into a view past that bound; the others help with both (rejoin-help.ts)
 *   end        make durable that the journal may be trusted again; votes count from then on
 *
 * Why both bounds: a view change takes no notice of a replica below its own stable checkpoint, so
 * past H_R nobody misses what it forgot to report. But one of its former votes to leave the views
 * below v' may still be used for a NEW-VIEW(v'). That vote says that it prepared nothing above H_R
 * and promises that it never will in a view below v'. So it must not take part in those views.
 *
 * The bounds are not recorded. Nothing depends on them but the end, which is durable before the
 * first vote; a replica that restarts before it estimates anew, which is as sound as before.
 */
import { assert } from "../base/assert.js";
import type { AppendId, ReplicaId, Ticks } from "../base/ids.js";
import type { RejoinAnswer, Verified } from "../message.js";
import { isRegular, signCheckpoint } from "./checkpoints.js";
import { REJOIN_ASK_TICKS } from "./guest-book.js";
import { RejoinEstimate, type VoteBounds } from "./rejoin-estimate.js";
import type { RejectCode } from "./reject.js";
import type { State } from "./state.js";

/** Where a replica that forgot its votes stands. */
export interface Rejoin {
  /** Drawn by the host for this start: no answer to an earlier one fits it. */
  readonly nonce: number;
  readonly estimate: RejoinEstimate;
  bounds: VoteBounds | null;
  /** The last append when both bounds were passed; null before. */
  pastAppend: AppendId | null;
  /** Whether the host was asked to trust the journal again. */
  isEnding: boolean;
  askedTicks: Ticks;
}

/** A rejoin that begins now. */
export function beginRejoin(s: State, nonce: number): Rejoin {
  const { windowSlots, checkpointIntervalSlots } = s.options;
  const rules = { quorums: s.quorums, windowSlots, checkpointIntervalSlots };
  const estimate = new RejoinEstimate(rules);
  return {
    nonce,
    estimate,
    bounds: null,
    pastAppend: null,
    isEnding: false,
    askedTicks: -REJOIN_ASK_TICKS,
  };
}

/** Asks the others where they are, and then for what the bounds call for. Called once a tick. */
export function askToRejoin(s: State): void {
  const { rejoin } = s;
  if (rejoin === null || s.now - rejoin.askedTicks < REJOIN_ASK_TICKS) return;
  rejoin.askedTicks = s.now;
  const { nonce, bounds } = rejoin;
  s.sendOthers({ kind: "rejoin", nonce, seq: bounds?.seq ?? 0, view: bounds?.view ?? 0 });
}

/** Another replica tells where it is (PR3). */
export function onRejoinAnswer(
  s: State,
  from: ReplicaId,
  m: Verified<RejoinAnswer>,
): RejectCode | null {
  const { rejoin } = s;
  if (rejoin?.nonce !== m.nonce || rejoin.bounds !== null) return "rejoin-answer/not-wanted";
  rejoin.estimate.answered(from, m);
  rejoin.bounds = rejoin.estimate.bounds();
  // The others may help at once.
  if (rejoin.bounds !== null) rejoin.askedTicks = -REJOIN_ASK_TICKS;
  return null;
}

/**
 * Once past both bounds, and once that is durable, so that a crash cannot lead back below them: the
 * end is made durable.
 */
export function settleRejoin(s: State): void {
  const { rejoin } = s;
  const bounds = rejoin?.bounds ?? null;
  if (rejoin === null || bounds === null || rejoin.isEnding) return;
  const { seq, view } = bounds;
  // The watermark may have moved on the others' word alone: reads need the state too (RO6).
  if (s.diverged || s.log.lowWatermark < seq || s.storedSeq < seq || s.view <= view) return;
  rejoin.pastAppend ??= s.lastAppend;
  if (rejoin.pastAppend > s.durableAppend) return;
  rejoin.isEnding = true;
  s.emit({ kind: "trust" });
}

/** The journal counts as whole from now on: this replica votes again (RS4). */
export function onTrusted(s: State): void {
  assert(s.rejoin?.isEnding === true, "the host answers what was asked for");
  s.rejoin = null;
  s.pool.restart(s.waitTicks);
  s.timer.forgive(s.view);
  for (const own of s.checkpoints.own()) {
    const isMissing = own.seq > s.log.lowWatermark && own.seq <= s.storedSeq;
    if (isMissing && isRegular(s, own.seq)) signCheckpoint(s, own.seq, own.stateDigest);
  }
  for (const slot of s.log.slots()) s.touched.add(slot);
}
