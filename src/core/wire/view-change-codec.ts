import { assert } from "../base/assert.js";
import { bytesEqual } from "../base/bytes.js";
import { DIGEST_BYTES } from "../base/hasher.js";
import {
  COUNTER_MAX,
  MESSAGE_BYTES_MAX,
  PRE_PREPARED_PER_SLOT_MAX,
  WINDOW_SLOTS_MAX,
} from "../base/limits.js";
import { REPLICAS_MAX } from "../base/quorum.js";
import { SIGNATURE_BYTES } from "../crypto/crypto.js";
import type {
  CertificateEntry,
  Checkpoint,
  CheckpointEntry,
  NewView,
  SignedMessage,
  Unsigned,
  ViewChange,
} from "../message.js";
import {
  CERTIFICATE_ENTRY_BYTES,
  CHECKPOINT_BYTES,
  CHECKPOINT_ENTRY_BYTES,
  LENGTH_BYTES,
  MessageType,
  NEW_VIEW_FIXED_BYTES,
  VIEW_CHANGE_BYTES_MIN,
} from "./layout.js";
import type { Reader } from "./reader.js";
import type { Scope } from "./scope.js";
import { Writer } from "./writer.js";

/*
 *   checkpoint   type u8 │ replica u8 │ seq u64 │ state digest 32 │ signature 64
 *   view-change  type u8 │ replica u8 │ view u64 │ stable u64 │ C count u16 │ P count u16 │
 *                Q count u16 │ C: seq u64, digest 32 │ P: seq u64, digest 32, view u64 │ Q: as P │
 *                signature 64
 *   new-view     type u8 │ replica u8 │ view u64 │ checkpoint: seq u64, digest 32 │ X count u16 │
 *                V count u8 │ X: digest 32 │ V: length u32, view-change │ signature 64
 *
 * X has no sequence numbers: it starts after the checkpoint and has no gap.
 */

/** The stable checkpoint, those above it, one for each slot at most, and one above the window. */
const CHECKPOINT_ENTRIES_MAX = WINDOW_SLOTS_MAX + 2;
const PRE_PREPARED_ENTRIES_MAX = WINDOW_SLOTS_MAX * PRE_PREPARED_PER_SLOT_MAX;

const VIEW_CHANGE_BYTES_MAX =
  VIEW_CHANGE_BYTES_MIN +
  CHECKPOINT_ENTRIES_MAX * CHECKPOINT_ENTRY_BYTES +
  (WINDOW_SLOTS_MAX + PRE_PREPARED_ENTRIES_MAX) * CERTIFICATE_ENTRY_BYTES;

/** Every replica may vote, and a primary shows all the votes that it holds. */
const NEW_VIEW_BYTES_MAX =
  NEW_VIEW_FIXED_BYTES +
  WINDOW_SLOTS_MAX * DIGEST_BYTES +
  REPLICAS_MAX * (LENGTH_BYTES + VIEW_CHANGE_BYTES_MAX) +
  SIGNATURE_BYTES;

assert(NEW_VIEW_BYTES_MAX <= MESSAGE_BYTES_MAX, "no view is too large to be announced");

/** A replica's signed message with its last 64 bytes left zero for the signature. */
export function encodeUnsigned(message: Unsigned<SignedMessage>): Uint8Array {
  switch (message.kind) {
    case "checkpoint":
      return encodeUnsignedCheckpoint(message);
    case "view-change":
      return encodeUnsignedViewChange(message);
    case "new-view":
      return encodeUnsignedNewView(message);
  }
}

function encodeUnsignedCheckpoint(message: Unsigned<Checkpoint>): Uint8Array {
  const writer = new Writer(CHECKPOINT_BYTES);
  writer.u8(MessageType.checkpoint);
  writer.u8(message.replica);
  writeCheckpointEntry(writer, message);
  writer.skip(SIGNATURE_BYTES);
  return writer.finish();
}

function encodeUnsignedViewChange(message: Unsigned<ViewChange>): Uint8Array {
  const { checkpoints, prepared, prePrepared } = message;
  const certificateCount = prepared.length + prePrepared.length;
  const entryBytes =
    checkpoints.length * CHECKPOINT_ENTRY_BYTES + certificateCount * CERTIFICATE_ENTRY_BYTES;
  const writer = new Writer(VIEW_CHANGE_BYTES_MIN + entryBytes);
  writer.u8(MessageType["view-change"]);
  writer.u8(message.replica);
  writer.counter(message.view);
  writer.counter(message.stableSeq);
  writer.u16(checkpoints.length);
  writer.u16(prepared.length);
  writer.u16(prePrepared.length);
  for (const entry of checkpoints) writeCheckpointEntry(writer, entry);
  for (const entry of prepared) writeCertificateEntry(writer, entry);
  for (const entry of prePrepared) writeCertificateEntry(writer, entry);
  writer.skip(SIGNATURE_BYTES);
  return writer.finish();
}

function encodeUnsignedNewView(message: Unsigned<NewView>): Uint8Array {
  const { checkpoint, chosen, viewChanges } = message;
  let voteBytes = 0;
  for (const vote of viewChanges) voteBytes += LENGTH_BYTES + vote.bytes.length;
  const digestBytes = chosen.length * DIGEST_BYTES;
  const writer = new Writer(NEW_VIEW_FIXED_BYTES + digestBytes + voteBytes + SIGNATURE_BYTES);
  writer.u8(MessageType["new-view"]);
  writer.u8(message.replica);
  writer.counter(message.view);
  writeCheckpointEntry(writer, checkpoint);
  writer.u16(chosen.length);
  writer.u8(viewChanges.length);
  let seq = checkpoint.seq;
  for (const choice of chosen) {
    seq += 1;
    assert(choice.seq === seq, "a new view chooses for every slot after its checkpoint");
    writer.digest(choice.digest);
  }
  for (const vote of viewChanges) {
    writer.u32(vote.bytes.length);
    writer.raw(vote.bytes);
  }
  writer.skip(SIGNATURE_BYTES);
  return writer.finish();
}

/** Reads a checkpoint whose type was read. */
export function decodeCheckpoint(reader: Reader, scope: Scope): Checkpoint {
  const start = reader.offset - 1;
  const replica = reader.replica(scope.roster.replicaCount);
  const { seq, stateDigest } = decodeCheckpointEntry(reader);
  reader.skip(SIGNATURE_BYTES);
  const bytes = reader.bytes.subarray(start, reader.offset);
  return { kind: "checkpoint", replica, seq, stateDigest, bytes };
}

/** Reads a view-change whose type was read. */
export function decodeViewChange(reader: Reader, scope: Scope): ViewChange {
  const start = reader.offset - 1;
  const replica = reader.replica(scope.roster.replicaCount);
  const view = reader.counter();
  const stableSeq = reader.counter();
  const checkpointCount = reader.u16();
  const preparedCount = reader.u16();
  const prePreparedCount = reader.u16();
  const checkpoints = decodeCheckpointEntries(reader, checkpointCount);
  const prepared = decodeCertificateEntries(reader, preparedCount, WINDOW_SLOTS_MAX);
  const prePrepared = decodeCertificateEntries(reader, prePreparedCount, PRE_PREPARED_ENTRIES_MAX);
  const sorted = isAscending(checkpoints) && isAscending(prepared) && isGrouped(prePrepared);
  if (!sorted) reader.reject("view-change/unsorted");
  reader.skip(SIGNATURE_BYTES);
  const bytes = reader.bytes.subarray(start, reader.offset);
  const entries = { checkpoints, prepared, prePrepared };
  return { kind: "view-change", replica, view, stableSeq, ...entries, bytes };
}

/** Reads a new-view whose type was read. */
export function decodeNewView(reader: Reader, scope: Scope): NewView {
  const start = reader.offset - 1;
  const replica = reader.replica(scope.roster.replicaCount);
  const view = reader.counter();
  const checkpoint = decodeCheckpointEntry(reader);
  const chosenCount = reader.u16();
  const voteCount = reader.u8();
  const chosen = decodeChosen(reader, chosenCount, checkpoint.seq);
  const viewChanges = decodeVotes(reader, voteCount, scope);
  reader.skip(SIGNATURE_BYTES);
  const bytes = reader.bytes.subarray(start, reader.offset);
  return { kind: "new-view", replica, view, viewChanges, checkpoint, chosen, bytes };
}

function decodeChosen(reader: Reader, count: number, start: number): NewView["chosen"] {
  const chosen: NewView["chosen"][number][] = [];
  if (start > COUNTER_MAX - count) reader.reject("wire/counter-range");
  if (!reader.allows(count, DIGEST_BYTES, WINDOW_SLOTS_MAX, "new-view/too-many-entries")) {
    return chosen;
  }
  for (let seq = start + 1; seq <= start + count; seq += 1) {
    chosen.push({ seq, digest: reader.digest() });
  }
  return chosen;
}

function decodeVotes(reader: Reader, count: number, scope: Scope): ViewChange[] {
  const votes: ViewChange[] = [];
  const itemBytes = LENGTH_BYTES + VIEW_CHANGE_BYTES_MIN;
  const { replicaCount } = scope.roster;
  if (!reader.allows(count, itemBytes, replicaCount, "new-view/too-many-entries")) return votes;
  let last = -1;
  while (votes.length < count && reader.rejected === null) {
    const outerEnd = reader.enter();
    reader.expectType(MessageType["view-change"]);
    const vote = decodeViewChange(reader, scope);
    reader.leave(outerEnd);
    if (vote.replica <= last) reader.reject("new-view/unsorted");
    last = vote.replica;
    votes.push(vote);
  }
  return votes;
}

function writeCheckpointEntry(writer: Writer, entry: CheckpointEntry): void {
  writer.counter(entry.seq);
  writer.digest(entry.stateDigest);
}

function decodeCheckpointEntry(reader: Reader): CheckpointEntry {
  return { seq: reader.counter(), stateDigest: reader.digest() };
}

function decodeCheckpointEntries(reader: Reader, count: number): CheckpointEntry[] {
  const entries: CheckpointEntry[] = [];
  const itemBytes = CHECKPOINT_ENTRY_BYTES;
  const tooMany = "view-change/too-many-entries";
  if (!reader.allows(count, itemBytes, CHECKPOINT_ENTRIES_MAX, tooMany)) return entries;
  for (let index = 0; index < count; index += 1) entries.push(decodeCheckpointEntry(reader));
  return entries;
}

function writeCertificateEntry(writer: Writer, entry: CertificateEntry): void {
  writer.counter(entry.seq);
  writer.digest(entry.digest);
  writer.counter(entry.view);
}

function decodeCertificateEntries(
  reader: Reader,
  count: number,
  countMax: number,
): CertificateEntry[] {
  const entries: CertificateEntry[] = [];
  const tooMany = "view-change/too-many-entries";
  if (!reader.allows(count, CERTIFICATE_ENTRY_BYTES, countMax, tooMany)) return entries;
  for (let index = 0; index < count; index += 1) {
    entries.push({ seq: reader.counter(), digest: reader.digest(), view: reader.counter() });
  }
  return entries;
}

function isAscending(entries: readonly { readonly seq: number }[]): boolean {
  let last = -1;
  for (const { seq } of entries) {
    if (seq <= last) return false;
    last = seq;
  }
  return true;
}

/** Whether entries ascend by seq, with few entries of a seq, whose digests all differ. */
function isGrouped(entries: readonly CertificateEntry[]): boolean {
  let group: CertificateEntry[] = [];
  for (const entry of entries) {
    const groupSeq = group[0]?.seq ?? -1;
    if (entry.seq < groupSeq) return false;
    if (entry.seq > groupSeq) group = [];
    if (group.some((other) => bytesEqual(other.digest, entry.digest))) return false;
    group.push(entry);
    if (group.length > PRE_PREPARED_PER_SLOT_MAX) return false;
  }
  return true;
}
