import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Verdict } from "../../src/core/crypto/check.js";
import { PortableCrypto } from "../../binding-free-src/portable-crypto.js";
import { CheckRunner } from "../../src/workers/run-checks.js";
import type { ThreadPool } from "../../src/workers/thread-pool.js";
import { packAnswer, unpackJob } from "../../src/workers/verify-job.js";
import type { CheckList } from "../../src/workers/verify-job.js";
import { VerifyPool } from "../../src/workers/verify-pool.js";
import { damaged, KEYS, signedFrame } from "./check-lists.js";

const runner = new CheckRunner(new PortableCrypto(), KEYS);
const SMALL = signedFrame(new Uint8Array(40), 0, 0);
const LARGE = signedFrame(new Uint8Array(40), 1, 2);
const HUGE = { ...LARGE, bytes: new Uint8Array(1024 * 1024) };

/** Threads whose jobs a test answers, or fails, when and in the order it likes. */
class HeldThreads implements ThreadPool {
  readonly jobs: {
    readonly lists: readonly CheckList[];
    answer(): void;
    fail(cause: unknown): void;
  }[] = [];
  closed = false;

  run(job: ArrayBuffer): Promise<ArrayBuffer> {
    const lists = unpackJob(job);
    return new Promise((resolve, reject) => {
      const answer = (): void => {
        resolve(packAnswer(lists.map(({ bytes, checks }) => runner.run(bytes, checks))));
      };
      this.jobs.push({ lists, answer, fail: reject });
    });
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  /** Answers job number `index`, counted from the first one ever, and lets the pool's turn end. */
  async answer(index: number): Promise<void> {
    this.jobs[index]?.answer();
    await nextTurn();
    await nextTurn();
  }
}

function poolOf(threadCount: number): {
  threads: HeldThreads;
  pool: VerifyPool;
  crashes: unknown[];
  finished: string[];
  submit: (name: string, list: CheckList, source?: number) => void;
} {
  const threads = new HeldThreads();
  const crashes: unknown[] = [];
  const finished: string[] = [];
  const onCrash = (cause: unknown): void => {
    crashes.push(cause);
    finished.push("crash");
  };
  const pool = new VerifyPool({ runner, threads, threadCount, onCrash });
  const submit = (name: string, { bytes, checks }: CheckList, source = 0): void => {
    pool.submit(source, bytes, checks, ({ passed }: Verdict) => {
      finished.push(passed.includes(0) ? `${name} failed` : name);
    });
  };
  return { threads, pool, crashes, finished, submit };
}

describe("what runs where", () => {
  test("a list that is cheaper than a hop is done before submit returns", () => {
    const { threads, finished, submit } = poolOf(1);
    submit("small", SMALL);
    submit("damaged", damaged(SMALL, 3));
    assert.deepEqual(finished, ["small", "damaged failed"]);
    assert.equal(threads.jobs.length, 0);
  });

  test("what is worth a hop goes to a thread, all lists of a turn in one job", async () => {
    const { threads, finished, submit } = poolOf(1);
    for (const name of ["a", "b", "c"]) submit(name, LARGE);
    assert.equal(threads.jobs.length, 0);
    await nextTurn();
    assert.deepEqual(
      threads.jobs.map(({ lists }) => lists.length),
      [3],
    );
    assert.deepEqual(finished, []);
    await threads.answer(0);
    assert.deepEqual(finished, ["a", "b", "c"]);
  });

  test("many small lists of one turn do not add up on the main thread", async () => {
    const { threads, finished, submit } = poolOf(1);
    const medium = signedFrame(new Uint8Array(20_000), 2, 0);
    for (let count = 0; count < 20; count += 1) submit("medium", medium);
    const here = finished.length;
    assert.ok(here >= 1 && here <= 2, `${here} lists ran here`);
    await nextTurn();
    submit("medium", medium);
    assert.equal(finished.length, here + 1, "the next turn has a budget of its own");
    assert.equal(threads.jobs[0]?.lists.length, 20 - here);
  });

  test("much work is dealt out among idle threads, without changing its order", async () => {
    const { threads, finished, submit } = poolOf(3);
    const names = Array.from({ length: 12 }, (_, index) => `list ${index}`);
    for (const name of names) submit(name, LARGE);
    await nextTurn();
    assert.deepEqual(
      threads.jobs.map(({ lists }) => lists.length),
      [4, 4, 4],
    );
    await threads.answer(2);
    await threads.answer(1);
    assert.deepEqual(finished, [], "the oldest job is not answered yet");
    await threads.answer(0);
    assert.deepEqual(finished, names);
  });

  test("what is submitted while all threads are busy waits, and goes in one job", async () => {
    const { threads, finished, submit } = poolOf(1);
    for (const name of ["a", "b", "c", "d", "e"]) {
      submit(name, LARGE);
      await nextTurn();
    }
    assert.equal(threads.jobs.length, 2, "one runs and one is ready to run");
    await threads.answer(0);
    assert.deepEqual(
      threads.jobs.map(({ lists }) => lists.length),
      [1, 1, 3],
    );
    await threads.answer(1);
    await threads.answer(2);
    assert.deepEqual(finished, ["a", "b", "c", "d", "e"]);
  });
});

describe("back-pressure", () => {
  test("canAccept is false while too many bytes are pending, and true again after", async () => {
    const { threads, pool, submit } = poolOf(1);
    for (let count = 0; count < 8; count += 1) {
      assert.equal(pool.canAccept(0), true);
      submit("huge", HUGE);
    }
    assert.equal(pool.canAccept(0), false);
    await nextTurn();
    assert.equal(pool.canAccept(0), false, "what a thread has counts too");
    for (let index = 0; index < threads.jobs.length; index += 1) await threads.answer(index);
    assert.equal(pool.canAccept(0), true);
  });

  test("a flood takes half of the room, and what others send passes it (RB1)", async () => {
    const { threads, pool, finished, submit } = poolOf(1);
    submit("here", LARGE);
    while (pool.canAccept(0)) submit("flood", LARGE);
    assert.equal(pool.canAccept(1), true);
    submit("other", LARGE, 1);
    await nextTurn();
    await threads.answer(0);
    assert.ok(finished.includes("other"), "it did not wait for the flood");
    assert.ok(finished.length < 100, "the flood still waits");
  });

  test("the second flood leaves room for the next source, and each drains on its own", async () => {
    const { threads, pool, submit } = poolOf(1);
    for (const source of [0, 1]) while (pool.canAccept(source)) submit("flood", LARGE, source);
    assert.equal(pool.canAccept(2), true);
    await nextTurn();
    for (let index = 0; index < threads.jobs.length; index += 1) await threads.answer(index);
    for (const source of [0, 1, 2]) assert.equal(pool.canAccept(source), true);
  });

  test("canAccept is false while too many lists are pending", () => {
    const { pool, submit } = poolOf(1);
    let count = 0;
    for (; pool.canAccept(0) && count < 10_000; count += 1) submit("large", LARGE);
    assert.equal(count, 1_024);
  });

  test("what accepted lists bring about takes no room of others (RB1)", async () => {
    const { threads, pool, submit } = poolOf(1);
    let bodies = 0;
    for (let count = 0; count < 17; count += 1) {
      assert.equal(pool.canAccept(9), true);
      pool.submit(9, LARGE.bytes, LARGE.checks, () => {
        bodies += 1;
        submit("body", HUGE, 9);
      });
    }
    for (let job = 0; bodies < 17; job += 1) {
      await nextTurn();
      await threads.answer(job);
    }
    assert.equal(pool.canAccept(9), false);
    assert.equal(pool.canAccept(1), true);
  });

  test("what an accepted list brings about waits for a thread like all else (RB1)", async () => {
    const { threads, pool, finished, submit } = poolOf(1);
    for (let count = 0; count < 8; count += 1) submit("huge", HUGE);
    submit("second", LARGE);
    assert.equal(finished.includes("second"), false);
    assert.equal(pool.canAccept(0), false);
    for (let job = 0; job < 9; job += 1) {
      await nextTurn();
      await threads.answer(job);
    }
    assert.equal(finished.at(-1), "second");
  });
});

describe("the end", () => {
  test("close waits for all that is pending, then stops the threads", async () => {
    const { threads, pool, finished, submit } = poolOf(1);
    for (const name of ["a", "b", "c"]) {
      submit(name, LARGE);
      await nextTurn();
    }
    const closing = pool.close();
    for (const index of [0, 1]) {
      await threads.answer(index);
      assert.equal(threads.closed, false);
    }
    await threads.answer(2);
    await closing;
    assert.deepEqual(finished, ["a", "b", "c"]);
    assert.equal(threads.closed, true);
    submit("too late", SMALL);
    assert.equal(finished.at(-1), "too late failed");
  });

  test("what a verdict brings to verify after close fails, and close waits no longer", async () => {
    const { pool, threads, finished, submit } = poolOf(1);
    pool.submit(0, LARGE.bytes, LARGE.checks, () => {
      submit("reassembled", LARGE);
    });
    await nextTurn();
    const closed = pool.close();
    await threads.answer(0);
    await closed;
    assert.deepEqual(finished, ["reassembled failed"]);
    assert.equal(threads.jobs.length, 1);
  });

  test("a crash is told first, then every pending list is settled as failed", async () => {
    const { threads, pool, crashes, finished, submit } = poolOf(1);
    for (const name of ["a", "b", "c"]) {
      submit(name, LARGE);
      await nextTurn();
    }
    const cause = new Error("out of memory");
    threads.jobs[0]?.fail(cause);
    await nextTurn();
    assert.deepEqual(crashes, [cause]);
    assert.deepEqual(finished, ["crash", "a failed", "b failed", "c failed"]);
    assert.equal(pool.canAccept(0), false);
    submit("d", SMALL);
    assert.equal(finished.at(-1), "d failed");
    threads.jobs[1]?.fail(new Error("a consequence"));
    await nextTurn();
    assert.equal(crashes.length, 1);
    await pool.close();
  });

  test("an answer that comes after a crash settles nothing twice", async () => {
    const { threads, finished, submit } = poolOf(1);
    submit("a", LARGE);
    await nextTurn();
    submit("b", LARGE);
    await nextTurn();
    threads.jobs[1]?.fail(new Error("killed"));
    await nextTurn();
    await threads.answer(0);
    assert.deepEqual(finished, ["crash", "a failed", "b failed"]);
  });
});
