import { DIGEST_BYTES } from "../base/hasher.js";
import type { Digest } from "../base/hasher.js";
import { WINDOW_SLOTS_MAX } from "../base/limits.js";
import type { SlotStatus, Status } from "../message.js";
import { COUNTER_BYTES } from "./integers.js";
import { MessageType, TYPE_BYTES } from "./layout.js";
import type { Reader } from "./reader.js";
import type { Scope } from "./scope.js";
import { Writer } from "./writer.js";

/*
 *   status  type u8 │ view u64 │ flags u8 │ stable u64 │ executed u64 │ checkpoints mask u32 │
 *           view-changes mask u32 │ slot count u16 │ missing count u16 │ slots │ digests 32
 *   slot    bit 31: has the batch; bits 30 to 0: prepares mask  u32 │ commits mask u32
 *
 * A mask has a bit for each replica, at most 31: its sign bit stays unused.
 */

const FLAG_ACTIVE = 1;

const FIXED_BYTES = TYPE_BYTES + COUNTER_BYTES + 1 + 2 * COUNTER_BYTES + 2 * 4 + 2 * 2;
const SLOT_BYTES = 8;
const HAS_BATCH = 0x8000_0000;

/** The bytes of a status. */
export function encodeStatus(message: Status): Uint8Array {
  const { slots, missingBatches } = message;
  const size = FIXED_BYTES + slots.length * SLOT_BYTES + missingBatches.length * DIGEST_BYTES;
  const writer = new Writer(size);
  writer.u8(MessageType.status);
  writer.counter(message.view);
  writer.u8(message.active ? FLAG_ACTIVE : 0);
  writer.counter(message.stableSeq);
  writer.counter(message.executedSeq);
  writer.u32(message.checkpointsMask);
  writer.u32(message.viewChangesMask);
  writer.u16(slots.length);
  writer.u16(missingBatches.length);
  for (const slot of slots) {
    writer.u32(slot.preparesMask + (slot.hasBatch ? HAS_BATCH : 0));
    writer.u32(slot.commitsMask);
  }
  for (const digest of missingBatches) writer.digest(digest);
  return writer.finish();
}

/** Reads a status whose type was read. */
export function decodeStatus(reader: Reader, scope: Scope): Status {
  const { replicaCount } = scope.roster;
  const view = reader.counter();
  const flags = reader.u8();
  if ((flags & ~FLAG_ACTIVE) !== 0) reader.reject("wire/unknown-flag");
  const stableSeq = reader.counter();
  const executedSeq = reader.counter();
  const checkpointsMask = decodeMask(reader, reader.u32(), replicaCount);
  const viewChangesMask = decodeMask(reader, reader.u32(), replicaCount);
  const slotCount = reader.u16();
  const missingCount = reader.u16();
  return {
    kind: "status",
    view,
    active: (flags & FLAG_ACTIVE) !== 0,
    stableSeq,
    executedSeq,
    slots: decodeSlots(reader, slotCount, replicaCount),
    checkpointsMask,
    viewChangesMask,
    missingBatches: decodeDigests(reader, missingCount),
  };
}

function decodeSlots(reader: Reader, count: number, replicaCount: number): SlotStatus[] {
  const slots: SlotStatus[] = [];
  if (!reader.allows(count, SLOT_BYTES, WINDOW_SLOTS_MAX, "status/too-many-entries")) return slots;
  for (let index = 0; index < count; index += 1) {
    const word = reader.u32();
    const hasBatch = word >= HAS_BATCH;
    const preparesMask = decodeMask(reader, hasBatch ? word - HAS_BATCH : word, replicaCount);
    const commitsMask = decodeMask(reader, reader.u32(), replicaCount);
    slots.push({ hasBatch, preparesMask, commitsMask });
  }
  return slots;
}

function decodeDigests(reader: Reader, count: number): Digest[] {
  const digests: Digest[] = [];
  if (!reader.allows(count, DIGEST_BYTES, WINDOW_SLOTS_MAX, "status/too-many-entries")) {
    return digests;
  }
  for (let index = 0; index < count; index += 1) digests.push(reader.digest());
  return digests;
}

function decodeMask(reader: Reader, mask: number, replicaCount: number): number {
  if (mask >= 2 ** replicaCount) reader.reject("status/unknown-replica");
  return mask;
}
