/*
 * What happens because time passes (rules VT1 to VT6, VC5, VC8, RT1, CK6).
 */
import type { Ticks } from "../base/ids.js";
import { askForDecision } from "./decisions.js";
import { sendOverdueCommits } from "./held-commits.js";
import { askToRejoin } from "./rejoin.js";
import { helpGuests } from "./rejoin-help.js";
import { fetchState, holdFetched } from "./state-donor.js";
import type { State } from "./state.js";
import { hasUnfinishedWork, sendStatus } from "./statuses.js";
import { startViewChange } from "./view-changes.js";

/** One tick of the host's ticker. */
export function onTicked(s: State): void {
  s.now += 1;
  sendOverdueCommits(s);
  if (!s.leave.takesTick(s.installing !== null)) s.waitTicks += 1;
  // Who forgot its votes leaves no view: it follows the others (RS4).
  if (s.rejoin === null) watchPrimary(s);
  helpGuests(s);
  askToRejoin(s);
  fetchState(s);
  holdFetched(s);
  askForDecisions(s);
  tellStatus(s);
}

function watchPrimary(s: State): void {
  watchRequests(s);
  watchStranded(s);
  watchNewView(s);
}

/** A slot that waits for a pre-prepare which others have committed is looked at again (RO4). */
function askForDecisions(s: State): void {
  for (const slot of s.log.slotsAbove(s.executedSeq)) {
    if (slot.leftOutSinceTicks !== null) askForDecision(s, slot);
  }
}

/**
 * The oldest of what waits is what is watched: a primary that serves all others and starves one
 * client is voted out like one that serves nobody (VT1).
 */
function watchRequests(s: State): void {
  if (!s.active) return;
  if (s.abdicated && s.primary === s.self) {
    startViewChange(s, s.view + 1, "abdicated");
    return;
  }
  const sinceTicks = Math.min(requestSinceTicks(s), batchSinceTicks(s));
  const overdueTicks = s.waitTicks - sinceTicks - s.timer.timeoutTicks(s.view);
  // Bounded: what we wait for may be what only a view change can bring, such as a last vote for it.
  const graceTicks = isWaitingForItself(s) ? s.options.viewChangeTicksMax : 0;
  if (overdueTicks < graceTicks) return;
  startViewChange(s, s.view + 1, "request-timeout");
}

/**
 * How long a backup has known the oldest request. At a primary requests wait because it is busy.
 */
function requestSinceTicks(s: State): Ticks {
  if (s.primary === s.self) return s.waitTicks;
  return s.pool.oldest()?.sinceTicks ?? s.waitTicks;
}

/**
 * Since when a batch is accepted and not executed. Nobody else may be waiting for it: where it is
 * executed its clients are served, and whoever could agree on it here may have left the view. So
 * the primary gives up too, and need not be told by backups of which too few miss anything.
 */
function batchSinceTicks(s: State): Ticks {
  let sinceTicks = s.waitTicks;
  for (const slot of s.log.slotsAbove(s.executedSeq)) {
    if (!slot.acceptedIn(s.view)) continue;
    sinceTicks = Math.min(sinceTicks, slot.acceptedTicks);
  }
  return sinceTicks;
}

/**
 * While our own execution, state or database is what holds things up, the primary is not to blame
 * (VT6). A full window waits for a checkpoint, and that for the databases.
 */
function isWaitingForItself(s: State): boolean {
  if (s.executedSeq === s.log.highWatermark && s.storedSeq < s.executedSeq) return true;
  if (s.executing !== null || s.installing !== null || s.transfer.target !== null) return true;
  return s.log.isDecided(s.executedSeq + 1);
}

/**
 * More than f others go on saying that they lack what is executed here. Too few can vouch for it,
 * and the votes that decided it may have come from who has crashed or left the view since: the
 * client is served, nobody waits for anything, and only a view change brings the others on (CK6,
 * VC9). Whom we do not hear is not counted: it is more likely we who are cut off.
 */
function watchStranded(s: State): void {
  const seq = s.executedSeq;
  const heardTicks = s.now - 2 * s.options.idleStatusTicks;
  if (!s.active || s.peers.countBehind(seq, heardTicks) < s.quorums.weak) s.stranded = null;
  else if (s.stranded?.seq !== seq) s.stranded = { seq, sinceTicks: s.now };
  else if (s.now - s.stranded.sinceTicks >= s.options.viewChangeTicksMax) {
    s.stranded = null;
    startViewChange(s, s.view + 1, "stranded");
  }
}

/** The new view did not come in time: on to the one after it, with twice the time (VT3). */
function watchNewView(s: State): void {
  const deadline = s.viewChanges.newViewDeadline;
  if (s.active || deadline === null || s.now < deadline) return;
  startViewChange(s, s.view + 1, "new-view-timeout");
}

/** A stalled replica asks often, an idle one now and then; one that makes progress need not ask. */
function tellStatus(s: State): void {
  if (s.executedSeq !== s.status.executedSeq || s.view !== s.status.view) {
    s.status = {
      executedSeq: s.executedSeq,
      view: s.view,
      sinceTicks: s.now,
      sentTicks: s.status.sentTicks,
    };
  }
  const period = hasUnfinishedWork(s) ? s.options.stalledStatusTicks : s.options.idleStatusTicks;
  const quiet = Math.min(s.now - s.status.sinceTicks, s.now - s.status.sentTicks);
  const overdue = s.now - s.status.sentTicks >= s.options.idleStatusTicks;
  if (quiet < period && !overdue) return;
  s.status = { ...s.status, sentTicks: s.now };
  sendStatus(s);
  relayOldest(s);
}

/**
 * The primary may never have heard of what waits longest here: our relay got lost, or it leads a
 * view that began since. It must not be voted out for that (VC8).
 */
function relayOldest(s: State): void {
  const oldest = s.pool.oldest();
  if (oldest?.proposedSeq !== null) return;
  if (s.active && s.primary !== s.self) s.sendTo(s.primary, oldest.request);
}
