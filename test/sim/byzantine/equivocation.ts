import type { ReplicaId } from "../../../src/core/base/ids.js";
import type { Batch, ReplicaMessage } from "../../../src/core/message.js";
import type { Strategy, Villain } from "./liar.js";

/** Orders two batches under one number, one for each half of the others (A1). */
export function equivocatingPrimary(villain: Villain): Strategy {
  const victims = villain.victims(villain.prng.between(1, villain.replicaCount - 2));
  return {
    outgoing: (message, to) => {
      if (message.kind !== "pre-prepare" || !victims.includes(to)) return [message];
      return [{ ...message, batch: villain.otherBatch(message.batch) }];
    },
  };
}

/** As above, and votes for whichever batch it showed to whom, so that either may seem prepared. */
export function twoFacedPrimary(villain: Villain): Strategy {
  const victims = villain.victims(villain.prng.between(1, villain.replicaCount - 2));
  const shown = new Map<string, Batch>();
  const outgoing = (message: ReplicaMessage, to: ReplicaId): ReplicaMessage[] => {
    if (!victims.includes(to)) return [message];
    if (message.kind === "pre-prepare") {
      const key = `${message.view}/${message.seq}`;
      const batch = shown.get(key) ?? villain.otherBatch(message.batch);
      shown.set(key, batch);
      return [{ ...message, batch }];
    }
    if (message.kind !== "commit" && message.kind !== "prepare") return [message];
    const other = shown.get(`${message.view}/${message.seq}`);
    return other === undefined ? [message] : [{ ...message, digest: other.digest }];
  };
  return { outgoing };
}

/** Orders every batch under two numbers. */
export function doubleOrder(villain: Villain): Strategy {
  return {
    outgoing: (message) =>
      message.kind === "pre-prepare" && villain.prng.chance(0.5)
        ? [message, { ...message, seq: message.seq + 1 }]
        : [message],
  };
}
