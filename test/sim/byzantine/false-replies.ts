import { ReplyCode, type ReplyMessage } from "../../../src/core/message.js";
import type { Strategy, Villain } from "./liar.js";

/** Tells clients other results, other numbers and other views (A16). */
export function lyingReplies(villain: Villain): Strategy {
  return { reply: (message) => [lie(villain, message)] };
}

/** Answers every read with what it answered some time ago. */
export function staleReads(villain: Villain): Strategy {
  const told: Uint8Array[] = [];
  return {
    reply: (message) => {
      if (message.kind !== "read-reply") return [message];
      if (told.length < 50) told.push(message.results);
      return [{ ...message, results: villain.prng.pick(told) }];
    },
  };
}

function lie(villain: Villain, message: ReplyMessage): ReplyMessage {
  switch (message.kind) {
    case "reply": {
      const seq = message.seq + villain.prng.below(2);
      const view = message.view + villain.prng.pick([0, 1, 1_000]);
      const code = villain.prng.pick([message.code, ReplyCode.tentative, ReplyCode.executed]);
      return { ...message, seq, view, code, results: otherBalance(message.results) };
    }
    case "read-reply":
      return { ...message, results: otherBalance(message.results) };
    case "welcome":
      return { ...message, view: message.view + villain.prng.pick([0, 1, 1_000]) };
    default:
      return message;
  }
}

/** The last byte of a bundle of one result is the low byte of a balance, or a code. */
function otherBalance(results: Uint8Array): Uint8Array {
  const other = results.slice();
  const last = other.length - 1;
  if (last >= 0) other[last] = (other[last] ?? 0) ^ 1;
  return other;
}
