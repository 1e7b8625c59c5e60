import { StatePart } from "../message.js";
import type { StateData, StateFetch } from "../message.js";
import { COUNTER_BYTES } from "./integers.js";
import { MessageType, TYPE_BYTES } from "./layout.js";
import type { Reader } from "./reader.js";
import { Writer } from "./writer.js";

/*
 *   state-fetch  type u8 │ seq u64 │ part u8 │ level u8 │ index u32
 *   state-data   type u8 │ seq u64 │ part u8 │ level u8 │ index u32 │ data
 */

const FIXED_BYTES = TYPE_BYTES + COUNTER_BYTES + 1 + 1 + 4;

/** The bytes of a state-fetch. */
export function encodeStateFetch(message: StateFetch): Uint8Array {
  const writer = new Writer(FIXED_BYTES);
  writeAddress(writer, message);
  return writer.finish();
}

/** Reads a state-fetch whose type was read. */
export function decodeStateFetch(reader: Reader): StateFetch {
  const seq = reader.counter();
  const part = decodePart(reader);
  return { kind: "state-fetch", seq, part, level: reader.u8(), index: reader.u32() };
}

/** The bytes of a state-data. */
export function encodeStateData(message: StateData): Uint8Array {
  const writer = new Writer(FIXED_BYTES + message.data.length);
  writeAddress(writer, message);
  writer.raw(message.data);
  return writer.finish();
}

/** Reads a state-data whose type was read. */
export function decodeStateData(reader: Reader): StateData {
  const seq = reader.counter();
  const part = decodePart(reader);
  const level = reader.u8();
  const index = reader.u32();
  return { kind: "state-data", seq, part, level, index, data: reader.rest() };
}

function writeAddress(writer: Writer, message: StateFetch | StateData): void {
  writer.u8(MessageType[message.kind]);
  writer.counter(message.seq);
  writer.u8(message.part);
  writer.u8(message.level);
  writer.u32(message.index);
}

const PARTS: readonly StatePart[] = Object.values(StatePart);

function decodePart(reader: Reader): StatePart {
  const code = reader.u8();
  const part = PARTS.find((known) => known === code);
  if (part === undefined) reader.reject("state/unknown-part");
  return part ?? StatePart.summary;
}
