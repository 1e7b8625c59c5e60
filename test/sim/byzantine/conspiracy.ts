/*
 * What Byzantine replicas do together; with one of them it is what that one does.
 */
import type { ReplicaId } from "../../../src/core/base/ids.js";
import type { ReplicaMessage } from "../../../src/core/message.js";
import type { Strategy, Villain } from "./liar.js";

/**
 * Whoever of them leads orders two batches under one number, and all of them vote to each half for
 * the batch that it was shown (A1, f = 2).
 */
export function accomplices(villain: Villain): Strategy {
  const fooled = strangers(villain, 2);
  const { others } = villain.plot;
  const outgoing = (message: ReplicaMessage, to: ReplicaId): ReplicaMessage[] => {
    if (!fooled.includes(to) || !("view" in message) || !("seq" in message)) return [message];
    const key = `${message.view}/${message.seq}`;
    switch (message.kind) {
      case "pre-prepare": {
        const batch = others.get(key) ?? villain.batchOf(message.batch.requests.slice(1));
        others.set(key, batch);
        return [{ ...message, batch }];
      }
      case "prepare":
      case "commit": {
        const other = others.get(key);
        return [other === undefined ? message : { ...message, digest: other.digest }];
      }
      default:
        return [message];
    }
  };
  return { outgoing };
}

/**
 * All of them leave the same f replicas in the dark and answer no client, so that Q - f correct
 * replicas are all that decides and replies (A3, f = 2).
 */
export function sharedDark(villain: Villain): Strategy {
  const faultsMax = Math.floor((villain.replicaCount - 1) / 3);
  const victims = strangers(villain, faultsMax);
  const withheld: readonly ReplicaMessage["kind"][] = ["pre-prepare", "prepare", "commit"];
  return {
    outgoing: (message, to) =>
      victims.includes(to) && withheld.includes(message.kind) ? [] : [message],
    reply: () => [],
  };
}

/** The same `count` replicas for all who plot, none of them one of theirs. */
function strangers({ plot, replicaCount }: Villain, count: number): ReplicaId[] {
  const all = Array.from({ length: replicaCount }, (_, id) => id);
  const outside = all.filter((id) => !plot.members.includes(id));
  return plot.prng.fork("strangers").sample(outside, count);
}
