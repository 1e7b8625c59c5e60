import { setTimeout as delay } from "node:timers/promises";

/** The time as the load generator sees it; tests put a made-up one in its place. */
export interface LoadClock {
  /** Monotonic time in microseconds from an arbitrary start. */
  nowMicros(): number;
  /** Resolves at `micros` or later; at once when that has passed. Rejects when `signal` aborts. */
  sleepUntil(micros: number, signal: AbortSignal): Promise<void>;
}

const MICROS_PER_MS = 1_000;

/** The clock of this process. Its sleep may end a few milliseconds late, never early. */
export const processClock: LoadClock = {
  nowMicros: () => performance.now() * MICROS_PER_MS,
  async sleepUntil(micros, signal) {
    for (;;) {
      signal.throwIfAborted();
      const remainingMs = micros / MICROS_PER_MS - performance.now();
      if (remainingMs <= 0) return;
      // A timer of Node can fire up to a millisecond early, and then has to be asked again.
      await delay(remainingMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  },
};
