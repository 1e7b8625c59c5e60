import type { ReplicaMessage } from "../../../src/core/message.js";
import type { Strategy, Villain } from "./liar.js";

const NORMAL_CASE: readonly ReplicaMessage["kind"][] = ["pre-prepare", "prepare", "commit"];

/** Says nothing at all (A2). */
export function silent(): Strategy {
  return { outgoing: () => [], reply: () => [] };
}

/** Never orders anything, but takes part in all else. */
export function silentPrimary(): Strategy {
  return { outgoing: (message) => (message.kind === "pre-prepare" ? [] : [message]) };
}

/** Leaves f replicas in the dark and does not answer clients (A3). */
export function inDark(villain: Villain): Strategy {
  const faultsMax = Math.floor((villain.replicaCount - 1) / 3);
  const victims = villain.victims(faultsMax);
  return {
    outgoing: (message, to) =>
      victims.includes(to) && NORMAL_CASE.includes(message.kind) ? [] : [message],
    reply: () => [],
  };
}

/** Keeps a share of everything to itself. */
export function omission(villain: Villain): Strategy {
  const share = villain.prng.range(0.1, 0.9);
  return {
    outgoing: (message) => (villain.prng.chance(share) ? [] : [message]),
    reply: (message) => (villain.prng.chance(share) ? [] : [message]),
  };
}

/** Never orders the requests of one client (A4). */
export function censorship(villain: Villain): Strategy {
  const outgoing = (message: ReplicaMessage): ReplicaMessage[] => {
    if (message.kind !== "pre-prepare") return [message];
    const requests = message.batch.requests.filter(({ client }) => client !== 0);
    return [{ ...message, batch: villain.batchOf(requests) }];
  };
  return { outgoing };
}
