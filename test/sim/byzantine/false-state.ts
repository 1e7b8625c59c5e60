import type { Checkpoint, ReplicaMessage } from "../../../src/core/message.js";
import type { Strategy, Villain } from "./liar.js";

/** Votes for checkpoints of other states, and for some to come (A13). */
export function falseCheckpoints(villain: Villain): Strategy {
  return {
    outgoing: (message) => {
      if (message.kind !== "checkpoint" || message.replica !== villain.self) return [message];
      const seq = message.seq * villain.prng.pick([1, 1, 2, 1_000]);
      const stateDigest = villain.randomDigest();
      return [
        villain.sign<Checkpoint>({ kind: "checkpoint", replica: villain.self, seq, stateDigest }),
      ];
    },
  };
}

/** Hands out pieces of state that are wrong, cut off, empty, or none at all (A14). */
export function falseState(villain: Villain): Strategy {
  return {
    outgoing: (message) => {
      if (message.kind !== "state-data") return [message];
      return villain.prng.pick<() => ReplicaMessage[]>([
        () => [],
        () => [{ ...message, data: message.data.slice(1) }],
        () => [{ ...message, data: bent(villain, message.data) }],
        () => [message],
      ])();
    },
  };
}

/** Vouches for decisions that were never made, and sends other bodies than asked for (A15). */
export function falseDecisions(villain: Villain): Strategy {
  return {
    outgoing: (message) => {
      if (message.kind === "batch-body") return [{ ...message, batch: villain.batchOf([]) }];
      if (message.kind !== "decision") return [message];
      const { requests } = message.batch;
      const seq = message.seq + villain.prng.below(2);
      return [{ ...message, seq, batch: villain.batchOf(requests.slice(1)) }];
    },
  };
}

/** Tells the others that it is far ahead, far behind, or somewhere else (A11). */
export function falseStatuses(villain: Villain): Strategy {
  return {
    outgoing: (message) => {
      if (message.kind !== "status") return [message];
      const executedSeq = message.executedSeq + villain.prng.pick([0, 3, 1_000_000]);
      const view = message.view + villain.prng.pick([0, 0, 1, 1_000_000]);
      const active = villain.prng.chance(0.5);
      return [{ ...message, executedSeq, view, active, slots: [] }];
    },
  };
}

function bent(villain: Villain, data: Uint8Array): Uint8Array {
  const bytes = data.slice();
  const at = villain.prng.below(Math.max(1, bytes.length));
  if (bytes.length > 0) bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}
