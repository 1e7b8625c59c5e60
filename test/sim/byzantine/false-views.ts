import type { ReplicaId } from "../../../src/core/base/ids.js";
import type {
  CertificateEntry,
  NewView,
  ReplicaMessage,
  ViewChange,
} from "../../../src/core/message.js";
import type { Addressed, Strategy, Villain } from "./liar.js";

/** Hides in its votes for a view what it has prepared (A9). */
export function hiddenPrepared(villain: Villain): Strategy {
  return onViewChanges(villain, (vote) => ({ ...vote, prepared: [], prePrepared: [] }));
}

/** Claims in its votes for a view to have prepared what nobody ordered (A9). */
export function inventedPrepared(villain: Villain): Strategy {
  return onViewChanges(villain, (vote) => {
    const view = Math.max(0, vote.view - 1);
    const seq = (vote.prepared[0]?.seq ?? vote.stableSeq + 1) + villain.prng.below(2);
    const digest = villain.randomDigest();
    const entry: CertificateEntry = { seq, digest, view };
    const replace = (list: readonly CertificateEntry[]): CertificateEntry[] =>
      [...list.filter((other) => other.seq !== seq), entry].sort((a, b) => a.seq - b.seq);
    return { ...vote, prepared: replace(vote.prepared), prePrepared: replace(vote.prePrepared) };
  });
}

/** Moves what it has prepared to the highest view that looks possible (A9). */
export function raisedViews(villain: Villain): Strategy {
  const raise = (vote: ViewChange) => (entry: CertificateEntry) => {
    return { ...entry, view: vote.view - 1 };
  };
  return onViewChanges(villain, (vote) => ({
    ...vote,
    prepared: vote.prepared.map(raise(vote)),
    prePrepared: vote.prePrepared.map(raise(vote)),
  }));
}

/** Claims checkpoints that do not exist (A13). */
export function inventedCheckpoints(villain: Villain): Strategy {
  return onViewChanges(villain, (vote) => {
    const last = vote.checkpoints.at(-1);
    if (last === undefined) return vote;
    const wrong = { seq: last.seq, stateDigest: villain.randomDigest() };
    return { ...vote, checkpoints: [...vote.checkpoints.slice(0, -1), wrong] };
  });
}

/** Announces views that its votes do not lead to, or only to some (A10). */
export function badNewViews(villain: Villain): Strategy {
  const victims = villain.victims(villain.prng.between(1, villain.replicaCount - 1));
  const outgoing = (message: ReplicaMessage, to: ReplicaId): ReplicaMessage[] => {
    if (message.kind !== "new-view" || message.replica !== villain.self) return [message];
    if (!victims.includes(to)) return [message];
    return villain.prng.pick([
      () => [],
      () => [villain.sign<NewView>(withoutLast(message))],
      () => [villain.sign<NewView>(withRandom(villain, message))],
      () => [villain.sign<NewView>({ ...message, viewChanges: message.viewChanges.slice(1) })],
    ])();
  };
  return { outgoing };
}

/** Announces a view of its own that is far away, and that nobody voted for. */
export function farNewViews(villain: Villain): Strategy {
  return {
    ticked: (replica) => {
      if (!villain.prng.chance(0.05)) return [];
      const rounds = villain.prng.pick([1, 2, 1_000_000]);
      const first = Math.ceil(replica.view / villain.replicaCount) + rounds;
      const view = first * villain.replicaCount + villain.self;
      const checkpoint = { seq: 0, stateDigest: villain.randomDigest() };
      const message = villain.sign<NewView>({
        ...{
          kind: "new-view",
          replica: villain.self,
          view,
          viewChanges: [],
          checkpoint,
          chosen: [],
        },
      });
      return [{ to: villain.prng.pick(villain.others()), message }];
    },
  };
}

/** Votes for one view after another, all by itself (A12). */
export function viewChangeSpam(villain: Villain): Strategy {
  let last = 0;
  return {
    ticked: (replica) => {
      if (!villain.prng.chance(0.1)) return [];
      last = Math.max(last, replica.view) + villain.prng.pick([1, 1, 3, 1_000]);
      const checkpoints = [{ seq: replica.stableSeq, stateDigest: replica.stableDigest }];
      const message = villain.sign<ViewChange>({
        kind: "view-change",
        replica: villain.self,
        view: last,
        stableSeq: replica.stableSeq,
        checkpoints,
        prepared: [],
        prePrepared: [],
      });
      return villain.others().map((to): Addressed => ({ to, message }));
    },
  };
}

function withoutLast(message: NewView): NewView {
  return { ...message, chosen: message.chosen.slice(0, -1) };
}

function withRandom(villain: Villain, message: NewView): NewView {
  const seq = (message.chosen.at(-1)?.seq ?? message.checkpoint.seq) + 1;
  return { ...message, chosen: [...message.chosen, { seq, digest: villain.randomDigest() }] };
}

function onViewChanges(villain: Villain, change: (vote: ViewChange) => ViewChange): Strategy {
  return {
    outgoing: (message) => {
      if (message.kind !== "view-change" || message.replica !== villain.self) return [message];
      return [villain.sign<ViewChange>(change(message))];
    },
  };
}
