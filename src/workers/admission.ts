import { MESSAGE_BYTES_MAX } from "../core/base/limits.js";

/** Lists that may wait, or run elsewhere: some two full batches of the largest size. */
const LISTS_MAX = 2_048;

/**
 * Bytes of the lists that wait or run: two largest messages, or what many small ones hold. What
 * accepted fragments complete comes on top, up to what may be under reassembly.
 */
const LIST_BYTES_MAX = 2 * MESSAGE_BYTES_MAX;

/** A list of checks on behalf of whoever sent the bytes. */
interface SourcedList {
  readonly source: number;
  readonly bytes: Uint8Array;
}

/** What waits or runs of one source, or of all. */
interface Load {
  lists: number;
  bytes: number;
}

/**
 * How much waits in a verifier and of whom, and so for whom there is room. A source gets as much as
 * is free: half of everything if it is alone, and with k that take all they can there is always a
 * (k + 1)-th part left for whoever comes next (RB1).
 */
export class Admission {
  #lists = 0;
  /** All as it counts for others: of each source half of everything at most. */
  readonly #taken: Load = { lists: 0, bytes: 0 };
  /** The part of each source that ever had something waiting. */
  readonly #loads = new Map<number, Load>();

  /** Lists that wait or run. */
  get count(): number {
    return this.#lists;
  }

  /** Whether nothing waits or runs. */
  get isEmpty(): boolean {
    return this.#lists === 0;
  }

  /** Whether `source` may hand in another list. */
  hasRoom(source: number): boolean {
    const { lists, bytes } = this.#loadOf(source);
    return lists < LISTS_MAX - this.#taken.lists && bytes < LIST_BYTES_MAX - this.#taken.bytes;
  }

  /** `list` waits from now on. */
  enter(list: SourcedList): void {
    this.#count(list, 1);
  }

  /** `list`, which waited or ran, is answered. */
  leave(list: SourcedList): void {
    this.#count(list, -1);
  }

  #count({ source, bytes }: SourcedList, sign: 1 | -1): void {
    const own = this.#loadOf(source);
    this.#take(own, -1);
    own.lists += sign;
    own.bytes += sign * bytes.length;
    this.#take(own, 1);
    this.#lists += sign;
  }

  #take(own: Load, sign: 1 | -1): void {
    this.#taken.lists += sign * Math.min(own.lists, LISTS_MAX / 2);
    this.#taken.bytes += sign * Math.min(own.bytes, LIST_BYTES_MAX / 2);
  }

  #loadOf(source: number): Load {
    let load = this.#loads.get(source);
    if (load === undefined) {
      load = { lists: 0, bytes: 0 };
      this.#loads.set(source, load);
    }
    return load;
  }
}
