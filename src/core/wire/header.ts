import type { Principal } from "../base/ids.js";
import { readU16, readU32, writeU16, writeU32 } from "./integers.js";
import { FrameKind, FrameOffset, HEADER_BYTES, MAGIC, RoleCode, WIRE_VERSION } from "./layout.js";
import type { WireReject } from "./reject.js";
import { type Roster, rosterHas } from "./roster.js";

/** What a frame's header says. Nobody vouched for it yet. */
interface FrameHeader {
  readonly kind: FrameKind;
  readonly from: Principal;
  /** Which of the sender's MAC keys was used. */
  readonly epoch: number;
}

/**
 * Where the frame ends that starts at `start` of a datagram, as it says itself; the datagram's end
 * when that is no place where a frame can end, for `readHeader` to say so.
 */
export function endOfFrame(datagram: Uint8Array, start: number): number {
  if (datagram.length - start < HEADER_BYTES) return datagram.length;
  const length = readU16(datagram, start + FrameOffset.length);
  const isPossible = length >= HEADER_BYTES && length <= datagram.length - start;
  return isPossible ? start + length : datagram.length;
}

/**
 * The number of the client that the frame at `start` of a datagram is for, or null when it is for
 * nobody or for a replica. Nobody vouched for it yet.
 */
export function clientOfFrame(datagram: Uint8Array, start: number): number | null {
  if (datagram.length - start < HEADER_BYTES) return null;
  if (datagram[start + FrameOffset.receiverRole] !== RoleCode.client) return null;
  return readU16(datagram, start + FrameOffset.receiverId);
}

/** The header of the frame `bytes`, or why it is not one for us. Cheapest checks first (AU7). */
export function readHeader(bytes: Uint8Array, roster: Roster): FrameHeader | WireReject {
  if (bytes.length < HEADER_BYTES) return "frame/too-short";
  if (readU16(bytes, FrameOffset.magic) !== MAGIC) return "frame/bad-magic";
  if (bytes[FrameOffset.version] !== WIRE_VERSION) return "frame/bad-version";
  if (readU32(bytes, FrameOffset.clusterTag) !== roster.clusterTag) return "frame/wrong-cluster";
  const { self } = roster;
  const isForUs =
    bytes[FrameOffset.receiverRole] === RoleCode[self.role] &&
    readU16(bytes, FrameOffset.receiverId) === self.id;
  if (!isForUs) return "frame/wrong-receiver";
  const from = readSender(bytes, roster);
  if (from === null) return "frame/unknown-sender";
  const kind = readKind(bytes);
  if (kind === null) return "frame/bad-kind";
  if (readU16(bytes, FrameOffset.length) !== bytes.length) return "frame/bad-length";
  return { kind, from, epoch: readU32(bytes, FrameOffset.epoch) };
}

/** Writes all of the header of the frame `bytes` but its MAC. */
export function writeHeader(
  bytes: Uint8Array,
  kind: FrameKind,
  roster: Roster,
  to: Principal,
  epoch: number,
): void {
  writeU16(bytes, FrameOffset.magic, MAGIC);
  bytes[FrameOffset.version] = WIRE_VERSION;
  bytes[FrameOffset.kind] = kind;
  writeU32(bytes, FrameOffset.clusterTag, roster.clusterTag);
  bytes[FrameOffset.senderRole] = RoleCode[roster.self.role];
  writeU16(bytes, FrameOffset.senderId, roster.self.id);
  bytes[FrameOffset.receiverRole] = RoleCode[to.role];
  writeU16(bytes, FrameOffset.receiverId, to.id);
  writeU16(bytes, FrameOffset.length, bytes.length);
  writeU32(bytes, FrameOffset.epoch, epoch);
}

/** The sender, if it takes part and may have something to say to us. */
function readSender(bytes: Uint8Array, roster: Roster): Principal | null {
  const { self } = roster;
  const id = readU16(bytes, FrameOffset.senderId);
  const role = readRole(bytes[FrameOffset.senderRole]);
  if (role === null || !rosterHas(roster, { role, id })) return null;
  const isSelf = role === self.role && id === self.id;
  const areClients = role === "client" && self.role === "client";
  return isSelf || areClients ? null : { role, id };
}

function readRole(code: number | undefined): Principal["role"] | null {
  if (code === RoleCode.replica) return "replica";
  return code === RoleCode.client ? "client" : null;
}

function readKind(bytes: Uint8Array): FrameKind | null {
  const kind = bytes[FrameOffset.kind];
  return kind === FrameKind.packed || kind === FrameKind.fragment ? kind : null;
}
