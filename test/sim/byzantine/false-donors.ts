/*
 * Lies to those who fetch state, and checkpoints that are none.
 */
import type { Checkpoint, ReplicaMessage } from "../../../src/core/message.js";
import { StatePart } from "../../../src/core/message.js";
import type { Addressed, Strategy, Villain } from "./liar.js";

/** Most signed checkpoints kept to be sent again. */
const KEPT_MAX = 40;

/** What a summary starts with: a digest, then the number of pages (core/pbft/state-transfer). */
const PAGE_COUNT_OFFSET = 32;

/** Gives out all that leads to the pages, and never a page (A14). */
export function withheldPages(): Strategy {
  return onPieces((piece) => (piece.part === StatePart.page ? [] : [piece]));
}

/** Claims that the state has no end, and goes on handing it out (A14). */
export function endlessState(villain: Villain): Strategy {
  return onPieces((piece) => {
    const data = piece.data.slice();
    const isSummary = piece.part === StatePart.summary && data.length >= PAGE_COUNT_OFFSET + 4;
    if (!isSummary) return [piece, { ...piece, index: piece.index + 1 }];
    data.set(
      villain.prng.pick([
        [255, 255, 255, 255],
        [0, 15, 66, 64],
        [0, 0, 0, 0],
      ]),
      PAGE_COUNT_OFFSET,
    );
    return [{ ...piece, data }];
  });
}

/** Answers for one place of the tree with what belongs to another (A14). */
export function swappedPieces(): Strategy {
  let last: Uint8Array | null = null;
  return onPieces((piece) => {
    const data = last ?? piece.data;
    last = piece.data;
    return [{ ...piece, data }];
  });
}

/** Hands every piece out so late that whoever waits has asked somebody else (A14). */
export function slowDonor(villain: Villain): Strategy {
  const delay = villain.prng.between(10, 60);
  const waiting: { readonly at: number; readonly piece: Addressed }[] = [];
  let now = 0;
  return {
    outgoing: (message, to) => {
      if (message.kind !== "state-data") return [message];
      waiting.push({ at: now + delay, piece: { to, message } });
      return [];
    },
    ticked: () => {
      now += 1;
      const due = waiting.findIndex(({ at }) => at > now);
      return waiting.splice(0, due < 0 ? waiting.length : due).map(({ piece }) => piece);
    },
  };
}

/** Votes for checkpoints that are long stable, and twice for each, with two digests (A13). */
export function staleCheckpoints(villain: Villain): Strategy {
  const kept: Checkpoint[] = [];
  return {
    outgoing: (message) => {
      if (message.kind !== "checkpoint" || message.replica !== villain.self) return [message];
      if (kept.length < KEPT_MAX) kept.push(message);
      const other = { ...message, stateDigest: villain.randomDigest() };
      return [message, villain.sign<Checkpoint>(other)];
    },
    ticked: () => {
      if (kept.length === 0 || !villain.prng.chance(0.2)) return [];
      const message = villain.prng.pick(kept);
      return villain.others().map((to): Addressed => ({ to, message }));
    },
  };
}

type Piece = Extract<ReplicaMessage, { kind: "state-data" }>;

function onPieces(change: (piece: Piece) => readonly ReplicaMessage[]): Strategy {
  return {
    outgoing: (message) => (message.kind === "state-data" ? change(message) : [message]),
  };
}
