import { openSync, readSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { cpuUsage } from "node:process";
import type { HostProbe } from "./host-probe.js";

/** Clocks of the thread whose turns are measured, in milliseconds. */
interface TurnSources {
  readonly nowMs: () => number;
  /** How long its event loop has waited for events in all. */
  readonly idleMs: () => number;
  /** Processor time that it has taken in all; null where the system does not tell. */
  readonly cpuMs: () => number | null;
}

/** A longest turn. */
interface LongestTurn {
  /** By the clock: with what other threads and processes took of the processor meanwhile. */
  readonly wallMs: number;
  /** Of processor time; null where the system does not tell. */
  readonly cpuMs: number | null;
}

/** A shorter window says nothing: whoever asks again so soon gets the last answer. */
const WINDOW_MS_MIN = 1_000;

/**
 * Turns that take less than this together are counted with the next one, which may come out too
 * long by so much, and its processor time by what it took to go to sleep and wake meanwhile as
 * well. To read the clocks at the end of each took a sixth of what a replica did for a lone read:
 * it has thousands of short turns a second, and it is the long ones that somebody wants to know of.
 */
const RESOLUTION_MS = 1;

/**
 * How long the main loop is busy at a time. A turn is all that runs between two waits for events
 * (datagrams, steps of the core, execution, a part of garbage collection), so no step is longer.
 * Its processor time is what the program can do something about: by the clock a turn also takes as
 * long as others use the processor.
 */
export class TurnClock implements HostProbe {
  readonly #sources: TurnSources;
  #wallMs: number;
  #idleMs: number;
  /** What the loop was busy since the processor's clock was read, at `#cpuMs`. */
  #busyMs = 0;
  #cpuMs: number | null;
  #longest: LongestTurn = { wallMs: 0, cpuMs: 0 };
  #last: LongestTurn = { wallMs: 0, cpuMs: 0 };
  #windowStartMs: number;
  #skips = false;

  constructor(sources: TurnSources) {
    this.#sources = sources;
    this.#wallMs = sources.nowMs();
    this.#idleMs = sources.idleMs();
    this.#cpuMs = sources.cpuMs();
    this.#windowStartMs = this.#wallMs;
  }

  /** A turn ends now. To be called too in turns that bring nothing but garbage collection. */
  turned(): void {
    const wallMs = this.#sources.nowMs();
    if (!this.#skips && wallMs - this.#wallMs < RESOLUTION_MS) return;
    const idleMs = this.#sources.idleMs();
    this.#busyMs += wallMs - this.#wallMs - (idleMs - this.#idleMs);
    this.#wallMs = wallMs;
    this.#idleMs = idleMs;
    if (!this.#skips && this.#busyMs < RESOLUTION_MS) return;
    const cpuMs = this.#sources.cpuMs();
    if (!this.#skips) this.#note(this.#busyMs, cpuMs);
    this.#skips = false;
    this.#busyMs = 0;
    this.#cpuMs = cpuMs;
  }

  /**
   * What the present turn has taken so far, and up to a millisecond of those before it: of
   * processor time, or by the clock where that is little or the system does not tell.
   */
  get presentMs(): number {
    const { nowMs, idleMs, cpuMs } = this.#sources;
    const busyMs = this.#busyMs + nowMs() - this.#wallMs - (idleMs() - this.#idleMs);
    const nowCpuMs = busyMs < RESOLUTION_MS ? null : cpuMs();
    return nowCpuMs === null || this.#cpuMs === null ? busyMs : nowCpuMs - this.#cpuMs;
  }

  /**
   * The longest turn since it was last asked for; wall and processor time may be those of two. The
   * present turn is left out: to tell how a replica is may take longer than what it does.
   */
  longest(): LongestTurn {
    const nowMs = this.#sources.nowMs();
    if (nowMs - this.#windowStartMs < WINDOW_MS_MIN) return this.#last;
    this.#last = this.#longest;
    this.#longest = { wallMs: 0, cpuMs: this.#cpuMs === null ? null : 0 };
    this.#windowStartMs = nowMs;
    this.#skips = true;
    return this.#last;
  }

  #note(wallMs: number, cpuMs: number | null): void {
    const { wallMs: longestMs, cpuMs: longestCpuMs } = this.#longest;
    const spentMs = cpuMs === null || this.#cpuMs === null ? null : cpuMs - this.#cpuMs;
    this.#longest = {
      wallMs: Math.max(longestMs, wallMs),
      cpuMs: spentMs === null || longestCpuMs === null ? null : Math.max(longestCpuMs, spentMs),
    };
  }
}

/** Where Linux says what the reading thread has taken: nanoseconds, then more. */
const SCHEDSTAT_PATH = "/proc/thread-self/schedstat";
const SCHEDSTAT_BYTES_MAX = 64;
const NANOS_PER_MS = 1e6;
const [DIGIT_ZERO, DIGIT_NINE] = [0x30, 0x39];

/** The clocks of the thread that calls this; the last takes 3 µs to read, the others less. */
export function threadClocks(): TurnSources {
  return {
    nowMs: () => performance.now(),
    idleMs: () => performance.nodeTiming.idleTime,
    cpuMs: (threadCpuMs ??= openThreadCpuClock()),
  };
}

/** One for all who ask: the file stays open. */
let threadCpuMs: (() => number | null) | null = null;

function openThreadCpuClock(): () => number | null {
  let file: number;
  try {
    file = openSync(SCHEDSTAT_PATH, "r");
  } catch {
    // Not Linux, or not told in this container.
    return () => null;
  }
  const buffer = Buffer.alloc(SCHEDSTAT_BYTES_MAX);
  return () => {
    // Makes the kernel bring the figure up to date, which it else does once in 4 ms.
    cpuUsage();
    readSync(file, buffer, 0, SCHEDSTAT_BYTES_MAX, 0);
    return leadingNumber(buffer) / NANOS_PER_MS;
  };
}

/** The decimal number that `text` begins with; without a string for each turn. */
function leadingNumber(text: Uint8Array): number {
  let value = 0;
  for (const byte of text) {
    if (byte < DIGIT_ZERO || byte > DIGIT_NINE) break;
    value = 10 * value + byte - DIGIT_ZERO;
  }
  return value;
}
