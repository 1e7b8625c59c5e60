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

/** Says that it forgot its votes, and misleads whoever did (RS4). */
export function falseRejoins(villain: Villain): Strategy {
  const { prng } = villain;
  return {
    outgoing: (message) => {
      if (message.kind !== "rejoin-answer") return [message];
      const far = prng.pick([-1_000_000, -2, 0, 2, 1_000_000]);
      const bent = (value: number): number => Math.max(0, value + far);
      const { view, executedSeq, preparedSeq } = message;
      return [
        {
          ...message,
          view: prng.chance(0.5) ? bent(view) : view,
          executedSeq: bent(executedSeq),
          preparedSeq: bent(preparedSeq),
        },
      ];
    },
    ticked: ({ view, executedSeq }) => {
      if (!prng.chance(0.1)) return [];
      const goal = { seq: executedSeq + prng.below(60), view: view + prng.below(5) };
      const message = { kind: "rejoin", nonce: prng.u32(), ...goal } as const;
      return [{ to: prng.pick(villain.others()), message }];
    },
  };
}

function fetch(seq: number): StateFetch {
  return { kind: "state-fetch", seq, part: StatePart.summary, level: 0, index: 0 };
}
