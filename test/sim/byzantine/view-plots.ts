/*
 * Liars with a plan for a view change: each profits from one particular mistake in what its votes
 * decide or in how that is checked. Against a replica that keeps the rules all of them fail.
 */
import type { Seq } from "../../../src/core/base/ids.js";
import type {
  CertificateEntry,
  CheckpointEntry,
  NewView,
  ReplicaMessage,
  ViewChange,
} from "../../../src/core/message.js";
import type { Replica } from "../../../src/core/pbft/replica.js";
import { MS } from "../scheduler.js";
import { type Addressed, isOwnNewView, isOwnVote, type Strategy, type Villain } from "./liar.js";

/**
 * Claims that the null batch prepared in the view before wherever something prepared, and never
 * announces a view itself, so that this is later than what others prepared (against a weak A2).
 */
export function inventedNull(villain: Villain): Strategy {
  return {
    outgoing: (message) =>
      isOwnNewView(villain, message) ? [] : claimingNull(villain, message, 1),
  };
}

/** The same with every Q-entry many times (against counting entries, TV3). */
export function stuffedVotes(villain: Villain): Strategy {
  const copies = villain.weakQuorum;
  return {
    outgoing: (message) =>
      isOwnNewView(villain, message) ? [] : claimingNull(villain, message, copies),
  };
}

/** As `inventedNull`, and the view in which that prepared fails by its own doing. */
export function nullInOwnView(villain: Villain): Strategy {
  return ownViewFails(villain, 1);
}

/** As `stuffedVotes`, likewise. */
export function stuffedInOwnView(villain: Villain): Strategy {
  return ownViewFails(villain, villain.weakQuorum);
}

function ownViewFails(villain: Villain, copies: number): Strategy {
  const claim = (vote: ViewChange): ViewChange => claimNull(villain, vote, copies);
  return {
    outgoing: (message) =>
      isOwnNewView(villain, message)
        ? insteadOfOwnView(villain, message, claim)
        : claimingNull(villain, message, copies),
  };
}

/**
 * The liar keeps the view that it leads to itself, and votes for the next one before anybody else
 * does: what it claims is part of every quorum there.
 */
function insteadOfOwnView(
  villain: Villain,
  message: NewView,
  change: (vote: ViewChange) => ViewChange,
): readonly ReplicaMessage[] {
  const own = ownVoteIn(villain, message);
  return own === null ? [] : [villain.sign<ViewChange>(change({ ...own, view: own.view + 1 }))];
}

/** The liar's own vote with its claims; any other message as it is. */
function claimingNull(
  villain: Villain,
  message: ReplicaMessage,
  copies: number,
): readonly ReplicaMessage[] {
  if (!isOwnVote(villain, message)) return [message];
  return [villain.sign<ViewChange>(claimNull(villain, message, copies))];
}

function ownVoteIn(villain: Villain, { viewChanges }: NewView): ViewChange | null {
  return viewChanges.find(({ replica }) => replica === villain.self) ?? null;
}

function claimNull(villain: Villain, vote: ViewChange, copies: number): ViewChange {
  const { digest } = villain.batchOf([]);
  const claims = vote.prepared.map(({ seq }) => ({ seq, digest, view: vote.view - 1 }));
  const prePrepared = claims.flatMap((claim) => new Array<CertificateEntry>(copies).fill(claim));
  return { ...vote, prepared: claims, prePrepared };
}

/**
 * Announces views on its own vote alone, which claims that null batches prepared wherever something
 * else did (against TV4).
 */
export function stuffedNewViews(villain: Villain): Strategy {
  const outgoing = (message: ReplicaMessage): ReplicaMessage[] => {
    if (!isOwnNewView(villain, message)) return [message];
    const own = ownVoteIn(villain, message);
    const checkpoint = own?.checkpoints[0];
    if (own === null || checkpoint === undefined) return [message];
    const claims = claimNull(villain, { ...own, checkpoints: [checkpoint] }, 1);
    const vote = villain.sign<ViewChange>(claims);
    const viewChanges = new Array<ViewChange>(message.viewChanges.length).fill(vote);
    const last = claims.prepared.at(-1)?.seq ?? checkpoint.seq;
    const chosen = nullsBetween(villain, checkpoint.seq, last);
    return [villain.sign<NewView>({ ...message, viewChanges, checkpoint, chosen })];
  };
  return { outgoing };
}

/** Announces its views with the votes it got, and null batches in place of all choices (TV11). */
export function erasedChoices(villain: Villain): Strategy {
  const outgoing = (message: ReplicaMessage): ReplicaMessage[] => {
    if (!isOwnNewView(villain, message)) return [message];
    const last = message.chosen.at(-1)?.seq ?? message.checkpoint.seq;
    const chosen = nullsBetween(villain, message.checkpoint.seq, last);
    return [villain.sign<NewView>({ ...message, chosen })];
  };
  return { outgoing };
}

/** The choice of the null batch for every number after `after` up to `last`. */
function nullsBetween(villain: Villain, after: Seq, last: Seq): NewView["chosen"] {
  const { digest } = villain.batchOf([]);
  return Array.from({ length: last - after }, (_, index) => ({ seq: after + 1 + index, digest }));
}

/** How many checkpoint intervals lie before a checkpoint that nobody can have reached. */
const FAR_INTERVALS = 8;

/** Share of the ticks at which a liar votes for the view after the present one. */
const EARLY_SHARE = 0.3;

/**
 * Claims a checkpoint that nobody can have reached, and votes for every view before anybody else
 * wants it, so that its claim is part of every quorum (against TV1).
 */
export function farCheckpoints(villain: Villain): Strategy {
  const stateDigest = villain.randomDigest();
  const farFrom = (stable: CheckpointEntry): CheckpointEntry[] => {
    const seq = stable.seq + FAR_INTERVALS * villain.checkpointInterval;
    return [stable, { seq, stateDigest }];
  };
  const ticked = (replica: Replica): Addressed[] => {
    if (!replica.active || !villain.prng.chance(EARLY_SHARE)) return [];
    const { stableSeq, stableDigest, view } = replica;
    const checkpoints = farFrom({ seq: stableSeq, stateDigest: stableDigest });
    const message = villain.sign<ViewChange>({
      ...{ kind: "view-change", replica: villain.self, view: view + 1, stableSeq, checkpoints },
      ...{ prepared: [], prePrepared: [] },
    });
    return villain.others().map((to) => ({ to, message }));
  };
  const withFar = (vote: ViewChange): ViewChange => {
    const [stable] = vote.checkpoints;
    return stable === undefined ? vote : { ...vote, checkpoints: farFrom(stable) };
  };
  const outgoing = (message: ReplicaMessage): readonly ReplicaMessage[] => {
    if (isOwnNewView(villain, message)) return insteadOfOwnView(villain, message, withFar);
    return isOwnVote(villain, message) ? [villain.sign<ViewChange>(withFar(message))] : [message];
  };
  return { outgoing, ticked };
}

/** Share of the ticks at which whoever leads is cut short. */
const UNSEAT_SHARE = 0.04;

/** Shortest and longest time for which it is not heard. */
const UNSEATED_MIN = 500 * MS;
const UNSEATED_MAX = 1_500 * MS;

/** Lets nobody hear whoever leads, time and again: views change while orders are under way. */
export function unseatedPrimaries(villain: Villain): Strategy {
  let unheardTicks = 0;
  const ticked = (replica: Replica): Addressed[] => {
    unheardTicks -= 1;
    const mayUnseat = unheardTicks <= 0 && replica.active && replica.primary !== villain.self;
    if (!mayUnseat || !villain.prng.chance(UNSEAT_SHARE)) return [];
    const length = villain.prng.range(UNSEATED_MIN, UNSEATED_MAX);
    unheardTicks = villain.hush(replica.primary, length);
    return [];
  };
  return { ticked };
}
