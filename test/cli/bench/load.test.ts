import assert from "node:assert/strict";
import { test } from "node:test";
import { runLoad } from "../../../src/cli/bench/load.js";
import type { LoadObserver, LoadOptions, LoadResult } from "../../../src/cli/bench/load.js";
import type { LedgerOperation } from "../../../src/core/ledger/operation.js";
import type { MeasuredOutcome } from "../../../src/cli/bench/measured-client.js";
import { FakeClock } from "./fake-cluster.js";

const READ: LedgerOperation = { kind: "get", account: "A" };
const WRITE: LedgerOperation = { kind: "deposit", account: "A", amount: 1n };
const OK: MeasuredOutcome = { ok: true, balance: 1n, view: 0, sequence: 3 };
const QUIET: LoadObserver = { starting: () => Promise.resolve(), finished: () => undefined };
const CLOSED: LoadOptions = { inFlight: 1, ratePerSecond: null, timeoutMs: 1_000 };

function drive(
  operations: readonly LedgerOperation[],
  options: LoadOptions,
  clock: FakeClock,
  run: (operation: LedgerOperation) => Promise<MeasuredOutcome>,
  sessionCount = 1,
): Promise<LoadResult> {
  const clients = Array.from({ length: sessionCount }, () => ({ run }));
  const { signal } = new AbortController();
  return runLoad(clients, operations, options, clock, signal, QUIET);
}

test("the closed loop times each operation from its own start", async () => {
  const clock = new FakeClock();
  const durations = [1_000, 50_000, 1_000];
  const result = await drive([READ, WRITE, READ], CLOSED, clock, () => {
    clock.micros += durations.shift() ?? 0;
    return Promise.resolve(OK);
  });
  assert.equal(result.durationMicros, 52_000);
  assert.equal(result.reads.summary().maxMs, 1);
  assert.equal(result.writes.summary().maxMs, 50);
  assert.deepEqual([result.readCount, result.writeCount, result.sequenceMax], [2, 1, 3]);
});

test("the open loop counts the wait behind a stall from every intended start", async () => {
  const clock = new FakeClock();
  const open: LoadOptions = { ...CLOSED, ratePerSecond: 1_000 };
  let isFirst = true;
  const result = await drive(
    Array.from({ length: 100 }, () => READ),
    open,
    clock,
    () => {
      clock.micros += isFirst ? 50_000 : 100;
      isFirst = false;
      return Promise.resolve(OK);
    },
  );
  // Operation k was meant to start at k ms; the stall ends at 50 ms, then 0.1 ms each: operation k
  // ends at 50 + 0.1 k until it has caught up with its intended start, and takes 0.1 ms after that.
  const expected = Array.from({ length: 100 }, (_, k) =>
    k === 0 ? 50 : Math.max(50 + 0.1 * k - k, 0.1),
  );
  const mean = expected.reduce((sum, ms) => sum + ms, 0) / expected.length;
  assert.ok(Math.abs(result.all.summary().meanMs - mean) < 1e-6);
  assert.ok(result.all.percentileMs(50) > 1, "half of all operations felt the stall");
});

test("the same stall is seen by one operation only when the loop is closed", async () => {
  const clock = new FakeClock();
  let isFirst = true;
  const result = await drive(
    Array.from({ length: 100 }, () => READ),
    CLOSED,
    clock,
    () => {
      clock.micros += isFirst ? 50_000 : 100;
      isFirst = false;
      return Promise.resolve(OK);
    },
  );
  assert.equal(result.all.percentileMs(50), 0.1);
});

test("no session has more operations outstanding than allowed, and all are used", async () => {
  const outstanding = new Map<number, number>();
  let largest = 0;
  const client = (id: number) => ({
    async run(): Promise<MeasuredOutcome> {
      outstanding.set(id, (outstanding.get(id) ?? 0) + 1);
      largest = Math.max(largest, outstanding.get(id) ?? 0);
      await Promise.resolve();
      outstanding.set(id, (outstanding.get(id) ?? 0) - 1);
      return OK;
    },
  });
  const operations = Array.from({ length: 50 }, () => READ);
  const { signal } = new AbortController();
  const options = { ...CLOSED, inFlight: 3 };
  const clients = [client(0), client(1)];
  const clock = new FakeClock();
  const result = await runLoad(clients, operations, options, clock, signal, QUIET);
  assert.equal(result.all.count, 50);
  assert.equal(largest, 3);
  assert.deepEqual(
    [...outstanding],
    [
      [0, 0],
      [1, 0],
    ],
  );
});

test("an operation and its latency begin once what must come before it is done", async () => {
  const clock = new FakeClock();
  const indexes: number[] = [];
  const observer: LoadObserver = {
    ...QUIET,
    async starting(index) {
      indexes.push(index);
      if (index === 1) await clock.sleepUntil(70_000);
    },
  };
  const run = (): Promise<MeasuredOutcome> => {
    clock.micros += 1_000;
    return Promise.resolve(OK);
  };
  const { signal } = new AbortController();
  const operations = [READ, READ, READ];
  const result = await runLoad([{ run }], operations, CLOSED, clock, signal, observer);
  assert.deepEqual(indexes, [0, 1, 2]);
  assert.equal(result.all.summary().maxMs, 1);
  assert.equal(result.durationMicros, 72_000);
});

test("failures are counted by code, and timed", async () => {
  const outcomes: MeasuredOutcome[] = [
    { ok: false, code: "timeout" },
    OK,
    { ok: false, code: "insufficient-funds" },
    { ok: false, code: "timeout" },
  ];
  const result = await drive([READ, WRITE, WRITE, READ], CLOSED, new FakeClock(), () =>
    Promise.resolve(outcomes.shift() ?? OK),
  );
  assert.deepEqual(Object.fromEntries(result.failures), { timeout: 2, "insufficient-funds": 1 });
  assert.equal(result.all.count, 4);
});

test("a session that breaks ends the load, and the other sessions start nothing more", async () => {
  let startedCount = 0;
  const operations = Array.from({ length: 1_000 }, () => READ);
  const broken = drive(
    operations,
    CLOSED,
    new FakeClock(),
    () => {
      startedCount += 1;
      return startedCount === 5 ? Promise.reject(new Error("socket closed")) : Promise.resolve(OK);
    },
    4,
  );
  await assert.rejects(broken, /socket closed/);
  const startedThen = startedCount;
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  assert.ok(startedCount <= startedThen + 4);
  assert.ok(startedCount < operations.length);
});

test("an abort ends the load between two operations", async () => {
  const controller = new AbortController();
  let count = 0;
  const run = (): Promise<MeasuredOutcome> => {
    count += 1;
    if (count === 10) controller.abort();
    return Promise.resolve(OK);
  };
  const operations = Array.from({ length: 1_000 }, () => READ);
  const { signal } = controller;
  const load = runLoad([{ run }], operations, CLOSED, new FakeClock(), signal, QUIET);
  await assert.rejects(load, { name: "AbortError" });
  assert.equal(count, 10);
});
