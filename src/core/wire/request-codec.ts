import { isBundle } from "../base/bundle.js";
import { BATCH_REQUESTS_MAX } from "../base/limits.js";
import { SIGNATURE_BYTES } from "../crypto/crypto.js";
import type { Batch, Request, Unsigned } from "../message.js";
import { LENGTH_BYTES, MessageType, REQUEST_BYTES_MIN, REQUEST_FIXED_BYTES } from "./layout.js";
import type { Reader } from "./reader.js";
import type { Scope } from "./scope.js";
import { Writer } from "./writer.js";

/*
 *   request   type u8 │ client u16 │ session u64 │ timestamp u64 │ bundle │ signature 64
 *   batch     count u16 │ length u32 │ request │ length u32 │ request │ …
 */

/** Size of a batch's count. */
export const BATCH_COUNT_BYTES = 2;

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

/** Reads a request whose type was read. Its bytes and bundle are views. */
export function decodeRequest(reader: Reader, scope: Scope): Request {
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
  return { kind: "request", client, session, timestamp, bundle, digest, bytes };
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

/** Reads a batch up to the reader's end. */
export function decodeBatch(reader: Reader, scope: Scope): Batch {
  const count = reader.u16();
  const requests: Request[] = [];
  const itemBytes = LENGTH_BYTES + REQUEST_BYTES_MIN;
  if (reader.allows(count, itemBytes, BATCH_REQUESTS_MAX, "batch/too-many-requests")) {
    while (requests.length < count && reader.rejected === null) {
      const outerEnd = reader.enter();
      reader.expectType(MessageType.request);
      requests.push(decodeRequest(reader, scope));
      reader.leave(outerEnd);
    }
  }
  return { requests, digest: reader.computedDigest() };
}
