import { assert } from "../core/base/assert.js";
import type { Check, Verdict, Verifier } from "../core/crypto/check.js";
import { Admission } from "./admission.js";
import { checkCostNs } from "./check-cost.js";
import { CheckRun, type CheckRunner, nothingPassed } from "./run-checks.js";

/*
 *   submit ──► a MAC or two, or little so far in this turn ──► run at once
 *          └─► its MAC ──► waiting ──► from the next turn on: sources in turn, a slice each, as
 *                                      much as a turn may take
 */

/**
 * What a turn may spend on checks, for the loop has votes to count, journal writes to start and
 * reads to answer meanwhile: some 65 signatures. What as many clients send together is one turn's
 * work, and so ordered together: in parts, 64 clients cost a fifth more and are no faster.
 */
const TURN_NS = 2_500_000;

/**
 * What is run of one source before it is the next one's turn, wherever in a list that ends: one
 * datagram may hold hundreds of requests, and another one only one.
 */
const SLICE_NS = 200_000;

/** What is not counted and never waits: the MAC of a vote, a read or a reply. */
const SMALL_NS = 2_000;

/** A list that waits, a part of which may have been run. */
interface PendingList {
  readonly source: number;
  readonly bytes: Uint8Array;
  readonly run: CheckRun;
  readonly done: (verdict: Verdict) => void;
}

/** The `Verifier` without threads: runs everything on the calling one, some in every turn. */
export class TurnVerifier implements Verifier {
  readonly description: string;
  readonly #runner: CheckRunner;
  readonly #admission = new Admission();
  /** By source, in order of arrival, never none; the source whose turn it is comes first. */
  readonly #waiting = new Map<number, PendingList[]>();
  /** Spent on checks since the last end of a turn, but for small lists and MACs of what waits. */
  #turnNs = 0;
  #turnEnds = false;
  /** Set by `close`; called when nothing is left. */
  #onDrained: (() => void) | null = null;

  constructor(runner: CheckRunner) {
    this.description = `${runner.cryptoName} on the main thread`;
    this.#runner = runner;
  }

  canAccept(source: number): boolean {
    return this.#admission.hasRoom(source);
  }

  submit(
    source: number,
    bytes: Uint8Array,
    checks: readonly Check[],
    done: (verdict: Verdict) => void,
  ): void {
    if (this.#onDrained !== null) {
      done(nothingPassed(checks));
      return;
    }
    const costNs = checkCostNs(checks, this.#runner.cryptoName);
    if (costNs <= SMALL_NS) {
      done(this.#runner.run(bytes, checks));
      return;
    }
    this.#endTurnSoon();
    const run = new CheckRun(bytes, checks);
    if (this.#admission.isEmpty && this.#turnNs + costNs <= TURN_NS) {
      // Of a forged list only what it took counts, not what it claims to hold.
      this.#turnNs += this.#runner.advance(run, Number.POSITIVE_INFINITY);
    } else if (checks[0]?.kind === "mac") {
      // Before it takes room of its source: anybody can write another's name on a datagram.
      this.#runner.advance(run, 0);
    }
    if (run.isOver) done(run.verdict);
    else this.#wait({ source, bytes, run, done });
  }

  async close(): Promise<void> {
    assert(this.#onDrained === null, "a verifier is closed once");
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
      this.#settleClose();
    });
  }

  #wait(list: PendingList): void {
    this.#admission.enter(list);
    const lists = this.#waiting.get(list.source);
    if (lists === undefined) this.#waiting.set(list.source, [list]);
    else lists.push(list);
  }

  /**
   * An immediate of this turn may come before what its datagrams brought is handled and its answers
   * are sent; one of the next turn comes after.
   */
  #endTurnSoon(): void {
    if (this.#turnEnds) return;
    this.#turnEnds = true;
    setImmediate(() => {
      setImmediate(() => {
        this.#turnEnds = false;
        this.#turnNs = 0;
        this.#goOn();
      });
    });
  }

  #goOn(): void {
    // Whoever had its turn goes to the end of the map, and is met again.
    for (const [source, lists] of this.#waiting) {
      this.#runSlice(lists);
      this.#waiting.delete(source);
      if (lists.length > 0) this.#waiting.set(source, lists);
      if (this.#turnNs >= TURN_NS) break;
    }
    if (!this.#admission.isEmpty) this.#endTurnSoon();
  }

  /** Goes on with `lists`, in order, until their source's turn or this turn of the loop is over. */
  #runSlice(lists: PendingList[]): void {
    const endNs = Math.min(this.#turnNs + SLICE_NS, TURN_NS);
    for (let list = lists[0]; list !== undefined && this.#turnNs < endNs; list = lists[0]) {
      this.#turnNs += this.#runner.advance(list.run, endNs - this.#turnNs);
      if (!list.run.isOver) break;
      lists.shift();
      this.#answer(list);
    }
  }

  #answer(list: PendingList): void {
    this.#admission.leave(list);
    list.done(list.run.verdict);
    this.#settleClose();
  }

  #settleClose(): void {
    if (this.#admission.isEmpty) this.#onDrained?.();
  }
}
