/*
 * One replica's disk, as far as its journal goes. What was synced stays; what was under way at a
 * crash is kept, lost or torn at sectors, each step on its own.
 */
import type { SegmentFile } from "../../src/core/journal/recovery.js";
import type { Prng } from "./prng.js";

const SECTOR_BYTES = 512;

/** A change of the files, durable once it is done. */
export type DiskStep =
  /** Bytes of a segment that exists. */
  | {
      readonly kind: "write";
      readonly segment: number;
      readonly offset: number;
      readonly bytes: Uint8Array;
    }
  /** A new segment; its name and its content are durable together, at the end of the step. */
  | { readonly kind: "create"; readonly segment: number; readonly bytes: Uint8Array }
  /** The manifest is replaced as a whole. */
  | { readonly kind: "manifest"; readonly bytes: Uint8Array }
  | { readonly kind: "remove"; readonly segment: number };

/** The files of one journal. */
export class JournalDisk {
  readonly #prng: Prng;
  readonly #lostShare: number;
  readonly #segments = new Map<number, Uint8Array>();
  #manifest: Uint8Array | null = null;
  /** The steps that were begun and are not done: the first is under way, the others wait. */
  #begun: DiskStep[] = [];

  /** @param lostShare of the steps under way at a crash of which nothing is left for sure. */
  constructor(prng: Prng, lostShare: number) {
    this.#prng = prng;
    this.#lostShare = lostShare;
  }

  /** The manifest as a starting process reads it. */
  get manifest(): Uint8Array | null {
    return this.#manifest;
  }

  /** The segments as a starting process reads them, ascending. */
  segments(): SegmentFile[] {
    const numbers = [...this.#segments.keys()].sort((left, right) => left - right);
    return numbers.map((number) => ({
      number,
      bytes: this.#segments.get(number) ?? new Uint8Array(0),
    }));
  }

  /** Begins a step; steps that are begun together may reach the disk in any order. */
  begin(step: DiskStep): void {
    this.#begun.push(step);
  }

  /** The step is done: durable. */
  finish(step: DiskStep): void {
    this.#begun = this.#begun.filter((other) => other !== step);
    this.#apply(step);
  }

  /** Begins and finishes a step at once: what recovery does before anything else can happen. */
  at(step: DiskStep): void {
    this.#apply(step);
  }

  /** Cuts a segment: recovery removes a torn end. */
  truncate(segment: number, byteCount: number): void {
    const bytes = this.#segments.get(segment);
    if (bytes !== undefined) this.#segments.set(segment, bytes.slice(0, byteCount));
  }

  /** A new disk: nothing is left. */
  wipe(): void {
    this.#begun = [];
    this.#manifest = null;
    this.setAside();
  }

  /** The segments go where nobody reads them: recovery starts over. */
  setAside(): void {
    this.#segments.clear();
  }

  /** One bit of a segment that was synced long ago changes; @returns what puts it right again. */
  rot(): (() => void) | null {
    const segments = [...this.#segments.values()].filter(({ length }) => length > 0);
    if (segments.length === 0) return null;
    const bytes = this.#prng.pick(segments);
    const at = this.#prng.below(bytes.length);
    const flip = (): void => {
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
    };
    flip();
    return flip;
  }

  /** The machine stops: every step that was begun meets its own fate. */
  crash(): void {
    for (const step of this.#begun.splice(0)) {
      if (this.#prng.chance(this.#lostShare)) continue;
      const fate = this.#prng.pick(["kept", "lost", "torn"] as const);
      if (fate === "kept") this.#apply(step);
      else if (fate === "torn") this.#applyTorn(step);
    }
  }

  #apply(step: DiskStep): void {
    switch (step.kind) {
      case "write":
        this.#write(step.segment, step.offset, step.bytes);
        break;
      case "create":
        this.#segments.set(step.segment, step.bytes);
        break;
      case "manifest":
        this.#manifest = step.bytes;
        break;
      case "remove":
        this.#segments.delete(step.segment);
        break;
    }
  }

  /** Some sectors reach the platter; a manifest or a removal is whole or not at all. */
  #applyTorn(step: DiskStep): void {
    if (step.kind === "manifest" || step.kind === "remove") return;
    const offset = step.kind === "create" ? 0 : step.offset;
    if (step.kind === "create") this.#segments.set(step.segment, new Uint8Array(0));
    for (let start = 0; start < step.bytes.length;) {
      const left = SECTOR_BYTES - ((offset + start) % SECTOR_BYTES);
      const end = Math.min(step.bytes.length, start + left);
      if (this.#prng.chance(0.5)) {
        this.#write(step.segment, offset + start, step.bytes.subarray(start, end));
      }
      start = end;
    }
  }

  #write(segment: number, offset: number, bytes: Uint8Array): void {
    const old = this.#segments.get(segment) ?? new Uint8Array(0);
    if (offset + bytes.length <= old.length) {
      old.set(bytes, offset);
      return;
    }
    const whole = new Uint8Array(offset + bytes.length);
    whole.set(old);
    whole.set(bytes, offset);
    this.#segments.set(segment, whole);
  }
}
