/*
 * COMMITs that leave together with what has to be sent next (OSDI'99 section 5.1).
 *
 * Nobody waits for the COMMITs of a batch that was answered, so they cost no datagrams of their own
 * while one batch follows the other. Whoever does wait for one gets it.
 */
import type { AppendId, Seq, Ticks } from "../base/ids.js";
import type { Commit } from "../message.js";
import type { State } from "./state.js";

/**
 * How long a COMMIT may wait for something to leave with: longer than 64 clients take to get their
 * answers and send what they want next.
 */
const HELD_TICKS_MAX: Ticks = 3;

/** After a read had to wait, for so many batches no COMMIT does: the next reads are near. */
const HURRIED_BATCHES = 32;

/**
 * Sends our COMMIT, or holds it if its batch was answered: until the next batch is accepted,
 * somebody waits for it, or some ticks passed. Not while reads follow writes, nor if the primary
 * would have to wait for it.
 */
export function sendCommit(s: State, commit: Commit, append: AppendId, isAnswered: boolean): void {
  const inFlight = s.acceptedSeqMax - s.executedSeq;
  const isAwaited = commit.seq <= s.hurrySeqMax || inFlight >= s.options.batchesInFlightMax;
  s.heldCommits.push({ commit, append, sinceTicks: s.now });
  if (!isAnswered || isAwaited) sendHeldCommits(s);
}

/** Sends the COMMITs that are held, with what leaves once `append` is durable. */
export function sendHeldCommits(s: State, append: AppendId = 0): void {
  s.commitsAwaited = null;
  if (s.heldCommits.length === 0) return;
  for (const held of s.heldCommits) {
    if (s.mayVote) s.sendOthers(held.commit, Math.max(held.append, append));
  }
  s.heldCommits.length = 0;
}

/** Others decided `seq` with COMMITs of theirs that they did not hold: they may lack just ours. */
export function othersDecided(s: State, seq: Seq): void {
  if (holds(s, seq)) sendHeldCommits(s);
}

/** A read has to wait for what was answered: no COMMIT is held for now. */
export function hurryCommits(s: State): void {
  s.hurrySeqMax = s.tentativeSeqMax + HURRIED_BATCHES;
  sendHeldCommits(s);
}

/**
 * Another replica did not hold its COMMIT for `seq`: it may wait for ours. Or it sent it, behind
 * those for earlier batches, along with its vote for the next one, which then is the next thing
 * that we get, and lets ours leave too.
 */
export function othersCommit(s: State, seq: Seq): void {
  if (!holds(s, seq)) return;
  const awaited = s.commitsAwaited;
  const isBehind = awaited?.step === s.stepCount - 1 && awaited.seq < seq;
  if (awaited === null || isBehind) s.commitsAwaited = { step: s.stepCount, seq };
}

function holds(s: State, seq: Seq): boolean {
  return s.heldCommits.some(({ commit }) => commit.seq === seq);
}

/** Sends what others have been waiting for since an earlier step. */
export function sendAwaitedCommits(s: State): void {
  const awaited = s.commitsAwaited;
  if (awaited !== null && awaited.step < s.stepCount) sendHeldCommits(s);
}

/**
 * Time passed: COMMITs that found nothing to leave with are sent by themselves. What they bring
 * about is on its way then, and nobody has to ask for it yet.
 */
export function sendOverdueCommits(s: State): void {
  const [first] = s.heldCommits;
  const ticksMax = Math.min(HELD_TICKS_MAX, s.options.stalledStatusTicks - 1);
  if (first === undefined || s.now - first.sinceTicks < ticksMax) return;
  sendHeldCommits(s);
  s.status = { ...s.status, sinceTicks: s.now };
}
