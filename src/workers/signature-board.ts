import { assert } from "../core/base/assert.js";
import { DIGEST_BYTES } from "../core/base/hasher.js";
import { SIGNATURE_BYTES } from "../core/crypto/crypto.js";

/*
 * Signatures that the main thread has to verify, in memory that it shares with a thread that does
 * some of them before it comes to them. The main thread goes through its work in its own order and
 * takes what is done already; what is not, it does itself. It never waits for the other thread,
 * which a busy machine may have stopped in the middle of a signature.
 *
 *   ┌──────────────┬───────────────┬────────────────────┬─────────────────────────────────────────┐
 *   │ wake-ups,    │ per slot:     │ per slot: number   │ per slot: digest (32), signature (64),  │
 *   │ tickets so   │ ticket, state │ of the public key  │ nothing (32)                            │
 *   │ far: 2 × i32 │ i32           │ i32                │                                         │
 *   └──────────────┴───────────────┴────────────────────┴─────────────────────────────────────────┘
 *
 *   state          ┌─► done by the main thread
 *        posted ───┴─► taken ─► passed or failed     (by the other thread, newest first)
 *
 * A slot's ticket says whose it is: a post takes the place of the one `SLOTS` posts ago, done or
 * not, and whoever still works for that one finds another ticket there, and drops its result.
 */

/** What a post may have before it on the board; of more that waits the newest are there. */
const SLOTS = 512;

const WAKE_UPS = 0;
const TICKET_COUNT = 1;
const SLOTS_START = 2;

const SLOT_BYTES = 128;
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

/** What a post is known by. */
export type Ticket = number;

/** Says whether a signature of a digest is that of a public key, which is given by its number. */
type VerifySignature = (digest: Uint8Array, signature: Uint8Array, key: number) => boolean;

/** The memory of a board, with nothing on it. */
export function boardMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(WORD_BYTES * WORDS + SLOT_BYTES * SLOTS);
}

/** A thread's view of a board: `post`, `take` and `wake` are for one, the rest for the other. */
export class SignatureBoard {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  /** Outside of V8's heap, where an addon can have them for less; see `NativeCrypto`. */
  readonly #digest = new Uint8Array(new ArrayBuffer(SLOT_BYTES), 0, DIGEST_BYTES);
  readonly #signature = new Uint8Array(new ArrayBuffer(SLOT_BYTES), 0, SIGNATURE_BYTES);

  /** @param memory from `boardMemory`. */
  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, WORDS);
    this.#bytes = new Uint8Array(memory, WORD_BYTES * WORDS);
  }

  /** Asks for the signature of `digest` at `signature` of `bytes` by public key number `key`. */
  post(digest: Uint8Array, bytes: Uint8Array, signature: number, key: number): Ticket {
    assert(signature + SIGNATURE_BYTES <= bytes.length, "the signature lies in the bytes");
    const ticket = Atomics.load(this.#words, TICKET_COUNT);
    const slot = ticket % SLOTS;
    // Until its content is whole a slot is nobody's.
    Atomics.store(this.#words, SLOTS_START + slot, 0);
    const at = SLOT_BYTES * slot;
    copy(digest, 0, this.#bytes, at, DIGEST_BYTES);
    copy(bytes, signature, this.#bytes, at + DIGEST_BYTES, SIGNATURE_BYTES);
    this.#words[SLOTS_START + SLOTS + slot] = key;
    Atomics.store(this.#words, SLOTS_START + slot, wordOf(ticket, POSTED));
    Atomics.store(this.#words, TICKET_COUNT, (ticket + 1) % TICKETS);
    return ticket;
  }

  /**
   * Whether the signature that was posted for `ticket` is good; null if that is not known yet: from
   * now on nobody else will find it out.
   */
  take(ticket: Ticket): boolean | null {
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

  /** Verifies with `verify` what is posted, and sleeps while nothing is. Never returns. */
  serve(verify: VerifySignature): never {
    for (;;) {
      const wakeUps = Atomics.load(this.#words, WAKE_UPS);
      this.workOff(verify);
      Atomics.wait(this.#words, WAKE_UPS, wakeUps);
    }
  }

  /** Verifies what is posted, the newest first, until nothing is left. */
  workOff(verify: VerifySignature): void {
    let count = Atomics.load(this.#words, TICKET_COUNT);
    for (let back = 1; back <= SLOTS; back += 1) {
      if (!this.#workOn((count - back + TICKETS) % TICKETS, verify)) continue;
      const now = Atomics.load(this.#words, TICKET_COUNT);
      if (now !== count) back = 0;
      count = now;
    }
  }

  /** Returns whether there was something to do for `ticket`. */
  #workOn(ticket: Ticket, verify: VerifySignature): boolean {
    const slot = ticket % SLOTS;
    if (!this.#change(slot, wordOf(ticket, POSTED), wordOf(ticket, TAKEN))) return false;
    const at = SLOT_BYTES * slot;
    copy(this.#bytes, at, this.#digest, 0, DIGEST_BYTES);
    copy(this.#bytes, at + DIGEST_BYTES, this.#signature, 0, SIGNATURE_BYTES);
    const key = this.#words[SLOTS_START + SLOTS + slot] ?? 0;
    // Where the slot was given away meanwhile this is of both posts, and neither gets the result.
    const state = verify(this.#digest, this.#signature, key) ? PASSED : FAILED;
    this.#change(slot, wordOf(ticket, TAKEN), wordOf(ticket, state));
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
