import { assert } from "../base/assert.js";
import type { Seq } from "../base/ids.js";
import { Slot } from "./slot.js";

/*
 *        low watermark                               high watermark
 *             h                                          h + L
 *   ── stable ─┼──────── executed ────── in flight ────────┤  beyond: rejected
 *              │ h+1  …                                    │
 */

/**
 * The slots inside the watermarks; made when first touched, dropped when a checkpoint covers them.
 */
export class Log {
  readonly #replicaCount: number;
  readonly #windowSlots: number;
  readonly #slots = new Map<Seq, Slot>();
  /** The slots ascending; null after a change. They are walked at every tick and status. */
  #ascending: readonly Slot[] | null = null;
  #lowWatermark: Seq = 0;

  constructor(replicaCount: number, windowSlots: number) {
    this.#replicaCount = replicaCount;
    this.#windowSlots = windowSlots;
  }

  /** h: the last stable checkpoint. */
  get lowWatermark(): Seq {
    return this.#lowWatermark;
  }

  /** h + L: the largest sequence number that may be used now. */
  get highWatermark(): Seq {
    return this.#lowWatermark + this.#windowSlots;
  }

  /** Whether h < `seq` <= h + L (NC4). */
  inWindow(seq: Seq): boolean {
    return seq > this.#lowWatermark && seq <= this.highWatermark;
  }

  /** The slot of a sequence number in the window. */
  slot(seq: Seq): Slot {
    assert(this.inWindow(seq), "the sequence number is between the watermarks");
    let slot = this.#slots.get(seq);
    if (slot === undefined) {
      slot = new Slot(seq, this.#replicaCount);
      this.#slots.set(seq, slot);
      this.#ascending = this.#ascendingWith(slot);
    }
    return slot;
  }

  /** Slots are mostly made in order: then nothing has to be sorted. */
  #ascendingWith(slot: Slot): readonly Slot[] | null {
    const last = this.#ascending?.at(-1);
    return last !== undefined && last.seq < slot.seq ? [...(this.#ascending ?? []), slot] : null;
  }

  /** The slot, if it was touched before. */
  find(seq: Seq): Slot | null {
    return this.#slots.get(seq) ?? null;
  }

  /** Whether the batch of `seq` is decided here. */
  isDecided(seq: Seq): boolean {
    const slot = this.find(seq);
    return slot !== null && slot.committedDigest !== null;
  }

  /** The touched slots, ascending; what is touched or dropped later does not change the list. */
  slots(): readonly Slot[] {
    this.#ascending ??= [...this.#slots.values()].sort((left, right) => left.seq - right.seq);
    return this.#ascending;
  }

  /**
   * The touched slots above `seq`, ascending. Of those up to the last one executed there are a
   * hundred times as many, in no cache, and at every tick somebody asks what is still open.
   */
  slotsAbove(seq: Seq): readonly Slot[] {
    const slots = this.slots();
    let first = slots.length;
    while ((slots[first - 1]?.seq ?? 0) > seq) first -= 1;
    return slots.slice(first);
  }

  /** Number of touched slots, at most L (I11). */
  get size(): number {
    return this.#slots.size;
  }

  /** Moves h up to `seq` and drops what is below (CK3). */
  advance(seq: Seq): void {
    assert(seq >= this.#lowWatermark, "the low watermark never goes back (I6)");
    this.#lowWatermark = seq;
    this.#ascending = null;
    for (const held of this.#slots.keys()) {
      if (held <= seq) this.#slots.delete(held);
    }
  }
}
