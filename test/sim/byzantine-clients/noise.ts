/*
 * More than anybody should have to listen to.
 */
import { SESSIONS_PER_CLIENT_MAX } from "../../../src/core/base/limits.js";
import { HEADER_BYTES } from "../../../src/core/wire/layout.js";
import type { SocketAddress } from "../../../src/io/udp-socket.js";
import type { Attacker } from "./attacker.js";

/** Datagrams overheard from others that are kept. */
const OVERHEARD_MAX = 100;

/** Messages of one tick of a flood. */
const FLOOD = 15;

/** Bytes of a piece of garbage, at most. */
const GARBAGE_BYTES_MAX = 300;

/** Sends what is no frame, and frames and requests that hold nothing sensible. */
export function garbage(attacker: Attacker): () => void {
  const { prng } = attacker;
  const session = attacker.newSession();
  let timestamp = 0;
  return () => {
    if (!prng.chance(0.3)) return;
    const to = prng.pick(attacker.replicas());
    attacker.throwAt(to, prng.bytes(prng.between(1, HEADER_BYTES + GARBAGE_BYTES_MAX)));
    timestamp += 1;
    const operations = [prng.bytes(prng.between(1, 40)), attacker.deposit(), prng.bytes(1)];
    attacker.send(attacker.requestOf(session, timestamp, operations), attacker.replicas());
  };
}

/** Asks for more than all others together, from as many sessions as it takes (C4). */
export function flood(attacker: Attacker): () => void {
  const { prng } = attacker;
  const sessions = Array.from({ length: FLOOD }, () => attacker.newSession());
  let timestamp = 0;
  return () => {
    timestamp += 1;
    for (const session of sessions) {
      attacker.send(attacker.request(session, timestamp), [prng.pick(attacker.replicas())]);
    }
  };
}

/** Starts one session after another, far more than are remembered, and goes back to old ones. */
export function sessionChurn(attacker: Attacker): () => void {
  const { prng } = attacker;
  const sessions: number[] = [];
  return () => {
    for (let count = 0; count < 3; count += 1) {
      const isNew = sessions.length < 3 * SESSIONS_PER_CLIENT_MAX || prng.chance(0.3);
      if (isNew) sessions.push(attacker.newSession());
      const session = isNew ? sessions.at(-1) : prng.pick(sessions);
      if (session === undefined) continue;
      const timestamp = isNew ? 1 : prng.between(1, 3);
      attacker.send({ kind: "hello", session, nonce: timestamp }, attacker.replicas());
      attacker.send(attacker.request(session, timestamp), attacker.replicas());
    }
  };
}

/** Repeats what others sent, from its own address, so that answers go astray. */
export function stolenFrames(attacker: Attacker): () => void {
  const { prng, world } = attacker;
  const overheard: { readonly to: SocketAddress; readonly bytes: Uint8Array }[] = [];
  world.network.interfere({
    delayOf: (from, to, bytes) => {
      const isFromClient = from.address.startsWith("c") && from.address !== `c${attacker.id}`;
      if (isFromClient && overheard.length < OVERHEARD_MAX) overheard.push({ to, bytes });
      return 0;
    },
  });
  return () => {
    if (overheard.length === 0 || !prng.chance(0.3)) return;
    const { to, bytes } = prng.pick(overheard);
    attacker.throwAt(Number(to.address.slice(1)), bytes);
  };
}
