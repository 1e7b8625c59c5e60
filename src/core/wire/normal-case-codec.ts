import { DIGEST_BYTES } from "../base/hasher.js";
import { MAC_BYTES } from "../crypto/crypto.js";
import type {
  BatchBody,
  Commit,
  Decision,
  DecisionQuery,
  PrePrepare,
  Prepare,
} from "../message.js";
import { COUNTER_BYTES } from "./integers.js";
import { MessageType, PRE_PREPARE_FIXED_BYTES, TYPE_BYTES } from "./layout.js";
import type { Reader } from "./reader.js";
import { batchSize, decodeBatch, writeBatch } from "./request-codec.js";
import type { Scope } from "./scope.js";
import { Writer } from "./writer.js";

/*
 *   pre-prepare     type u8 │ view u64 │ seq u64 │ width u8 │ batch │ authenticators
 *   prepare         type u8 │ view u64 │ seq u64 │ digest 32
 *   commit          type u8 │ view u64 │ seq u64 │ digest 32
 *   batch-body      type u8 │ batch
 *   decision-query  type u8 │ seq u64
 *   decision        type u8 │ seq u64 │ batch
 *
 * A pre-prepare holds the authenticators of all its requests, of `width` MACs each, or of none, and
 * then the width is 0.
 */

/** The bytes of a pre-prepare, with authenticators if all its requests have theirs. */
export function encodePrePrepare(message: PrePrepare): Uint8Array {
  const { requests } = message.batch;
  const isWhole = requests.every(({ authenticator }) => authenticator.length > 0);
  const width = isWhole ? (requests[0]?.authenticator.length ?? 0) : 0;
  const writer = new Writer(prePrepareSize(message) + width * requests.length);
  writePrePrepare(writer, message, width / MAC_BYTES);
  if (width > 0) for (const { authenticator } of requests) writer.raw(authenticator);
  return writer.finish();
}

/** What a pre-prepare says, apart from what kind of message it is. */
type Order = Omit<PrePrepare, "kind">;

/** Size of a pre-prepare without authenticators, in bytes. */
export function prePrepareSize({ batch }: Order): number {
  return PRE_PREPARE_FIXED_BYTES + batchSize(batch);
}

/** Writes a pre-prepare, type included, up to the authenticators, which have `width` MACs each. */
export function writePrePrepare(writer: Writer, { view, seq, batch }: Order, width = 0): void {
  writer.u8(MessageType["pre-prepare"]);
  writer.counter(view);
  writer.counter(seq);
  writer.u8(width);
  writeBatch(writer, batch);
}

/** Reads a pre-prepare whose type was read. */
export function decodePrePrepare(reader: Reader, scope: Scope): PrePrepare {
  const view = reader.counter();
  const seq = reader.counter();
  const width = reader.u8() * MAC_BYTES;
  const authenticators = reader.cut(width * reader.peekU16());
  const batch = decodeBatch(reader, scope, authenticators, width);
  return { kind: "pre-prepare", view, seq, batch };
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
