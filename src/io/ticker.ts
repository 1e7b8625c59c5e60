/**
 * Calls `onTick` every `tickMs`, at most once a turn of the event loop: a process that was paused
 * gets one tick and not all that it missed, so its timers do not all fire at once.
 * @returns what stops it.
 */
export function startTicker(tickMs: number, onTick: () => void): () => void {
  const timer = setInterval(onTick, tickMs);
  return () => {
    clearInterval(timer);
  };
}

/** One timer for all who tick in one process: a timer for each costs more than its tick does. */
export class SharedTicker {
  readonly #tickMs: number;
  readonly #members = new Set<() => void>();
  #stop: (() => void) | null = null;

  /** @param tickMs milliseconds, 1 and up. */
  constructor(tickMs: number) {
    this.#tickMs = tickMs;
  }

  /**
   * Calls `onTick` at every tick, as `startTicker` does; the timer runs only while somebody ticks.
   * @returns what stops it. Idempotent.
   */
  join(onTick: () => void): () => void {
    // Somebody may join with the same function twice.
    const member = (): void => {
      onTick();
    };
    this.#members.add(member);
    this.#stop ??= startTicker(this.#tickMs, () => {
      for (const tick of this.#members) tick();
    });
    return () => {
      this.#members.delete(member);
      if (this.#members.size > 0) return;
      this.#stop?.();
      this.#stop = null;
    };
  }
}
