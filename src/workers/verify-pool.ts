import { assert } from "../core/base/assert.js";
import type { Check, Verdict, Verifier } from "../core/crypto/check.js";
import { Admission } from "./admission.js";
import { checkCostNs } from "./check-cost.js";
import { FairQueue } from "./fair-queue.js";
import { type CheckRunner, nothingPassed } from "./run-checks.js";
import type { ThreadPool } from "./thread-pool.js";
import { packJob, unpackAnswer } from "./verify-job.js";
import type { CheckList } from "./verify-job.js";

/*
 *   submit ──► cheap, or little so far in this turn ──────────────► run here, at once
 *          └─► waiting ──► end of the turn: sources in turn, ──► answers, in the order of the jobs
 *                          one job, or one per idle thread
 */

/**
 * The price of a hop: what a turn may spend on checks here before the rest goes to a thread.
 * Measured for an empty job: a round trip takes 20 to 50 µs on an idle machine and 45 to 90 µs when
 * four such processes share two cores (1 ms at the 99th percentile), and 40 to 60 µs of CPU, half
 * of it here. One small signed request is below it, so it never waits for company; the second of a
 * turn is not.
 */
const HOP_NS = 50_000;

/** What it takes the main thread to pack one list and to unpack its verdict: about 2 µs. */
const HANDOVER_NS = 2_000;

/** Splitting work among idle threads stops here: a smaller job costs more in hops than it saves. */
const JOB_NS_MIN = 2 * HOP_NS;

/** No answer waits longer than this for the rest of its job, as far as the job can be cut. */
const JOB_NS_MAX = 2_000_000;

/** Jobs per thread: one that runs and one that is there already when it ends. */
export const JOBS_PER_THREAD = 2;

interface PendingList extends CheckList {
  readonly source: number;
  readonly costNs: number;
  readonly done: (verdict: Verdict) => void;
}

/** A job under way; `verdicts` is null until its answer is there. */
interface Job {
  readonly lists: readonly PendingList[];
  verdicts: readonly Verdict[] | null;
}

/** What a `VerifyPool` is made of. */
interface VerifyPoolOptions {
  /** Runs what is not worth a hop. */
  readonly runner: CheckRunner;
  readonly threads: ThreadPool;
  /** 1 and up. */
  readonly threadCount: number;
  /** See `VerifierOptions.onCrash`. */
  readonly onCrash: (cause: unknown) => void;
}

/** The `Verifier` on worker threads. Verdicts are those of `CheckRunner`, wherever a list ran. */
export class VerifyPool implements Verifier {
  readonly description: string;
  readonly #runner: CheckRunner;
  readonly #threads: ThreadPool;
  readonly #threadCount: number;
  readonly #onCrash: (cause: unknown) => void;

  /** What waits or runs. */
  readonly #admission = new Admission();
  /** Submitted and not yet in a job. */
  readonly #waiting = new FairQueue<PendingList>();
  /** Under way, oldest first: that is the order in which they are answered. */
  #jobs: Job[] = [];
  /** Spent on checks here since the last end of a turn. */
  #turnNs = 0;
  #turnEnds = false;
  #crashed = false;
  /** Set by `close`; called when nothing is left. */
  #onDrained: (() => void) | null = null;

  constructor(options: VerifyPoolOptions) {
    const { runner, threadCount } = options;
    const threads = threadCount === 1 ? "one worker thread" : `${threadCount} worker threads`;
    this.description = `${runner.cryptoName} on ${threads}`;
    this.#runner = runner;
    this.#threads = options.threads;
    this.#threadCount = threadCount;
    this.#onCrash = options.onCrash;
  }

  get waitingCount(): number {
    return this.#admission.count;
  }

  canAccept(source: number): boolean {
    return !this.#crashed && this.#admission.hasRoom(source);
  }

  /**
   * What an accepted list brings about (the body that a fragment completed, signatures in the place
   * of MACs) waits like all else, whatever room its source has: it is one list for one.
   */
  submit(
    source: number,
    bytes: Uint8Array,
    checks: readonly Check[],
    done: (verdict: Verdict) => void,
  ): void {
    if (this.#crashed || this.#onDrained !== null) {
      done(nothingPassed(checks));
      return;
    }
    const costNs = checkCostNs(checks, this.#runner.cryptoName);
    if (this.#isCheaperHere(costNs)) {
      this.#turnNs += costNs;
      done(this.#runner.run(bytes, checks));
    } else {
      this.#wait({ source, bytes, checks, costNs, done });
    }
    this.#endTurnSoon();
  }

  async close(): Promise<void> {
    assert(this.#onDrained === null, "a verifier is closed once");
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
      this.#settleClose();
    });
    await this.#threads.close();
  }

  /**
   * A thread or a job failed, which only a bug of ours can cause. Everything pending is settled.
   */
  crash(cause: unknown): void {
    if (this.#crashed) return;
    this.#crashed = true;
    const orphans = [...this.#jobs.flatMap(({ lists }) => lists), ...this.#waiting.drain()];
    this.#jobs = [];
    for (const list of orphans) this.#admission.leave(list);
    try {
      this.#onCrash(cause);
    } finally {
      for (const { checks, done } of orphans) done(nothingPassed(checks));
      this.#settleClose();
    }
  }

  #isCheaperHere(costNs: number): boolean {
    return costNs <= HANDOVER_NS || this.#turnNs + costNs <= HOP_NS;
  }

  #wait(list: PendingList): void {
    this.#waiting.push(list);
    this.#admission.enter(list);
  }

  /** An immediate runs right after all datagrams that are there have been read, and never idles. */
  #endTurnSoon(): void {
    if (this.#turnEnds) return;
    this.#turnEnds = true;
    setImmediate(() => {
      this.#turnEnds = false;
      this.#turnNs = 0;
      this.#startJobs();
    });
  }

  #startJobs(): void {
    const jobsMax = JOBS_PER_THREAD * this.#threadCount;
    while (!this.#waiting.isEmpty && this.#jobs.length < jobsMax) {
      const idleThreads = Math.max(1, this.#threadCount - this.#jobs.length);
      const share = this.#waiting.costNs / idleThreads;
      this.#startJob(this.#waiting.take(Math.min(Math.max(share, JOB_NS_MIN), JOB_NS_MAX)));
    }
  }

  #startJob(lists: readonly PendingList[]): void {
    const job: Job = { lists, verdicts: null };
    this.#jobs.push(job);
    void this.#threads.run(packJob(lists)).then(
      (answer) => {
        job.verdicts = unpackAnswer(answer, lists);
        this.#deliver();
      },
      (cause: unknown) => {
        this.crash(cause);
      },
    );
  }

  /** Hands out verdicts from the oldest job on, up to the first one without an answer. */
  #deliver(): void {
    for (let job = this.#jobs[0]; job?.verdicts; job = this.#jobs[0]) {
      this.#jobs.shift();
      for (const [index, list] of job.lists.entries()) {
        const verdict = job.verdicts[index];
        assert(verdict !== undefined, "a job has a verdict for each of its lists");
        this.#admission.leave(list);
        list.done(verdict);
      }
    }
    if (!this.#waiting.isEmpty) this.#endTurnSoon();
    this.#settleClose();
  }

  #settleClose(): void {
    if (this.#admission.isEmpty) this.#onDrained?.();
  }
}
