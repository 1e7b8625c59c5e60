import { assert } from "../core/base/assert.js";
import { DIGEST_BYTES } from "../core/base/hasher.js";
import { KEY_BYTES, SIGNATURE_BYTES } from "../core/crypto/crypto.js";

/*
 * Signatures that the main thread has to verify, or to make, in memory that it shares with a thread
 * that does some of them before it comes to them. The main thread goes through its work in its own
 * order and takes what is done already; what is not, it does itself. It never waits for the other
 * thread, which a busy machine may have stopped in the middle of a signature.
 *
 *   ┌──────────────┬───────────────┬────────────────────┬─────────────────────────────────────────┐
 *   │ wake-ups,    │ per slot:     │ per slot: number   │ per slot: digest (32),                  │
 *   │ tickets so   │ ticket, state │ of the public key, │ signature to verify, or seed (64),      │
 *   │ far: 2 × i32 │ i32           │ or SIGN: i32       │ signature that was made (64)            │
 *   └──────────────┴───────────────┴────────────────────┴─────────────────────────────────────────┘
 *
 *   state          ┌─► done by the main thread
 *        posted ───┴─► taken ─► passed (or made) or failed     (by the other thread, newest first)
 *
 * A slot's ticket says whose it is: a post takes the place of the one `SLOTS` posts ago, done or
 * not, and whoever still works for that one finds another ticket there, and drops its result. What
 * was made has a place that only the other thread writes to, which it does before it says so.
 */

/** What a post may have before it on the board; of more that waits the newest are there. */
const SLOTS = 512;

const WAKE_UPS = 0;
const TICKET_COUNT = 1;
const SLOTS_START = 2;

const GIVEN_START = DIGEST_BYTES;
const MADE_START = GIVEN_START + SIGNATURE_BYTES;
const SLOT_BYTES = MADE_START + SIGNATURE_BYTES;
const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT;
const WORDS = SLOTS_START + 2 * SLOTS;

const TICKET_SHIFT = 3;
const STATE_MASK = (1 << TICKET_SHIFT) - 1;
/** Tickets begin anew there: what fits beside a state, and `SLOTS` divides it. */
const TICKETS = 2 ** (31 - TICKET_SHIFT);

const POSTED = 1;
const TAKEN = 2;
const PASSED = 3;
const FAILED = 4;

/** In the place of a public key's number: the digest is to be signed. */
const SIGN = -1;

/** What a post is known by. */
export type Ticket = number;

/** What does the work that is posted. It must not keep what it is given. */
interface SignatureMaker {
  /** Whether a signature of a digest is that of a public key, which is given by its number. */
  verify(digest: Uint8Array, signature: Uint8Array, key: number): boolean;

  /** The signature of a digest by the key of a seed. */
  sign(digest: Uint8Array, seed: Uint8Array): Uint8Array;
}

/** The memory of a board, with nothing on it. */
export function boardMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(WORD_BYTES * WORDS + SLOT_BYTES * SLOTS);
}

/** A thread's view of a board: to post, to take and `wake` are for one, the rest for the other. */
export class SignatureBoard {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  /** Outside of V8's heap, where an addon can have them for less; see `NativeCrypto`. */
  readonly #digest = new Uint8Array(new ArrayBuffer(SLOT_BYTES), 0, DIGEST_BYTES);
  readonly #signature = new Uint8Array(new ArrayBuffer(SLOT_BYTES), 0, SIGNATURE_BYTES);
  readonly #seed = this.#signature.subarray(0, KEY_BYTES);

  /** @param memory from `boardMemory`. */
  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, WORDS);
    this.#bytes = new Uint8Array(memory, WORD_BYTES * WORDS);
  }

  /**
   * Asks whether the signature of `digest` at `signature` of `bytes` is by public key number `key`.
   */
  postToVerify(digest: Uint8Array, bytes: Uint8Array, signature: number, key: number): Ticket {
    assert(key >= 0, "a key has a number");
    return this.#post(digest, bytes, signature, SIGNATURE_BYTES, key);
  }

  /** Asks for the signature of `digest` by the key of the 32-byte `seed`. */
  postToSign(digest: Uint8Array, seed: Uint8Array): Ticket {
    return this.#post(digest, seed, 0, KEY_BYTES, SIGN);
  }

  #post(digest: Uint8Array, given: Uint8Array, start: number, length: number, key: number): Ticket {
    assert(start + length <= given.length, "what is given lies in the bytes");
    const ticket = Atomics.load(this.#words, TICKET_COUNT);
    const slot = ticket % SLOTS;
    // Until its content is whole a slot is nobody's.
    Atomics.store(this.#words, SLOTS_START + slot, 0);
    const at = SLOT_BYTES * slot;
    copy(digest, 0, this.#bytes, at, DIGEST_BYTES);
    copy(given, start, this.#bytes, at + GIVEN_START, length);
    this.#words[SLOTS_START + SLOTS + slot] = key;
    Atomics.store(this.#words, SLOTS_START + slot, wordOf(ticket, POSTED));
    Atomics.store(this.#words, TICKET_COUNT, (ticket + 1) % TICKETS);
    return ticket;
  }

  /**
   * Whether the signature that was posted for `ticket` is good; null if that is not known yet: from
   * now on nobody else will find it out.
   */
  takeVerdict(ticket: Ticket): boolean | null {
    return this.#take(ticket);
  }

  /**
   * Writes the signature that was asked for by `ticket` to `bytes` at `start`; false if there is
   * none yet: from now on nobody else will make it.
   */
  takeSignature(ticket: Ticket, bytes: Uint8Array, start: number): boolean {
    if (this.#take(ticket) !== true) return false;
    const at = SLOT_BYTES * (ticket % SLOTS) + MADE_START;
    copy(this.#bytes, at, bytes, start, SIGNATURE_BYTES);
    return true;
  }

  #take(ticket: Ticket): boolean | null {
    const slot = SLOTS_START + (ticket % SLOTS);
    if (Atomics.load(this.#words, slot) >>> TICKET_SHIFT !== ticket) return null;
    const state = Atomics.exchange(this.#words, slot, 0) & STATE_MASK;
    if (state === PASSED) return true;
    return state === FAILED ? false : null;
  }

  /** Wakes the other thread, if it sleeps. */
  wake(): void {
    Atomics.add(this.#words, WAKE_UPS, 1);
    Atomics.notify(this.#words, WAKE_UPS);
  }

  /** Forgets all that is on the board: the seeds of what was signed are secrets. */
  wipe(): void {
    this.#words.fill(0);
    this.#bytes.fill(0);
  }

  /** Does what is posted with `maker`, and sleeps while nothing is. Never returns. */
  serve(maker: SignatureMaker): never {
    for (;;) {
      const wakeUps = Atomics.load(this.#words, WAKE_UPS);
      this.workOff(maker);
      Atomics.wait(this.#words, WAKE_UPS, wakeUps);
    }
  }

  /** Does what is posted, the newest first, until nothing is left. */
  workOff(maker: SignatureMaker): void {
    let count = Atomics.load(this.#words, TICKET_COUNT);
    for (let back = 1; back <= SLOTS; back += 1) {
      if (!this.#workOn((count - back + TICKETS) % TICKETS, maker)) continue;
      const now = Atomics.load(this.#words, TICKET_COUNT);
      if (now !== count) back = 0;
      count = now;
    }
  }

  /** Returns whether there was something to do for `ticket`. */
  #workOn(ticket: Ticket, maker: SignatureMaker): boolean {
    const slot = ticket % SLOTS;
    if (!this.#change(slot, wordOf(ticket, POSTED), wordOf(ticket, TAKEN))) return false;
    const at = SLOT_BYTES * slot;
    copy(this.#bytes, at, this.#digest, 0, DIGEST_BYTES);
    copy(this.#bytes, at + GIVEN_START, this.#signature, 0, SIGNATURE_BYTES);
    const key = this.#words[SLOTS_START + SLOTS + slot] ?? 0;
    // Where the slot was given away meanwhile this is of both posts, and neither gets the result.
    const hasPassed =
      key === SIGN ? this.#sign(at, maker) : maker.verify(this.#digest, this.#signature, key);
    this.#change(slot, wordOf(ticket, TAKEN), wordOf(ticket, hasPassed ? PASSED : FAILED));
    return true;
  }

  /** Makes the signature that the slot at `at` asks for; returns that it was made. */
  #sign(at: number, maker: SignatureMaker): true {
    const made = maker.sign(this.#digest, this.#seed);
    copy(made, 0, this.#bytes, at + MADE_START, SIGNATURE_BYTES);
    return true;
  }

  /** Changes the word of `slot` if it is `from`, and returns whether it was. */
  #change(slot: number, from: number, to: number): boolean {
    const words = this.#words;
    if (Atomics.load(words, SLOTS_START + slot) !== from) return false;
    return Atomics.compareExchange(words, SLOTS_START + slot, from, to) === from;
  }
}

function wordOf(ticket: Ticket, state: number): number {
  return (ticket << TICKET_SHIFT) | state;
}

/** A loop: to make views of so few bytes costs more. */
function copy(
  from: Uint8Array,
  fromAt: number,
  to: Uint8Array,
  toAt: number,
  length: number,
): void {
  for (let index = 0; index < length; index += 1) to[toAt + index] = from[fromAt + index] ?? 0;
}
