import { COUNTER_BYTES, readCounter, readU32 } from "./integers.js";
import {
  FrameKind,
  FrameOffset,
  HEADER_BYTES,
  LENGTH_BYTES,
  MessageType,
  TYPE_BYTES,
} from "./layout.js";

/** Of a frame: where the type of its first message is, and what a reply has there after it. */
const MESSAGE_OFFSET = HEADER_BYTES + LENGTH_BYTES;
const SESSION_OFFSET = MESSAGE_OFFSET + TYPE_BYTES + COUNTER_BYTES;
const COUNTER_OFFSET = SESSION_OFFSET + COUNTER_BYTES;

/** Who knows what is still waited for: the reply of this kind to a session's message number so. */
type Awaits = (kind: "reply" | "read-reply", session: number, counter: number) => boolean;

/**
 * Whether the frame `datagram`[`start`, `end`) says that it holds one reply, and nothing else, that
 * nobody waits for any more. Nobody vouched for it yet: that is reason enough to drop it unseen
 * (AU7), and nothing else may be concluded from it.
 */
export function isUnwantedReply(
  datagram: Uint8Array,
  start: number,
  end: number,
  awaits: Awaits,
): boolean {
  const message = start + MESSAGE_OFFSET;
  if (end < start + COUNTER_OFFSET + COUNTER_BYTES) return false;
  if (datagram[start + FrameOffset.kind] !== FrameKind.packed) return false;
  if (readU32(datagram, message - LENGTH_BYTES) !== end - message) return false;
  const type = datagram[message];
  if (type !== MessageType.reply && type !== MessageType["read-reply"]) return false;
  const session = readCounter(datagram, start + SESSION_OFFSET);
  const counter = readCounter(datagram, start + COUNTER_OFFSET);
  if (session === null || counter === null) return false;
  return !awaits(type === MessageType.reply ? "reply" : "read-reply", session, counter);
}
