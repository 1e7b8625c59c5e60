import { unreachable } from "../base/assert.js";
import { bytesConcat } from "../base/bytes.js";
import { type Digest, DIGEST_BYTES, type Hasher } from "../base/hasher.js";
import { REPLICAS_MAX } from "../base/quorum.js";
import type { Check, Verdict } from "../crypto/check.js";
import type { Checkpoint, JournalRecord, Message } from "../message.js";
import { CheckList } from "./check-list.js";
import { decodeMessage } from "./decode.js";
import { encodeMessage } from "./encode.js";
import { COUNTER_BYTES } from "./integers.js";
import { CHECKPOINT_BYTES, MessageType, TYPE_BYTES } from "./layout.js";
import { prePrepareSize, writePrePrepare } from "./normal-case-codec.js";
import { Reader } from "./reader.js";
import type { WireReject } from "./reject.js";
import type { Roster } from "./roster.js";
import type { Scope } from "./scope.js";
import { planMessage } from "./signed-ranges.js";
import { decodeCheckpoint } from "./view-change-codec.js";
import { Writer } from "./writer.js";

/*
 * Journal records. Where a record says what a message says, it is that message after another type:
 *
 *   pre-prepared  type u8 │ pre-prepare message without authenticators
 *   prepared      type u8 │ prepare message
 *   committed     type u8 │ seq u64 │ digest 32
 *   body          type u8 │ decision message
 *   view-change   type u8 │ view-change message
 *   new-view      type u8 │ new-view message
 *   stable        type u8 │ seq u64 │ count u8 │ checkpoint message │ checkpoint message │ …
 *   certified     as stable
 */
const RecordType = {
  /** 1 was a pre-prepare of wire version 2, which had no width. */
  "pre-prepared": 9,
  prepared: 2,
  committed: 3,
  body: 4,
  "view-change": 5,
  "new-view": 6,
  stable: 7,
  certified: 8,
} as const satisfies Record<JournalRecord["kind"], number>;

/** The bytes of `record`, without the journal's own framing. */
export function encodeRecord(record: JournalRecord): Uint8Array {
  switch (record.kind) {
    case "pre-prepared":
      return encodePrePrepared(record);
    case "prepared":
      return recordOf(record.kind, { ...record, kind: "prepare" });
    case "committed":
      return encodeCommitted(record);
    case "body":
      return recordOf(record.kind, { ...record, kind: "decision" });
    case "view-change":
      return recordOf(record.kind, record.vote);
    case "new-view":
      return recordOf(record.kind, record.newView);
    case "stable":
    case "certified":
      return encodeCertificate(record);
    default:
      return unreachable(record);
  }
}

/**
 * The record in `bytes`, or why there is none. Never throws. Digests are computed anew; signatures
 * are not verified again: only this replica writes its journal, and a checksum guards it.
 */
export function decodeRecord(
  bytes: Uint8Array,
  hasher: Hasher,
  roster: Roster,
): JournalRecord | WireReject {
  const scope: Scope = { roster, from: roster.self };
  switch (bytes[0]) {
    case RecordType.committed:
      return decodeCommitted(new Reader(bytes, TYPE_BYTES, bytes.length));
    case RecordType.stable:
      return decodeCertificate("stable", new Reader(bytes, TYPE_BYTES, bytes.length), scope);
    case RecordType.certified:
      return decodeCertificate("certified", new Reader(bytes, TYPE_BYTES, bytes.length), scope);
    default:
      return decodeMessageRecord(bytes, hasher, scope);
  }
}

/** At once, for there is one for each batch, as large as that. */
function encodePrePrepared(record: Extract<JournalRecord, { kind: "pre-prepared" }>): Uint8Array {
  const writer = new Writer(TYPE_BYTES + prePrepareSize(record));
  writer.u8(RecordType["pre-prepared"]);
  writePrePrepare(writer, record);
  return writer.finish();
}

function recordOf(kind: JournalRecord["kind"], message: Message): Uint8Array {
  return bytesConcat([Uint8Array.of(RecordType[kind]), encodeMessage(message)]);
}

function decodeMessageRecord(
  bytes: Uint8Array,
  hasher: Hasher,
  scope: Scope,
): JournalRecord | WireReject {
  const list = new CheckList();
  const planned = planMessage(bytes, TYPE_BYTES, bytes.length, scope, list);
  const verdict = digestsOnly(bytes, list.checks, hasher);
  const message = decodeMessage(bytes, planned, verdict, scope);
  if (typeof message === "string") return message;
  return recordFrom(bytes[0], message) ?? "record/unknown-type";
}

/** The record of this type whose content is `message`, or null when there is no such record. */
function recordFrom(type: number | undefined, message: Message): JournalRecord | null {
  switch (message.kind) {
    case "pre-prepare":
      return type === RecordType["pre-prepared"] ? { ...message, kind: "pre-prepared" } : null;
    case "prepare":
      return type === RecordType.prepared ? { ...message, kind: "prepared" } : null;
    case "decision":
      return type === RecordType.body ? { ...message, kind: "body" } : null;
    case "view-change":
      return type === RecordType["view-change"] ? { kind: "view-change", vote: message } : null;
    case "new-view":
      return type === RecordType["new-view"] ? { kind: "new-view", newView: message } : null;
    default:
      return null;
  }
}

function encodeCommitted(record: Extract<JournalRecord, { kind: "committed" }>): Uint8Array {
  const writer = new Writer(TYPE_BYTES + COUNTER_BYTES + DIGEST_BYTES);
  writer.u8(RecordType.committed);
  writer.counter(record.seq);
  writer.digest(record.digest);
  return writer.finish();
}

function decodeCommitted(reader: Reader): JournalRecord | WireReject {
  const seq = reader.counter();
  const digest = reader.digest();
  reader.finish();
  return reader.rejected ?? { kind: "committed", seq, digest };
}

type CertificateRecord = Extract<JournalRecord, { readonly kind: "stable" | "certified" }>;

function encodeCertificate({ kind, seq, certificate }: CertificateRecord): Uint8Array {
  const size = TYPE_BYTES + COUNTER_BYTES + 1 + certificate.length * CHECKPOINT_BYTES;
  const writer = new Writer(size);
  writer.u8(RecordType[kind]);
  writer.counter(seq);
  writer.u8(certificate.length);
  for (const checkpoint of certificate) writer.raw(checkpoint.bytes);
  return writer.finish();
}

function decodeCertificate(
  kind: CertificateRecord["kind"],
  reader: Reader,
  scope: Scope,
): JournalRecord | WireReject {
  const seq = reader.counter();
  const count = reader.u8();
  const certificate: Checkpoint[] = [];
  if (reader.allows(count, CHECKPOINT_BYTES, REPLICAS_MAX, "record/too-many-entries")) {
    for (let index = 0; index < count; index += 1) {
      reader.expectType(MessageType.checkpoint);
      certificate.push(decodeCheckpoint(reader, scope));
    }
  }
  reader.finish();
  return reader.rejected ?? { kind, seq, certificate };
}

/** Runs the digests of `checks` and takes the signatures for good. */
function digestsOnly(bytes: Uint8Array, checks: readonly Check[], hasher: Hasher): Verdict {
  const digests: Digest[] = [];
  for (const check of checks) {
    if (check.kind === "digest") {
      digests.push(hasher.digest(check.domain, bytes.subarray(check.start, check.end)));
    } else if (check.kind === "digest-of-digests") {
      const parts = digests.slice(check.first, check.first + check.count);
      digests.push(hasher.digest(check.domain, bytesConcat(parts)));
    }
  }
  return { passed: new Uint8Array(checks.length).fill(1), digests };
}
