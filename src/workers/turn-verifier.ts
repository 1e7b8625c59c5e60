import { assert } from "../core/base/assert.js";
import type { Check, Verdict, Verifier } from "../core/crypto/check.js";
import { Admission } from "./admission.js";
import { checkCostNs, singleCostNs } from "./check-cost.js";
import {
  HELPED_TURN_COUNT,
  type SignatureHelper,
  UNHELPED_COUNT,
  WAKE_COUNT,
} from "./helper-thread.js";
import { CheckRun, type CheckRunner, nothingPassed } from "./run-checks.js";
import type { Ticket } from "./signature-board.js";

/*
 *   submit ──► a MAC or two, or little so far in this turn ──► run at once
 *          └─► its MAC ──► waiting ──► from the next turn on: sources in turn, a slice each, as
 *                                      much as a turn may take
 *
 *   with a helper, what is but a signature:
 *   submit ──► a first or second of this turn, and nothing waits ──► run at once
 *          └─► its MAC, its digest ──► posted, and waiting ──► as soon as its datagram is read: as
 *                                      above, but what the helper has done by then is just taken
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

/** What a list may cost beside its signature to be posted: little more than its MAC did. */
const UNSIGNED_NS_MAX = 6_000;

/**
 * What a list counts whose signature the helper has verified: little, but what is run for what the
 * list holds must have an end in a turn too.
 */
const HELPED_NS = 5_000;

/** What is not counted and never waits: the MAC of a vote, a read or a reply. */
const SMALL_NS = 2_000;

/** A list that waits, a part of which may have been run. */
interface PendingList {
  readonly source: number;
  readonly bytes: Uint8Array;
  readonly run: CheckRun;
  /** Of its signature, which is its last check, if that is posted. */
  readonly ticket: Ticket | null;
  readonly done: (verdict: Verdict) => void;
}

/**
 * The `Verifier` without threads of its own: runs everything on the calling one, some in every
 * turn. A helper, if there is one, does signatures ahead: what it did, or did not, changes no
 * verdict, no order and no room, only the time that it takes.
 */
export class TurnVerifier implements Verifier {
  readonly #runner: CheckRunner;
  readonly #helper: SignatureHelper | null;
  readonly #admission = new Admission();
  /** By source, in order of arrival, never none; the source whose turn it is comes first. */
  readonly #waiting = new Map<number, PendingList[]>();
  /** Spent on checks since the last end of a turn, but for small lists and MACs of what waits. */
  #turnNs = 0;
  #turnEnds = false;
  /** Whether the end of this turn is told, unless something waits by then. */
  #resets = false;
  /** Signatures of this turn in lists with little else. */
  #signatureCount = 0;
  /** Posted since this thread last went on with what waits. */
  #postedCount = 0;
  /** Whether what waits is gone on with as soon as the present datagram is read. */
  #goesOnSoon = false;
  /** Set by `close`; called when nothing is left. */
  #onDrained: (() => void) | null = null;

  constructor(runner: CheckRunner, helper: SignatureHelper | null = null) {
    this.#runner = runner;
    this.#helper = helper;
  }

  get description(): string {
    const here = `${this.#runner.cryptoName} on the main thread`;
    return this.#helper === null ? here : `${here} ${this.#helper.description}`;
  }

  get waitingCount(): number {
    return this.#admission.count;
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
    this.#resetSoon();
    const run = new CheckRun(bytes, checks);
    const isSignature = this.#isSignature(checks, costNs);
    const isHelped = isSignature && this.#helps();
    this.#begin(run, isHelped ? Number.POSITIVE_INFINITY : costNs);
    if (isSignature && run.verdict.passed[0] === 1) this.#countSignature();
    const ticket = isHelped ? this.#post(run) : null;
    if (run.isOver) done(run.verdict);
    else this.#wait({ source, bytes, run, ticket, done });
  }

  async close(): Promise<void> {
    assert(this.#onDrained === null, "a verifier is closed once");
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
      this.#settleClose();
    });
    await this.#helper?.close();
  }

  /** Runs `run` if nothing waits and this turn has room for `costNs`; otherwise only its MAC. */
  #begin(run: CheckRun, costNs: number): void {
    if (this.#admission.isEmpty && this.#turnNs + costNs <= TURN_NS) {
      // Of a forged list only what it took counts, not what it claims to hold.
      this.#turnNs += this.#runner.advance(run, Number.POSITIVE_INFINITY);
    } else if (run.checks[0]?.kind === "mac") {
      // Before it takes room of its source: anybody can write another's name on a datagram.
      this.#runner.advance(run, 0);
    }
  }

  /** Whether a list is but a frame's MAC and a signature, and there is a helper for such ones. */
  #isSignature(checks: readonly Check[], costNs: number): boolean {
    const last = checks.at(-1);
    if (this.#helper === null || last?.kind !== "signature") return false;
    if (checks[0]?.kind !== "mac") return false;
    return costNs - singleCostNs(last, this.#runner.cryptoName) <= UNSIGNED_NS_MAX;
  }

  /** Whether the next signature is one for the helper too. */
  #helps(): boolean {
    if (this.#helper === null || this.#helper.board === null) return false;
    return !this.#admission.isEmpty || this.#signatureCount >= UNHELPED_COUNT;
  }

  /** Counts one in a frame that is not forged: whoever forges cannot start threads. */
  #countSignature(): void {
    this.#signatureCount += 1;
    if (this.#signatureCount === HELPED_TURN_COUNT) this.#helper?.start();
  }

  /** Runs what comes before the signature of `run`, and posts that. */
  #post(run: CheckRun): Ticket | null {
    const last = run.checks.length - 1;
    while (run.next < last) this.#runner.advance(run, 0);
    const check = run.checks[run.next];
    const board = this.#helper?.board ?? null;
    if (check?.kind !== "signature" || board === null) return null;
    const digest = run.verdict.digests[check.digest];
    assert(digest !== undefined, "the signed digest is computed");
    const ticket = board.postToVerify(digest, run.bytes, check.signature, check.key);
    this.#postedCount += 1;
    if (this.#postedCount % WAKE_COUNT === 0) board.wake();
    this.#goOnSoon();
    return ticket;
  }

  /** A microtask runs after all frames of a datagram were submitted, and before the next one is. */
  #goOnSoon(): void {
    if (this.#goesOnSoon || this.#turnNs >= TURN_NS) return;
    this.#goesOnSoon = true;
    queueMicrotask(() => {
      this.#goesOnSoon = false;
      if (this.#turnNs < TURN_NS) this.#goOn();
    });
  }

  #wait(list: PendingList): void {
    this.#endTurnSoon();
    this.#admission.enter(list);
    const lists = this.#waiting.get(list.source);
    if (lists === undefined) this.#waiting.set(list.source, [list]);
    else lists.push(list);
  }

  /**
   * Where nothing waits a turn ends with the loop's. To go round the loop twice more for that, as
   * `#endTurnSoon` has to, took up to 6 % of a lone write.
   */
  #resetSoon(): void {
    if (this.#resets || this.#turnEnds) return;
    this.#resets = true;
    setImmediate(() => {
      this.#resets = false;
      if (!this.#turnEnds) this.#reset();
    });
  }

  #reset(): void {
    this.#turnNs = 0;
    this.#signatureCount = 0;
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
        this.#reset();
        this.#goOn();
      });
    });
  }

  #goOn(): void {
    this.#postedCount = 0;
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
      this.#turnNs += this.#advance(list, endNs - this.#turnNs);
      if (!list.run.isOver) break;
      lists.shift();
      this.#answer(list);
    }
  }

  /** Goes on with `list` for about `budgetNs`; returns what it took. */
  #advance({ run, ticket }: PendingList, budgetNs: number): number {
    const hasPassed = ticket === null ? null : (this.#helper?.board?.takeVerdict(ticket) ?? null);
    if (hasPassed === null) return this.#runner.advance(run, budgetNs);
    run.settleSignature(hasPassed);
    return HELPED_NS;
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
