import type { Digest } from "../core/base/hasher.js";
import type { Seq } from "../core/base/ids.js";
import type { HostProbe } from "./host-probe.js";
import type { ServiceRest } from "./service-rest.js";

/** A root of the state, and the batch after which it was that. */
export interface StateRoot {
  readonly seq: Seq;
  readonly root: Digest;
}

/**
 * Pause after a root was computed, in times of what it kept whoever asked waiting. Nothing is
 * executed during a computation: with a million accounts that change all the time, two questions a
 * second took a sixth of the writes.
 */
const PAUSE_RATIO = 16;

/** Most of it, whatever else was waited for. */
const PAUSE_MS_MAX = 4_000;

/**
 * Tells the root of the state to whoever asks how this replica is: the present one, unless one was
 * computed within the last few seconds; then that. So whoever asks on and on holds up little.
 */
export class RootReader implements HostProbe {
  readonly #rest: Pick<ServiceRest, "hashed">;
  readonly #present: () => StateRoot;
  #last: StateRoot | null = null;
  #nextMs = 0;

  /** @param present the present root; called in a turn in which it costs nothing. */
  constructor(rest: Pick<ServiceRest, "hashed">, present: () => StateRoot) {
    this.#rest = rest;
    this.#present = present;
  }

  /** What was told of the state before is not true of this one. */
  replaced(): void {
    this.#last = null;
  }

  /**
   * Resolves with what `tell` makes of the root, of which it hears in the same turn if that is the
   * present one.
   */
  async read<T>(tell: (root: StateRoot) => T): Promise<T> {
    const startMs = performance.now();
    if (this.#last !== null && startMs < this.#nextMs) return tell(this.#last);
    return this.#rest.hashed(() => {
      this.#last = this.#present();
      const nowMs = performance.now();
      const pauseMs = Math.min(PAUSE_RATIO * (nowMs - startMs), PAUSE_MS_MAX);
      // Who came while it was computed has waited less.
      this.#nextMs = Math.max(this.#nextMs, nowMs + pauseMs);
      return tell(this.#last);
    });
  }
}
