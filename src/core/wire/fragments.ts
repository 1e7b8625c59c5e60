import { bytesConcat } from "../base/bytes.js";
import type { Principal, Ticks } from "../base/ids.js";
import {
  MESSAGE_BYTES_MAX,
  REASSEMBLY_BYTES_PER_CLIENT_MAX,
  REASSEMBLY_BYTES_PER_PEER_MAX,
  REQUEST_BYTES_MAX,
} from "../base/limits.js";
import { REPLICAS_MAX } from "../base/quorum.js";
import { readU16, readU32, writeU16, writeU32 } from "./integers.js";
import { authenticatorBytes, HEADER_BYTES, LENGTH_BYTES } from "./layout.js";
import type { WireReject } from "./reject.js";

/*
 * A body that does not fit a datagram is cut into chunks of one size, the last one shorter:
 *
 *   │ message id u32 │ index u16 │ count u16 │ total bytes u32 │ chunk │
 *
 * So each fragment alone says where its chunk belongs, and two that disagree are noticed at once.
 * Chunks are kept as they came: what is held is what was received, whatever a fragment claims.
 */

/** Size of a fragment's fields before its chunk. */
export const FRAGMENT_FIXED_BYTES = 12;

/** Largest body: one message of the largest size, with its length. */
export const BODY_BYTES_MAX = LENGTH_BYTES + MESSAGE_BYTES_MAX;

/** Largest body of a client: it says nothing larger than a request with its authenticator. */
const CLIENT_BODY_BYTES_MAX = LENGTH_BYTES + REQUEST_BYTES_MAX + authenticatorBytes(REPLICAS_MAX);

/** What a chunk costs besides its bytes: headers of the datagram, of its buffer and of the view. */
const CHUNK_OVERHEAD_BYTES = 256;

/** One fragment of a body. */
export interface Fragment {
  /** Tells the fragmented bodies of one sender apart. */
  readonly messageId: number;
  readonly index: number;
  readonly count: number;
  readonly totalBytes: number;
  /** A view of the datagram. */
  readonly chunk: Uint8Array;
}

/** Bytes of a body that one datagram of `datagramBytesMax` carries as a fragment. */
export function chunkBytesOf(datagramBytesMax: number): number {
  return datagramBytesMax - HEADER_BYTES - FRAGMENT_FIXED_BYTES;
}

/** Writes the fields before a fragment's chunk, from `offset` on. */
export function writeFragmentFields(
  bytes: Uint8Array,
  offset: number,
  fragment: Omit<Fragment, "chunk">,
): void {
  writeU32(bytes, offset, fragment.messageId);
  writeU16(bytes, offset + 4, fragment.index);
  writeU16(bytes, offset + 6, fragment.count);
  writeU32(bytes, offset + 8, fragment.totalBytes);
}

/**
 * The fragment in the frame `bytes`, or why it is none. Its numbers fit each other; nothing is
 * allocated but the result.
 */
export function readFragment(bytes: Uint8Array, from: Principal): Fragment | WireReject {
  if (bytes.length <= HEADER_BYTES + FRAGMENT_FIXED_BYTES) return "fragment/truncated";
  const fragment = {
    messageId: readU32(bytes, HEADER_BYTES),
    index: readU16(bytes, HEADER_BYTES + 4),
    count: readU16(bytes, HEADER_BYTES + 6),
    totalBytes: readU32(bytes, HEADER_BYTES + 8),
    chunk: bytes.subarray(HEADER_BYTES + FRAGMENT_FIXED_BYTES),
  };
  const bytesMax = from.role === "client" ? CLIENT_BODY_BYTES_MAX : BODY_BYTES_MAX;
  if (fragment.totalBytes > bytesMax) return "fragment/too-large";
  return hasShape(fragment) ? fragment : "fragment/bad-shape";
}

/** Whether chunks of one size, of which this is one, make up the total. */
function hasShape(fragment: Fragment): boolean {
  const { index, count, totalBytes } = fragment;
  if (count < 2 || index >= count) return false;
  const chunkBytes = regularChunkBytes(fragment);
  const lastBytes = totalBytes - (count - 1) * chunkBytes;
  return Number.isInteger(chunkBytes) && lastBytes > 0 && lastBytes <= chunkBytes;
}

/** Size of every chunk but the last, as this fragment has it. */
function regularChunkBytes({ index, count, totalBytes, chunk }: Fragment): number {
  return index < count - 1 ? chunk.length : (totalBytes - chunk.length) / (count - 1);
}

/** What a reassembler holds of whoever makes it hold most (I11). */
export interface HeldFragments {
  /** Bytes of one replica, overhead included: at most `REASSEMBLY_BYTES_PER_PEER_MAX`. */
  readonly ofReplicaBytes: number;
  /** Bytes of one client, overhead included: at most `REASSEMBLY_BYTES_PER_CLIENT_MAX`. */
  readonly ofClientBytes: number;
  /** Age of the oldest body: at most what the reassembler was told. */
  readonly ageTicks: Ticks;
}

/** A body some of whose chunks are here. */
interface Unfinished {
  readonly count: number;
  readonly totalBytes: number;
  readonly chunkBytes: number;
  readonly startedAt: Ticks;
  readonly chunks: Map<number, Uint8Array>;
  heldBytes: number;
}

/** The unfinished bodies of one sender, oldest first. */
interface Peer {
  readonly bodies: Map<number, Unfinished>;
  readonly heldBytesMax: number;
  heldBytes: number;
}

/**
 * Puts bodies together again. Give it authenticated fragments only: what it holds for a sender is
 * bounded, and a sender can only push out its own. Bodies that stay unfinished are dropped by age.
 */
export class Reassembler {
  readonly #ageTicksMax: Ticks;
  readonly #peers = new Map<number, Peer>();
  #now: Ticks = 0;
  #givenUpCount = 0;

  /** @param ageTicksMax after so many calls of `tick` a body that is not complete is dropped. */
  constructor(ageTicksMax: Ticks) {
    this.#ageTicksMax = ageTicksMax;
  }

  /** Bytes held for `from`, overhead included. */
  heldBytes(from: Principal): number {
    return this.#peers.get(keyOf(from))?.heldBytes ?? 0;
  }

  /** What is held of whoever makes us hold most. */
  get held(): HeldFragments {
    const held = { ofReplicaBytes: 0, ofClientBytes: 0, ageTicks: 0 };
    for (const [key, { bodies, heldBytes }] of this.#peers) {
      const whose = key < 0 ? "ofClientBytes" : "ofReplicaBytes";
      held[whose] = Math.max(held[whose], heldBytes);
      for (const { startedAt } of bodies.values()) {
        held.ageTicks = Math.max(held.ageTicks, this.#now - startedAt);
      }
    }
    return held;
  }

  /**
   * Takes a fragment that `readFragment` returned for a frame of `from`.
   * @returns the whole body if this completes it (freshly allocated), null if others are missing,
   * else why the fragment is dropped.
   */
  accept(from: Principal, fragment: Fragment): Uint8Array | null | WireReject {
    const held = this.#peerOf(from);
    const body = this.#bodyOf(held, fragment);
    if (!agrees(body, fragment)) return "fragment/inconsistent";
    if (body.chunks.has(fragment.index)) return "fragment/duplicate";
    const cost = fragment.chunk.length + CHUNK_OVERHEAD_BYTES;
    body.chunks.set(fragment.index, fragment.chunk);
    body.heldBytes += cost;
    held.heldBytes += cost;
    if (body.chunks.size === body.count) {
      forget(held, fragment.messageId, body);
      return joined(body);
    }
    this.#makeRoom(held);
    return null;
  }

  /**
   * One tick passed: drops what is too old. Returns how many bodies were given up since the last
   * tick, for their age or to make room.
   */
  tick(): number {
    this.#now += 1;
    for (const [key, peer] of this.#peers) {
      for (const [messageId, body] of peer.bodies) {
        if (this.#now - body.startedAt <= this.#ageTicksMax) break;
        this.#giveUp(peer, messageId, body);
      }
      if (peer.bodies.size === 0) this.#peers.delete(key);
    }
    const count = this.#givenUpCount;
    this.#givenUpCount = 0;
    return count;
  }

  #peerOf(from: Principal): Peer {
    const key = keyOf(from);
    const known = this.#peers.get(key);
    if (known !== undefined) return known;
    const heldBytesMax =
      from.role === "client" ? REASSEMBLY_BYTES_PER_CLIENT_MAX : REASSEMBLY_BYTES_PER_PEER_MAX;
    const peer: Peer = { bodies: new Map(), heldBytesMax, heldBytes: 0 };
    this.#peers.set(key, peer);
    return peer;
  }

  #bodyOf(peer: Peer, fragment: Fragment): Unfinished {
    const known = peer.bodies.get(fragment.messageId);
    if (known !== undefined) return known;
    const { count, totalBytes } = fragment;
    const chunkBytes = regularChunkBytes(fragment);
    const chunks = new Map<number, Uint8Array>();
    const startedAt = this.#now;
    const body = { count, totalBytes, chunkBytes, startedAt, chunks, heldBytes: 0 };
    peer.bodies.set(fragment.messageId, body);
    return body;
  }

  /** Gives up the oldest bodies of `peer` until what it makes us hold is within its bound. */
  #makeRoom(peer: Peer): void {
    for (const [messageId, body] of peer.bodies) {
      if (peer.heldBytes <= peer.heldBytesMax) return;
      this.#giveUp(peer, messageId, body);
    }
  }

  #giveUp(peer: Peer, messageId: number, body: Unfinished): void {
    forget(peer, messageId, body);
    this.#givenUpCount += 1;
  }
}

/** Tells senders apart, whatever their role: replicas have 0 or positive keys, clients negative. */
function keyOf(from: Principal): number {
  return from.role === "replica" ? from.id : -1 - from.id;
}

function agrees(body: Unfinished, fragment: Fragment): boolean {
  return (
    body.count === fragment.count &&
    body.totalBytes === fragment.totalBytes &&
    body.chunkBytes === regularChunkBytes(fragment)
  );
}

function forget(peer: Peer, messageId: number, body: Unfinished): void {
  peer.bodies.delete(messageId);
  peer.heldBytes -= body.heldBytes;
}

function joined(body: Unfinished): Uint8Array {
  const inOrder = [...body.chunks].sort(([left], [right]) => left - right);
  return bytesConcat(inOrder.map(([, chunk]) => chunk));
}
