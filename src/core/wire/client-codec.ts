import { isBundle } from "../base/bundle.js";
import { BUNDLE_BYTES_MAX } from "../base/limits.js";
import type {
  Busy,
  Hello,
  Inspect,
  InspectReply,
  Read,
  ReadReply,
  Reply,
  Welcome,
} from "../message.js";
import { ReplyCode } from "../message.js";
import { COUNTER_BYTES } from "./integers.js";
import { MessageType, TYPE_BYTES } from "./layout.js";
import type { Reader } from "./reader.js";
import type { Scope } from "./scope.js";
import { Writer } from "./writer.js";

/*
 * What clients and replicas say to each other, requests aside. The client is never a field: it is
 * the sender of the frame (AU5). What has no length goes to the end of the message.
 *
 *   hello          type u8 │ session u64 │ nonce u64
 *   read           type u8 │ session u64 │ nonce u64 │ bundle
 *   inspect        type u8 │ nonce u64
 *   welcome        type u8 │ session u64 │ view u64
 *   reply          type u8 │ view u64 │ session u64 │ timestamp u64 │ seq u64 │ code u8 │ results
 *   read-reply     type u8 │ view u64 │ session u64 │ nonce u64 │ seq u64 │ results
 *   busy           type u8 │ session u64 │ timestamp u64
 *   inspect-reply  type u8 │ nonce u64 │ json
 */

/** The bytes of a hello. */
export function encodeHello(message: Hello): Uint8Array {
  return encodeCounters(MessageType.hello, [message.session, message.nonce]);
}

/** Reads a hello whose type was read. */
export function decodeHello(reader: Reader): Hello {
  return { kind: "hello", session: reader.counter(), nonce: reader.counter() };
}

/** The bytes of a read. */
export function encodeRead(message: Read): Uint8Array {
  return encodeCounters(MessageType.read, [message.session, message.nonce], message.bundle);
}

/** Reads a read whose type was read. */
export function decodeRead(reader: Reader, scope: Scope): Read {
  const client = scope.from.id;
  const session = reader.counter();
  const nonce = reader.counter();
  if (reader.remaining > BUNDLE_BYTES_MAX) reader.reject("read/too-large");
  return { kind: "read", client, session, nonce, bundle: decodeBundle(reader) };
}

/** The bytes of an inspect. */
export function encodeInspect(message: Inspect): Uint8Array {
  return encodeCounters(MessageType.inspect, [message.nonce]);
}

/** Reads an inspect whose type was read. */
export function decodeInspect(reader: Reader): Inspect {
  return { kind: "inspect", nonce: reader.counter() };
}

/** The bytes of a welcome. */
export function encodeWelcome(message: Welcome): Uint8Array {
  return encodeCounters(MessageType.welcome, [message.session, message.view]);
}

/** Reads a welcome whose type was read. */
export function decodeWelcome(reader: Reader): Welcome {
  return { kind: "welcome", session: reader.counter(), view: reader.counter() };
}

/** The bytes of a reply. */
export function encodeReply(message: Reply): Uint8Array {
  const { view, session, timestamp, seq, code, results } = message;
  const writer = new Writer(TYPE_BYTES + 4 * COUNTER_BYTES + 1 + results.length);
  writer.u8(MessageType.reply);
  writer.counter(view);
  writer.counter(session);
  writer.counter(timestamp);
  writer.counter(seq);
  writer.u8(code);
  writer.raw(results);
  return writer.finish();
}

/** Reads a reply whose type was read. Results come with an executed request and with no other. */
export function decodeReply(reader: Reader): Reply {
  const view = reader.counter();
  const session = reader.counter();
  const timestamp = reader.counter();
  const seq = reader.counter();
  const code = decodeReplyCode(reader);
  const isExpired = code === ReplyCode.sessionExpired;
  const results = isExpired ? reader.rest() : decodeBundle(reader);
  if (isExpired && results.length > 0) reader.reject("reply/unexpected-results");
  return { kind: "reply", view, session, timestamp, seq, code, results };
}

/** The bytes of a read-reply. */
export function encodeReadReply(message: ReadReply): Uint8Array {
  const { view, session, nonce, seq } = message;
  return encodeCounters(MessageType["read-reply"], [view, session, nonce, seq], message.results);
}

/** Reads a read-reply whose type was read. */
export function decodeReadReply(reader: Reader): ReadReply {
  const view = reader.counter();
  const session = reader.counter();
  const nonce = reader.counter();
  const seq = reader.counter();
  return { kind: "read-reply", view, session, nonce, seq, results: decodeBundle(reader) };
}

/** The bytes of a busy. */
export function encodeBusy(message: Busy): Uint8Array {
  return encodeCounters(MessageType.busy, [message.session, message.timestamp]);
}

/** Reads a busy whose type was read. */
export function decodeBusy(reader: Reader): Busy {
  return { kind: "busy", session: reader.counter(), timestamp: reader.counter() };
}

/** The bytes of an inspect-reply. */
export function encodeInspectReply(message: InspectReply): Uint8Array {
  return encodeCounters(MessageType["inspect-reply"], [message.nonce], message.json);
}

/** Reads an inspect-reply whose type was read. */
export function decodeInspectReply(reader: Reader): InspectReply {
  return { kind: "inspect-reply", nonce: reader.counter(), json: reader.rest() };
}

const REPLY_CODES = Object.values(ReplyCode);

const NOTHING: Uint8Array = new Uint8Array(0);

function encodeCounters(type: number, counters: readonly number[], tail = NOTHING): Uint8Array {
  const writer = new Writer(TYPE_BYTES + counters.length * COUNTER_BYTES + tail.length);
  writer.u8(type);
  for (const counter of counters) writer.counter(counter);
  writer.raw(tail);
  return writer.finish();
}

function decodeBundle(reader: Reader): Uint8Array {
  const bundle = reader.rest();
  if (!isBundle(bundle)) reader.reject("wire/bad-bundle");
  return bundle;
}

function decodeReplyCode(reader: Reader): ReplyCode {
  const code = reader.u8();
  const known = REPLY_CODES.find((one) => one === code);
  if (known !== undefined) return known;
  reader.reject("reply/unknown-code");
  return ReplyCode.sessionExpired;
}
