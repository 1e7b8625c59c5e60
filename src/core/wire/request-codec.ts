import { isBundle } from "../base/bundle.js";
import { bytesConcat } from "../base/bytes.js";
import { BATCH_REQUESTS_MAX } from "../base/limits.js";
import { SIGNATURE_BYTES } from "../crypto/crypto.js";
import type { Batch, Request, Unsigned } from "../message.js";
import {
  authenticatorBytes,
  BATCH_COUNT_BYTES,
  LENGTH_BYTES,
  MessageType,
  REQUEST_BYTES_MIN,
  REQUEST_FIXED_BYTES,
} from "./layout.js";
import type { Reader } from "./reader.js";
import type { Scope } from "./scope.js";
import { Writer } from "./writer.js";

/*
 *   signed    type u8 │ client u16 │ session u64 │ timestamp u64 │ bundle │ signature 64
 *   request   signed │ MAC 16 │ MAC 16 │ …                             a MAC for each replica
 *   batch     count u16 │ length u32 │ signed │ length u32 │ signed │ …
 */

const NO_AUTHENTICATOR: Uint8Array = new Uint8Array(0);

/** A request with its last 64 bytes left zero for the signature. */
export function encodeUnsignedRequest(request: Unsigned<Request>): Uint8Array {
  const size = REQUEST_FIXED_BYTES + request.bundle.length + SIGNATURE_BYTES;
  const writer = new Writer(size);
  writer.u8(MessageType.request);
  writer.u16(request.client);
  writer.counter(request.session);
  writer.counter(request.timestamp);
  writer.raw(request.bundle);
  writer.skip(SIGNATURE_BYTES);
  return writer.finish();
}

/** The bytes of a request in a frame of its own. */
export function encodeRequest({ bytes, authenticator }: Request): Uint8Array {
  return bytesConcat([bytes, authenticator]);
}

/** Reads a request in a frame of its own, whose type was read. What it holds are views. */
export function decodeRequest(reader: Reader, scope: Scope): Request {
  const authenticator = reader.cut(authenticatorBytes(scope.roster.replicaCount));
  return decodeSigned(reader, scope, authenticator);
}

function decodeSigned(reader: Reader, scope: Scope, authenticator: Uint8Array): Request {
  const start = reader.offset - 1;
  const client = reader.u16();
  if (client >= scope.roster.clientCount) reader.reject("request/unknown-client");
  const session = reader.counter();
  const timestamp = reader.counter();
  if (timestamp === 0) reader.reject("request/bad-timestamp");
  const bundle = reader.rest(SIGNATURE_BYTES);
  if (!isBundle(bundle)) reader.reject("wire/bad-bundle");
  reader.skip(SIGNATURE_BYTES);
  const bytes = reader.bytes.subarray(start, reader.offset);
  const digest = reader.computedDigest();
  return { kind: "request", client, session, timestamp, bundle, digest, bytes, authenticator };
}

/** Size of `batch` on the wire, in bytes. */
export function batchSize(batch: Batch): number {
  let size = BATCH_COUNT_BYTES;
  for (const request of batch.requests) size += LENGTH_BYTES + request.bytes.length;
  return size;
}

/** Writes the requests as they were received (AU2). */
export function writeBatch(writer: Writer, batch: Batch): void {
  writer.u16(batch.requests.length);
  for (const request of batch.requests) {
    writer.u32(request.bytes.length);
    writer.raw(request.bytes);
  }
}

/**
 * Reads a batch up to the reader's end.
 * @param authenticators those of its requests, one after another, of `width` bytes each.
 */
export function decodeBatch(
  reader: Reader,
  scope: Scope,
  authenticators = NO_AUTHENTICATOR,
  width = 0,
): Batch {
  const count = reader.u16();
  const requests: Request[] = [];
  const itemBytes = LENGTH_BYTES + REQUEST_BYTES_MIN;
  if (reader.allows(count, itemBytes, BATCH_REQUESTS_MAX, "batch/too-many-requests")) {
    while (requests.length < count && reader.rejected === null) {
      const outerEnd = reader.enter();
      reader.expectType(MessageType.request);
      const start = requests.length * width;
      const own = width === 0 ? NO_AUTHENTICATOR : authenticators.subarray(start, start + width);
      requests.push(decodeSigned(reader, scope, own));
      reader.leave(outerEnd);
    }
  }
  return { requests, digest: reader.computedDigest() };
}
