import type { Rejoin, RejoinAnswer } from "../message.js";
import { COUNTER_BYTES } from "./integers.js";
import { MessageType, TYPE_BYTES } from "./layout.js";
import type { Reader } from "./reader.js";
import { Writer } from "./writer.js";

/*
 *   rejoin         type u8 │ nonce u64 │ seq u64 │ view u64
 *   rejoin-answer  type u8 │ nonce u64 │ view u64 │ executed u64 │ prepared u64
 */

/** The bytes of a rejoin. */
export function encodeRejoin(message: Rejoin): Uint8Array {
  const writer = new Writer(TYPE_BYTES + 3 * COUNTER_BYTES);
  writer.u8(MessageType.rejoin);
  writer.counter(message.nonce);
  writer.counter(message.seq);
  writer.counter(message.view);
  return writer.finish();
}

/** Reads a rejoin whose type was read. */
export function decodeRejoin(reader: Reader): Rejoin {
  const nonce = reader.counter();
  const seq = reader.counter();
  return { kind: "rejoin", nonce, seq, view: reader.counter() };
}

/** The bytes of a rejoin-answer. */
export function encodeRejoinAnswer(message: RejoinAnswer): Uint8Array {
  const writer = new Writer(TYPE_BYTES + 4 * COUNTER_BYTES);
  writer.u8(MessageType["rejoin-answer"]);
  writer.counter(message.nonce);
  writer.counter(message.view);
  writer.counter(message.executedSeq);
  writer.counter(message.preparedSeq);
  return writer.finish();
}

/** Reads a rejoin-answer whose type was read. */
export function decodeRejoinAnswer(reader: Reader): RejoinAnswer {
  const nonce = reader.counter();
  const view = reader.counter();
  const executedSeq = reader.counter();
  return { kind: "rejoin-answer", nonce, view, executedSeq, preparedSeq: reader.counter() };
}
