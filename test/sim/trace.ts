import { MS, type Scheduler } from "./scheduler.js";

const WORD = 2 ** 32;

/**
 * What happened, as one number that two equal runs share, and as a story for whoever asks (I17).
 */
export class Trace {
  readonly #scheduler: Scheduler;
  readonly #tell: ((line: string) => void) | null;
  #high = 0x811c9dc5;
  #low = 0x01000193;

  /** @param tell takes the lines of the story; null when nobody listens. */
  constructor(scheduler: Scheduler, tell: ((line: string) => void) | null) {
    this.#scheduler = scheduler;
    this.#tell = tell;
  }

  /** Adds numbers to the hash. */
  note(what: number, first: number, second: number | null = null): void {
    this.#mix(this.#scheduler.now % WORD);
    this.#mix(what);
    this.#mix(first);
    if (second !== null) this.#mix(second);
  }

  /** Adds a line to the story; `line` is not called when nobody listens. */
  say(who: string, line: () => string): void {
    if (this.#tell === null) return;
    const time = (this.#scheduler.now / MS).toFixed(3).padStart(11);
    this.#tell(`${time} ${who.padEnd(8)} ${line()}`);
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return hexOf(this.#high) + hexOf(this.#low);
  }

  #mix(number: number): void {
    this.#high = Math.imul(this.#high ^ number, 0x85ebca6b);
    this.#high ^= this.#high >>> 13;
    this.#low = Math.imul(this.#low + number + this.#high, 0xc2b2ae35);
    this.#low ^= this.#low >>> 16;
  }
}

function hexOf(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
