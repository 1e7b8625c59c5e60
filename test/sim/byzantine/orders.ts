/*
 * What a primary can do to the order of requests.
 */
import type { ReplicaId } from "../../../src/core/base/ids.js";
import type { Batch, PrePrepare, ReplicaMessage, Request } from "../../../src/core/message.js";
import type { Addressed, Strategy, Villain } from "./liar.js";

/** Shows one replica another batch than all others (A1). */
export function oddOneOut(villain: Villain): Strategy {
  const victims = villain.victims(1);
  return onOrders((message, to) =>
    victims.includes(to) ? [{ ...message, batch: villain.batchOf([]) }] : [message],
  );
}

/** Gives each batch the next number where one replica is concerned. */
export function shiftedNumbers(villain: Villain): Strategy {
  const victims = villain.victims(1);
  return onOrders((message, to) =>
    victims.includes(to) ? [{ ...message, seq: message.seq + 1 }] : [message],
  );
}

/** Orders everything, but only just before the others lose patience (A5). */
export function justInTime(villain: Villain): Strategy {
  const delay = Math.max(1, villain.viewChangeTicks - villain.prng.between(5, 15));
  const waiting: { readonly at: number; readonly order: Addressed }[] = [];
  let now = 0;
  return {
    outgoing: (message, to) => {
      if (message.kind !== "pre-prepare") return [message];
      waiting.push({ at: now + delay, order: { to, message } });
      return [];
    },
    ticked: () => {
      now += 1;
      const due = waiting.findIndex(({ at }) => at > now);
      return waiting.splice(0, due < 0 ? waiting.length : due).map(({ order }) => order);
    },
  };
}

/** Puts the requests of a batch into the order that it likes best: the last one first. */
export function frontRunning(villain: Villain): Strategy {
  return onBatches(villain, (requests) => [...requests].reverse());
}

/** Orders far more at once than anybody may. */
export function oversizedBatches(villain: Villain): Strategy {
  return onBatches(villain, (requests) => Array.from({ length: 70 }, () => requests).flat());
}

/** Spends sequence numbers on nothing. */
export function emptyBatches(villain: Villain): Strategy {
  return onBatches(villain, (requests) => (villain.prng.chance(0.5) ? [] : requests));
}

/** Slips a request into the batch that its client never signed. */
export function forgedRequests(villain: Villain): Strategy {
  return onBatches(villain, (requests) => {
    const [first, ...rest] = requests;
    return first === undefined ? [] : [forged(villain, first), ...rest];
  });
}

/**
 * As the client signed it, but for one bit: of what it asks, or of its signature; and then all
 * replicas but one can still tell by their MACs whose it is.
 */
function forged(villain: Villain, request: Request): Request {
  const bytes = request.bytes.slice();
  const at = villain.prng.chance(0.5) ? bytes.length - 1 : bytes.length - 65;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  const authenticator = request.authenticator.slice();
  const tag = 16 * ((request.digest[0] ?? 0) % villain.replicaCount);
  authenticator[tag] = (authenticator[tag] ?? 0) ^ 1;
  return { ...request, bytes, authenticator };
}

function onBatches(
  villain: Villain,
  change: (requests: readonly Request[]) => readonly Request[],
): Strategy {
  const changed = new Map<string, Batch>();
  return onOrders((message) => {
    const key = `${message.view}/${message.seq}`;
    const batch = changed.get(key) ?? villain.batchOf(change(message.batch.requests));
    changed.set(key, batch);
    return [{ ...message, batch }];
  });
}

function onOrders(
  change: (order: PrePrepare, to: ReplicaId) => readonly ReplicaMessage[],
): Strategy {
  return {
    outgoing: (message, to) => (message.kind === "pre-prepare" ? change(message, to) : [message]),
  };
}
