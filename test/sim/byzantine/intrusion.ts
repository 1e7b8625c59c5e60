/*
 * What a Byzantine replica sends although nobody asked, and what it does to frames and replies.
 */
import type { ReplicaMessage, Request, Status } from "../../../src/core/message.js";
import { MAC_BYTES } from "../../../src/core/crypto/crypto.js";
import type { Addressed, Strategy, Villain } from "./liar.js";

/** Most requests kept for false decisions. */
const KEPT_MAX = 50;

/** Statuses of one burst. */
const BURST = 10;

/** Spoils the MAC of every frame to one replica (A8). */
export function badMacs(villain: Villain): Strategy {
  const [victim] = villain.victims(1);
  return {
    bend: (bytes, to) => {
      if (to !== `r${String(victim)}`) return;
      const at = villain.prng.below(MAC_BYTES);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
    },
  };
}

/** Vouches, unasked, for decisions that were never made (A15). */
export function unaskedDecisions(villain: Villain): Strategy {
  const requests: Request[] = [];
  return {
    outgoing: (message) => {
      if (message.kind === "pre-prepare" && requests.length < KEPT_MAX) {
        requests.push(...message.batch.requests);
      }
      return [message];
    },
    ticked: (replica) => {
      if (!villain.prng.chance(0.2)) return [];
      const seq = replica.executedSeq + villain.prng.between(1, 3);
      const batch = villain.batchOf(villain.prng.sample(requests, villain.prng.below(3)));
      const message = { kind: "decision", seq, batch } as const;
      return villain.others().map((to): Addressed => ({ to, message }));
    },
  };
}

/** Says all the time that it has nothing, so that the others send it everything (A17). */
export function needyStatuses(villain: Villain): Strategy {
  return {
    ticked: (replica) => {
      if (!villain.prng.chance(0.3)) return [];
      const message: Status = {
        ...{ kind: "status", view: replica.view, active: true, stableSeq: 0, executedSeq: 0 },
        ...{ slots: [], checkpointsMask: 0, viewChangesMask: 0 },
        missingBatches: [villain.randomDigest()],
      };
      const to = villain.prng.pick(villain.others());
      return Array.from({ length: BURST }, (): Addressed => ({ to, message }));
    },
  };
}

/** Answers one client with what another one was told. */
export function mixedReplies(): Strategy {
  let last: Uint8Array | null = null;
  return {
    reply: (message) => {
      if (message.kind !== "reply" && message.kind !== "read-reply") return [message];
      const results = last ?? message.results;
      last = message.results;
      return [{ ...message, results }];
    },
  };
}

/** Serves all but one client: neither orders what it asks for, nor passes it on, nor answers. */
export function grudge(villain: Villain): Strategy {
  const isItsOwn = (request: Request): boolean => request.client === 0;
  const outgoing = (message: ReplicaMessage): ReplicaMessage[] => {
    if (message.kind === "request" && isItsOwn(message)) return [];
    if (message.kind !== "pre-prepare") return [message];
    const { requests } = message.batch;
    if (!requests.some(isItsOwn)) return [message];
    return [{ ...message, batch: villain.batchOf(requests.filter((one) => !isItsOwn(one))) }];
  };
  return { outgoing, reply: (message, to) => (to === 0 ? [] : [message]) };
}

/**
 * Orders nothing and votes for nothing, but vouches for what the others are about to order: the
 * right requests, hence the right digest, under signatures that convince nobody (RO4, BA4).
 */
export function plantedBodies(villain: Villain): Strategy {
  let known: readonly Request[] = [];
  return {
    outgoing: (message) => {
      if (message.kind === "pre-prepare") known = message.batch.requests;
      if (message.kind === "request") known = [message];
      return WITHHELD.has(message.kind) ? [] : [message];
    },
    ticked: (replica) => {
      if (known.length === 0) return [];
      const { digest } = villain.batchOf(known);
      const requests = known.map((request) => ({ ...request, bytes: unsigned(request.bytes) }));
      const seq = replica.executedSeq + 1;
      const message = { kind: "decision", seq, batch: { requests, digest } } as const;
      return villain.others().map((to): Addressed => ({ to, message }));
    },
  };
}

const WITHHELD: ReadonlySet<ReplicaMessage["kind"]> = new Set([
  "pre-prepare",
  "prepare",
  "commit",
  "decision",
  "batch-body",
]);

function unsigned(bytes: Uint8Array): Uint8Array {
  return bytes.slice().fill(0xee, bytes.length - 64);
}
