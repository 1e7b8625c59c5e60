import type { ClientId, Seq, SessionId, Timestamp } from "../base/ids.js";
import { COUNTER_MAX } from "../base/limits.js";
import { ReplyCode } from "../message.js";

/** The last executed request of a session, and what it was answered (EX2, EX4). */
export interface SessionEntry {
  readonly client: ClientId;
  readonly session: SessionId;
  readonly timestamp: Timestamp;
  readonly seq: Seq;
  readonly code: Exclude<ReplyCode, typeof ReplyCode.tentative>;
  readonly results: Uint8Array;
}

/*
 * Canonical encoding of one entry of the client table: what its digest covers and what state
 * transfer carries (big endian).
 *
 *   client u16 │ session u64 │ timestamp u64 │ seq u64 │ code u8 │ results, to the end
 */

const CLIENT_BYTES = 2;
const COUNTER_BYTES = 8;
const HEADER_BYTES = CLIENT_BYTES + 3 * COUNTER_BYTES + 1;
const WORD = 0x1_0000_0000;

/** The canonical bytes of `entry`. */
export function encodeSession(entry: SessionEntry): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + entry.results.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, entry.client);
  writeCounter(view, CLIENT_BYTES, entry.session);
  writeCounter(view, CLIENT_BYTES + COUNTER_BYTES, entry.timestamp);
  writeCounter(view, CLIENT_BYTES + 2 * COUNTER_BYTES, entry.seq);
  view.setUint8(HEADER_BYTES - 1, entry.code);
  bytes.set(entry.results, HEADER_BYTES);
  return bytes;
}

/** The entry whose canonical bytes these are, or null. Never throws. */
export function decodeSession(bytes: Uint8Array): SessionEntry | null {
  if (bytes.length < HEADER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const session = readCounter(view, CLIENT_BYTES);
  const timestamp = readCounter(view, CLIENT_BYTES + COUNTER_BYTES);
  const seq = readCounter(view, CLIENT_BYTES + 2 * COUNTER_BYTES);
  const code = view.getUint8(HEADER_BYTES - 1);
  if (session > COUNTER_MAX || timestamp > COUNTER_MAX || seq > COUNTER_MAX) return null;
  if (code !== ReplyCode.executed && code !== ReplyCode.sessionExpired) return null;
  const results = bytes.slice(HEADER_BYTES);
  return { client: view.getUint16(0), session, timestamp, seq, code, results };
}

function writeCounter(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, Math.floor(value / WORD));
  view.setUint32(offset + 4, value % WORD);
}

function readCounter(view: DataView, offset: number): number {
  return view.getUint32(offset) * WORD + view.getUint32(offset + 4);
}
