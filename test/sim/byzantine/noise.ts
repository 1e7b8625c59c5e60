import type { ReplicaMessage, StateFetch } from "../../../src/core/message.js";
import { StatePart } from "../../../src/core/message.js";
import type { Addressed, Strategy, Villain } from "./liar.js";

/** Most messages kept for a replay. */
const KEPT_MAX = 300;

/** Messages of one burst. */
const BURST = 20;

/** Sends again what it sent long ago, to anybody (A11). */
export function replays(villain: Villain): Strategy {
  const kept: ReplicaMessage[] = [];
  return {
    outgoing: (message) => {
      if (kept.length < KEPT_MAX) kept.push(message);
      return [message];
    },
    ticked: () => {
      if (kept.length === 0 || !villain.prng.chance(0.3)) return [];
      return [{ to: villain.prng.pick(villain.others()), message: villain.prng.pick(kept) }];
    },
  };
}

/** Asks everybody for everything, all the time (A17). */
export function flood(villain: Villain): Strategy {
  return {
    ticked: (replica) => {
      if (!villain.prng.chance(0.2)) return [];
      const to = villain.prng.pick(villain.others());
      return Array.from({ length: BURST }, (_, index): Addressed => {
        const seq = replica.stableSeq + index;
        return { to, message: index % 2 === 0 ? { kind: "decision-query", seq } : fetch(seq) };
      });
    },
  };
}

function fetch(seq: number): StateFetch {
  return { kind: "state-fetch", seq, part: StatePart.summary, level: 0, index: 0 };
}
