import type { ReplicaId } from "../../../src/core/base/ids.js";
import type { ReplicaMessage } from "../../../src/core/message.js";
import type { Addressed, Strategy, Villain } from "./liar.js";

/** How long a slow primary keeps an order: below the smallest time after which it is voted out. */
const HELD_TICKS = 28;

/**
 * Orders just fast enough for the progress timer (A5), and early to one backup in turn, so that
 * each of them sees agreement take long now and then (A6).
 */
export function slowPrimary(villain: Villain): Strategy {
  const held: { readonly dueTicks: number; readonly order: Addressed }[] = [];
  let now = 0;
  const isEarly = (message: ReplicaMessage, to: ReplicaId): boolean =>
    message.kind === "pre-prepare" && message.seq % villain.replicaCount === to;
  return {
    outgoing: (message, to) => {
      if (message.kind !== "pre-prepare" || isEarly(message, to)) return [message];
      held.push({ dueTicks: now + HELD_TICKS, order: { to, message } });
      return [];
    },
    ticked: () => {
      now += 1;
      const due = held.filter(({ dueTicks }) => dueTicks <= now);
      held.splice(0, due.length);
      return due.map(({ order }) => order);
    },
  };
}
