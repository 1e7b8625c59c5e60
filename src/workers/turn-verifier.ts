import { assert } from "../core/base/assert.js";
import type { Check, Verdict, Verifier } from "../core/crypto/check.js";
import { Admission } from "./admission.js";
import { checkCostNs } from "./check-cost.js";
import { FairQueue } from "./fair-queue.js";
import { CheckRun, type CheckRunner, nothingPassed } from "./run-checks.js";

/*
 *   submit ──► a MAC or two, or little so far in this turn ──► run at once
 *          └─► waiting ──► from the next turn on: sources in turn, as much as a turn may take
 */

/**
 * What a turn may spend on checks, for the loop has votes to count, journal writes to start and
 * reads to answer meanwhile: some 65 signatures. What as many clients send together is one turn's
 * work, and so ordered together: in parts, 64 clients cost a fifth more and are no faster.
 */
const TURN_NS = 2_500_000;

/** What is not counted and never waits: the MAC of a vote, a read or a reply. */
const SMALL_NS = 2_000;

interface PendingList {
  readonly source: number;
  readonly costNs: number;
  readonly bytes: Uint8Array;
  readonly checks: readonly Check[];
  readonly done: (verdict: Verdict) => void;
}

/** A list that was begun, in this turn or before. */
interface BegunList {
  readonly list: PendingList;
  readonly run: CheckRun;
}

/** The `Verifier` without threads: runs everything on the calling one, some in every turn. */
export class TurnVerifier implements Verifier {
  readonly description: string;
  readonly #runner: CheckRunner;
  readonly #admission = new Admission();
  readonly #waiting = new FairQueue<PendingList>();
  #begun: BegunList | null = null;
  /** Spent on checks since the last end of a turn, but for small lists. */
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
    if (this.#admission.isEmpty && this.#turnNs + costNs <= TURN_NS) {
      this.#turnNs += costNs;
      done(this.#runner.run(bytes, checks));
      return;
    }
    const list = { source, costNs, bytes, checks, done };
    this.#admission.enter(list);
    this.#waiting.push(list);
  }

  async close(): Promise<void> {
    assert(this.#onDrained === null, "a verifier is closed once");
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
      this.#settleClose();
    });
  }

  /**
   * In the turn after the next: what this one brought is handled and its datagrams are sent before,
   * and the one between starts journal writes and reads datagrams.
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
    for (let begun = this.#next(); begun !== null; begun = this.#next()) {
      this.#turnNs += this.#runner.advance(begun.run, TURN_NS - this.#turnNs);
      if (begun.run.isOver) this.#answer(begun);
    }
    if (!this.#admission.isEmpty) this.#endTurnSoon();
  }

  /** What to go on with in this turn, or null. */
  #next(): BegunList | null {
    if (this.#turnNs >= TURN_NS) return null;
    if (this.#begun !== null) return this.#begun;
    const [list] = this.#waiting.take(0);
    if (list === undefined) return null;
    this.#begun = { list, run: new CheckRun(list.bytes, list.checks) };
    return this.#begun;
  }

  #answer({ list, run }: BegunList): void {
    this.#begun = null;
    this.#admission.leave(list);
    list.done(run.verdict);
    this.#settleClose();
  }

  #settleClose(): void {
    if (this.#admission.isEmpty) this.#onDrained?.();
  }
}
