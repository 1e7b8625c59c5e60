import { WINDOW_SLOTS_MAX } from "../core/base/limits.js";
import type { Seq } from "../core/base/ids.js";
import type { JournalRecord } from "../core/message.js";
import type { HostProbe } from "./host-probe.js";

/** The phases of an ordered batch, each from the end of the one before. */
type Phase = "prepare" | "commit" | "execute";

/** Times how long each batch spends in each phase at this replica, journal included. */
export class PhaseClock implements HostProbe {
  readonly #nowMs: () => number;
  readonly #onPhase: (phase: Phase, ms: number) => void;
  /** When each batch under way entered its present phase. */
  readonly #since = new Map<Seq, number>();

  constructor(nowMs: () => number, onPhase: (phase: Phase, ms: number) => void) {
    this.#nowMs = nowMs;
    this.#onPhase = onPhase;
  }

  appended(record: JournalRecord): void {
    if (record.kind === "pre-prepared") this.#begin(record.seq);
    else if (record.kind === "prepared") this.#end(record.seq, "prepare");
    else if (record.kind === "committed") this.#end(record.seq, "commit");
  }

  executed(seq: Seq): void {
    this.#end(seq, "execute");
    this.#since.delete(seq);
  }

  #begin(seq: Seq): void {
    // A batch that a later view decided otherwise is never executed: the oldest make room.
    const [oldest] = this.#since.keys();
    if (this.#since.size >= WINDOW_SLOTS_MAX && oldest !== undefined) this.#since.delete(oldest);
    this.#since.set(seq, this.#nowMs());
  }

  #end(seq: Seq, phase: Phase): void {
    const sinceMs = this.#since.get(seq);
    if (sinceMs === undefined) return;
    const nowMs = this.#nowMs();
    this.#onPhase(phase, nowMs - sinceMs);
    this.#since.set(seq, nowMs);
  }
}
