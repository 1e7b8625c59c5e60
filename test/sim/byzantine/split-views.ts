/*
 * Votes and announcements of views that contradict each other, count twice, or come too late.
 */
import type { NewView, ReplicaMessage, ViewChange } from "../../../src/core/message.js";
import type { Addressed, Strategy, Villain } from "./liar.js";

/** Most votes kept to be cited again. */
const KEPT_MAX = 40;

/** Signs two votes for one view, and sends some the one and some the other (A9). */
export function twoFacedVotes(villain: Villain): Strategy {
  const victims = villain.victims(villain.prng.between(1, villain.replicaCount - 2));
  return {
    outgoing: (message, to) => {
      if (message.kind !== "view-change" || message.replica !== villain.self) return [message];
      if (!victims.includes(to)) return [message];
      const prepared = message.prepared.map((entry) =>
        villain.prng.chance(0.5) ? { ...entry, digest: villain.randomDigest() } : entry,
      );
      return [villain.sign<ViewChange>({ ...message, prepared, prePrepared: prepared })];
    },
  };
}

/** Lists one number several times in its vote, so that whoever counts entries is misled (A9). */
export function repeatedEntries(villain: Villain): Strategy {
  return {
    outgoing: (message) => {
      if (message.kind !== "view-change" || message.replica !== villain.self) return [message];
      const invented = message.prePrepared.flatMap((entry) => [
        entry,
        { ...entry, digest: villain.randomDigest(), view: Math.max(0, message.view - 1) },
      ]);
      const prePrepared = villain.prng.chance(0.5)
        ? invented
        : message.prePrepared.flatMap((entry) => [entry, entry]);
      return [villain.sign<ViewChange>({ ...message, prePrepared })];
    },
  };
}

/** Announces its views with votes that are cited twice, or are for another view (A10). */
export function paddedNewViews(villain: Villain): Strategy {
  const kept: ViewChange[] = [];
  const outgoing = (message: ReplicaMessage): ReplicaMessage[] => {
    if (message.kind !== "new-view" || message.replica !== villain.self) return [message];
    const fresh = message.viewChanges;
    if (kept.length < KEPT_MAX) kept.push(...fresh);
    const [first, second] = fresh;
    if (first === undefined || second === undefined) return [message];
    const rest = fresh.slice(2);
    const old = kept.find(({ view }) => view !== message.view) ?? first;
    const others = fresh.filter((vote) => vote.replica !== old.replica);
    const stuffed = villain.prng.pick([
      [first, first, ...rest],
      [first, ...fresh],
      old === first ? [old, ...fresh] : [old, ...others],
    ]);
    const viewChanges = stuffed.sort((left, right) => left.replica - right.replica);
    return [villain.sign<NewView>({ ...message, viewChanges })];
  };
  return { outgoing };
}

/** Leads no view that it was voted into: nobody hears of it (A10). */
export function keptNewViews(villain: Villain): Strategy {
  return {
    outgoing: (message) =>
      message.kind === "new-view" && message.replica === villain.self ? [] : [message],
  };
}

/** Goes on sending the votes and announcements of views long gone (A11). */
export function oldViews(villain: Villain): Strategy {
  const kept: ReplicaMessage[] = [];
  return {
    outgoing: (message) => {
      const isOfViews = message.kind === "view-change" || message.kind === "new-view";
      if (isOfViews && kept.length < KEPT_MAX) kept.push(message);
      return [message];
    },
    ticked: () => {
      if (kept.length === 0 || !villain.prng.chance(0.2)) return [];
      const message = villain.prng.pick(kept);
      return villain.others().map((to): Addressed => ({ to, message }));
    },
  };
}
