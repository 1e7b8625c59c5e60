import type { ReplicaId } from "../../../src/core/base/ids.js";
import type { Commit, Prepare, ReplicaMessage } from "../../../src/core/message.js";
import type { Strategy, Villain } from "./liar.js";

/** Votes for digests of nothing (A7). */
export function wrongDigests(villain: Villain): Strategy {
  return onVotes((vote) => [{ ...vote, digest: villain.randomDigest() }]);
}

/** Votes for the right digest and for a wrong one, in any order (A7). */
export function doubleVotes(villain: Villain): Strategy {
  return onVotes((vote) => {
    const wrong = { ...vote, digest: villain.randomDigest() };
    return villain.prng.chance(0.5) ? [vote, wrong] : [wrong, vote];
  });
}

/** Votes for views and numbers to come (A7). */
export function futureVotes(villain: Villain): Strategy {
  return onVotes((vote) => {
    const view = vote.view + villain.prng.pick([0, 1, 4, 1_000_000]);
    const seq = vote.seq + villain.prng.pick([0, 1, 100, 1_000_000]);
    return [vote, { ...vote, view, seq }];
  });
}

/** Says that it is prepared as soon as it has heard of a batch. */
export function hastyCommits(): Strategy {
  return onVotes((vote) =>
    vote.kind === "prepare" ? [vote, { ...vote, kind: "commit" }] : [vote],
  );
}

/** Says other things to others: its votes reach some with one digest, some with another. */
export function splitVotes(villain: Villain): Strategy {
  const victims = villain.victims(Math.ceil(villain.replicaCount / 3));
  return onVotes((vote, to) =>
    victims.includes(to) ? [{ ...vote, digest: villain.randomDigest() }] : [vote],
  );
}

function onVotes(
  change: (vote: Prepare | Commit, to: ReplicaId) => readonly ReplicaMessage[],
): Strategy {
  return {
    outgoing: (message, to) =>
      message.kind === "prepare" || message.kind === "commit" ? change(message, to) : [message],
  };
}
