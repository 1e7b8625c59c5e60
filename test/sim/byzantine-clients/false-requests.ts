/*
 * Requests that replicas cannot agree on if they judge them each for itself.
 */
import { COUNTER_MAX } from "../../../src/core/base/limits.js";
import type { Request } from "../../../src/core/message.js";
import { accountName } from "../keys.js";
import type { Attacker } from "./attacker.js";

/** Most requests kept to be sent again. */
const KEPT_MAX = 60;

/** Signs two requests with one timestamp, and shows them to different replicas (C2). */
export function sameTimestamp(attacker: Attacker): () => void {
  const { prng } = attacker;
  const session = attacker.newSession();
  let timestamp = 0;
  return () => {
    if (!prng.chance(0.1)) return;
    timestamp += 1;
    const half = attacker.replicas().filter(() => prng.chance(0.5));
    const others = attacker.replicas().filter((id) => !half.includes(id));
    attacker.send(attacker.request(session, timestamp), half);
    attacker.send(attacker.request(session, timestamp), others);
  };
}

/** Signs nothing properly: one replica or all have to find that out, in bursts (C1). */
export function badSignatures(attacker: Attacker): () => void {
  const { prng } = attacker;
  const session = attacker.newSession();
  let timestamp = 0;
  return () => {
    if (!prng.chance(0.2)) return;
    for (let count = prng.between(1, 20); count > 0; count -= 1) {
      timestamp += 1;
      const request = attacker.request(session, timestamp, (signature) => signature.fill(1));
      attacker.send(
        request,
        prng.chance(0.5) ? attacker.replicas() : [prng.pick(attacker.replicas())],
      );
    }
  };
}

/**
 * Sends frames that one replica believes and nobody else does, with an authenticator that is good
 * for that one (C1, the MAC attack). Now and then the signature is not good either.
 */
export function macForOne(attacker: Attacker): () => void {
  const { prng } = attacker;
  const session = attacker.newSession();
  let timestamp = 0;
  return () => {
    if (!prng.chance(0.2)) return;
    timestamp += 1;
    const one = timestamp % attacker.replicaCount;
    const isSigned = timestamp % 3 > 0;
    const request = attacker.request(
      session,
      timestamp,
      (signature) => (isSigned ? signature : signature.fill(1)),
      (authenticator) => authenticator.fill(1, 0, 16 * one).fill(1, 16 * (one + 1)),
    );
    attacker.send(request, [one]);
    for (const id of attacker.replicas()) attacker.throwAt(id, request.bytes);
  };
}

/** Jumps to the end of all timestamps and back. */
export function hugeTimestamps(attacker: Attacker): () => void {
  const { prng } = attacker;
  let session = attacker.newSession();
  return () => {
    if (!prng.chance(0.1)) return;
    if (prng.chance(0.3)) session = prng.pick([attacker.newSession(), 1, COUNTER_MAX]);
    const timestamp = prng.pick([1, 2, 1_000, COUNTER_MAX - 1, COUNTER_MAX]);
    attacker.send(attacker.request(session, timestamp), attacker.replicas());
  };
}

/** Sends old requests again and again, to whomever (C4). */
export function oldRequests(attacker: Attacker): () => void {
  const { prng } = attacker;
  const kept: Request[] = [];
  const session = attacker.newSession();
  return () => {
    if (prng.chance(0.1) && kept.length < KEPT_MAX) {
      const request = attacker.request(session, kept.length + 1);
      kept.push(request);
      attacker.send(request, attacker.replicas());
    }
    if (kept.length === 0) return;
    for (let count = 0; count < 5; count += 1) {
      attacker.send(prng.pick(kept), [prng.pick(attacker.replicas())]);
    }
  };
}

/** Never tells the primary: one backup alone, or a few, have to pass it on (C4). */
export function partialSends(attacker: Attacker): () => void {
  const { prng } = attacker;
  const session = attacker.newSession();
  let timestamp = 0;
  return () => {
    if (!prng.chance(0.05)) return;
    timestamp += 1;
    const some = prng.sample(attacker.replicas(), prng.between(1, 2));
    attacker.send(attacker.request(session, timestamp), some);
  };
}

/** Asks to read, and means to write: into everybody's accounts (C3). */
export function writesAsReads(attacker: Attacker): () => void {
  const { prng } = attacker;
  const session = attacker.newSession();
  let nonce = 0;
  return () => {
    if (!prng.chance(0.2)) return;
    nonce += 1;
    const account = accountName(prng.below(attacker.world.options.clients.accountCount));
    const operation = attacker.operation({ kind: "withdraw", account, amount: 1n });
    const { bundle } = attacker.requestOf(session, nonce, [operation, attacker.deposit()]);
    const read = { kind: "read", client: attacker.id, session, nonce, bundle } as const;
    attacker.send(read, attacker.replicas());
  };
}
