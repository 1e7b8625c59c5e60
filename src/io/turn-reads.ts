import { bundleCount } from "../core/base/bundle.js";
import { FairRoom } from "../core/base/fair-room.js";
import type { ClientId } from "../core/base/ids.js";
import type { Read } from "../core/message.js";
import type { Event } from "../core/pbft/event.js";

/** What a read costs beside its operations, in operations. */
const READ_COST = 10;

/** So many bytes count as an operation: what waits is bounded however large its operations are. */
const BYTES_OF_OPERATION = 64;

/**
 * What the reads that are answered in one turn may cost, in operations: two milliseconds, or a
 * third more where each account is in no cache. One read may have 2,048.
 */
const TURN_COST_MAX = 3_000;

/** The same for one of several steps of a turn: half a millisecond. */
const STEP_COST_MAX = 700;

/** The same for all that wait for another turn; more are refused. */
const WAITING_COST_MAX = 131_072;

function costOf(read: Read): number {
  const bytesCost = Math.floor(read.bundle.length / BYTES_OF_OPERATION);
  return READ_COST + bundleCount(read.bundle) + bytesCost;
}

/** How reads are answered. */
interface ReadAnswerer {
  /** Calls `over` when what the present turn brought is dealt with. */
  readonly onceTurned: (over: () => void) => void;
  /** Answers reads, given as they came, now. */
  readonly answer: (reads: readonly Event[]) => void;
}

/**
 * Divides reads over turns of the main loop, in the order in which they come. Clients share the
 * room of those that wait (RB1).
 */
export class TurnReads {
  readonly #answerer: ReadAnswerer;
  readonly #waiting = new FairRoom<Event>(WAITING_COST_MAX);
  /** Of those that were let through in this turn. */
  #turnCost = 0;
  #areHeld = false;
  /** Whether some that wait are answered in the next turn. */
  #isAnswerDue = false;

  constructor(answerer: ReadAnswerer) {
    this.#answerer = answerer;
  }

  /** Whether none is answered now. */
  get areHeld(): boolean {
    return this.#areHeld;
  }

  /** Whether `read` may be answered now: this turn has time for it, and no other comes first. */
  admits(read: Read): boolean {
    const turnCost = this.#turnCost + costOf(read);
    const hasTime = this.#turnCost === 0 || turnCost <= TURN_COST_MAX;
    if (this.#areHeld || this.#waiting.count > 0 || !hasTime) return false;
    this.#turnCost = turnCost;
    return true;
  }

  /** Lets `read`, which came as `event`, wait; false when its client gets no more room. */
  wait(client: ClientId, read: Read, event: Event): boolean {
    if (!this.#waiting.add(client, event, costOf(read))) return false;
    if (!this.#areHeld) this.#answerLater();
    return true;
  }

  /** None is answered until `letGo`: what it would show is the state after no batch. */
  hold(): void {
    this.#areHeld = true;
  }

  /** Reads are answered again. What waits by now is to be answered by `answeringAll`. */
  letGo(): void {
    this.#areHeld = false;
  }

  /** The steps in which all that wait now are answered, before whatever changes the state next. */
  *answeringAll(): Generator<void, void> {
    let left = this.#waiting.count;
    while (left > 0 && this.#waiting.count > 0) {
      yield;
      left -= this.#answer(STEP_COST_MAX);
    }
  }

  /** The turn is over. */
  endTurn(): void {
    this.#turnCost = 0;
  }

  /** In the next turn, once it has read what has come meanwhile, which waits behind these. */
  #answerLater(): void {
    if (this.#isAnswerDue) return;
    this.#isAnswerDue = true;
    this.#answerer.onceTurned(() => {
      setImmediate(() => {
        this.#isAnswerDue = false;
        if (this.#areHeld) return;
        this.#answer(TURN_COST_MAX);
        if (this.#waiting.count > 0) this.#answerLater();
      });
    });
  }

  /** Answers the first, and as many more as cost no more than that together; returns how many. */
  #answer(costMax: number): number {
    let cost = 0;
    const reads = this.#waiting.take((_, costOfOne) => {
      const isFirst = cost === 0;
      cost += costOfOne;
      return isFirst || cost <= costMax;
    });
    this.#answerer.answer(reads);
    return reads.length;
  }
}
