import { setTimeout as delay } from "node:timers/promises";

/** The time as the load generator sees it; tests put a made-up one in its place. */
export interface LoadClock {
  /** Monotonic time in microseconds from an arbitrary start. */
  nowMicros(): number;
  /** Resolves at `micros` or later; at once when that has passed. Rejects when `signal` aborts. */
  sleepUntil(micros: number, signal: AbortSignal): Promise<void>;
}

const MICROS_PER_MS = 1_000;

/** The clock of this process. Its sleep may end up to a few milliseconds late. */
export const processClock: LoadClock = {
  nowMicros: () => performance.now() * MICROS_PER_MS,
  async sleepUntil(micros, signal) {
    const remainingMs = micros / MICROS_PER_MS - performance.now();
    if (remainingMs <= 0) return;
    try {
      await delay(remainingMs, undefined, { signal });
    } catch (error) {
      signal.throwIfAborted(); // With the reason why, which the timer does not pass on.
      throw error;
    }
  },
};
