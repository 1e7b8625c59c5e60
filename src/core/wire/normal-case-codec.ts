import { DIGEST_BYTES } from "../base/hasher.js";
import type {
  BatchBody,
  Commit,
  Decision,
  DecisionQuery,
  PrePrepare,
  Prepare,
} from "../message.js";
import { COUNTER_BYTES } from "./integers.js";
import { MessageType, TYPE_BYTES } from "./layout.js";
import type { Reader } from "./reader.js";
import { batchSize, decodeBatch, writeBatch } from "./request-codec.js";
import type { Scope } from "./scope.js";
import { Writer } from "./writer.js";

/*
 *   pre-prepare     type u8 │ view u64 │ seq u64 │ batch
 *   prepare         type u8 │ view u64 │ seq u64 │ digest 32
 *   commit          type u8 │ view u64 │ seq u64 │ digest 32
 *   batch-body      type u8 │ batch
 *   decision-query  type u8 │ seq u64
 *   decision        type u8 │ seq u64 │ batch
 */

/** The bytes of a pre-prepare. */
export function encodePrePrepare(message: PrePrepare): Uint8Array {
  const writer = new Writer(prePrepareSize(message));
  writePrePrepare(writer, message);
  return writer.finish();
}

/** What a pre-prepare says, apart from what kind of message it is. */
type Order = Omit<PrePrepare, "kind">;

/** Size of a pre-prepare, in bytes. */
export function prePrepareSize({ batch }: Order): number {
  return TYPE_BYTES + 2 * COUNTER_BYTES + batchSize(batch);
}

/** Writes a pre-prepare, type included. */
export function writePrePrepare(writer: Writer, { view, seq, batch }: Order): void {
  writer.u8(MessageType["pre-prepare"]);
  writer.counter(view);
  writer.counter(seq);
  writeBatch(writer, batch);
}

/** Reads a pre-prepare whose type was read. */
export function decodePrePrepare(reader: Reader, scope: Scope): PrePrepare {
  const view = reader.counter();
  const seq = reader.counter();
  return { kind: "pre-prepare", view, seq, batch: decodeBatch(reader, scope) };
}

/** The bytes of a prepare or commit. */
export function encodeVote(message: Prepare | Commit): Uint8Array {
  const writer = new Writer(TYPE_BYTES + 2 * COUNTER_BYTES + DIGEST_BYTES);
  writer.u8(MessageType[message.kind]);
  writer.counter(message.view);
  writer.counter(message.seq);
  writer.digest(message.digest);
  return writer.finish();
}

/** Reads a prepare whose type was read. */
export function decodePrepare(reader: Reader): Prepare {
  const view = reader.counter();
  const seq = reader.counter();
  return { kind: "prepare", view, seq, digest: reader.digest() };
}

/** Reads a commit whose type was read. */
export function decodeCommit(reader: Reader): Commit {
  const view = reader.counter();
  const seq = reader.counter();
  return { kind: "commit", view, seq, digest: reader.digest() };
}

/** The bytes of a batch-body. */
export function encodeBatchBody(message: BatchBody): Uint8Array {
  const writer = new Writer(TYPE_BYTES + batchSize(message.batch));
  writer.u8(MessageType["batch-body"]);
  writeBatch(writer, message.batch);
  return writer.finish();
}

/** Reads a batch-body whose type was read. */
export function decodeBatchBody(reader: Reader, scope: Scope): BatchBody {
  return { kind: "batch-body", batch: decodeBatch(reader, scope) };
}

/** The bytes of a decision-query. */
export function encodeDecisionQuery(message: DecisionQuery): Uint8Array {
  const writer = new Writer(TYPE_BYTES + COUNTER_BYTES);
  writer.u8(MessageType["decision-query"]);
  writer.counter(message.seq);
  return writer.finish();
}

/** Reads a decision-query whose type was read. */
export function decodeDecisionQuery(reader: Reader): DecisionQuery {
  return { kind: "decision-query", seq: reader.counter() };
}

/** The bytes of a decision. */
export function encodeDecision(message: Decision): Uint8Array {
  const writer = new Writer(TYPE_BYTES + COUNTER_BYTES + batchSize(message.batch));
  writer.u8(MessageType.decision);
  writer.counter(message.seq);
  writeBatch(writer, message.batch);
  return writer.finish();
}

/** Reads a decision whose type was read. */
export function decodeDecision(reader: Reader, scope: Scope): Decision {
  return { kind: "decision", seq: reader.counter(), batch: decodeBatch(reader, scope) };
}
