import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Deadlines } from "../../../src/io/deadlines.js";

/** Deadlines, both clocks of which stand until `pass` is called. */
class Fixture {
  readonly deadlines = new Deadlines();
  readonly passed: string[] = [];
  readonly #context: TestContext;
  #nowMs = 5_000;

  constructor(context: TestContext) {
    this.#context = context;
    context.mock.timers.enable({ apis: ["setTimeout"] });
    context.mock.method(performance, "now", () => this.#nowMs);
  }

  /** Adds a deadline in `ms`; returns what removes it. */
  add(name: string, ms: number): () => void {
    const deadline = { atMs: this.#nowMs + ms, passed: () => this.passed.push(name) };
    this.deadlines.add(deadline);
    return () => {
      this.deadlines.remove(deadline);
    };
  }

  /** Lets `ms` pass, of which the other clock than that of timers notices `noticedMs`. */
  pass(ms: number, noticedMs = ms): void {
    this.#nowMs += noticedMs;
    this.#context.mock.timers.tick(ms);
  }
}

test("deadlines pass in their time, whichever was added first, and once", (context) => {
  const fixture = new Fixture(context);
  fixture.add("late", 300);
  fixture.add("early", 100);
  fixture.add("between", 200);
  fixture.pass(99);
  assert.deepEqual(fixture.passed, []);
  fixture.pass(1);
  assert.deepEqual(fixture.passed, ["early"]);
  fixture.pass(100);
  assert.deepEqual(fixture.passed, ["early", "between"]);
  fixture.pass(1_000);
  assert.deepEqual(fixture.passed, ["early", "between", "late"]);
});

test("what was removed does not pass, not even when what passes removes it", (context) => {
  const fixture = new Fixture(context);
  fixture.add("removed", 100)();
  const first = {
    atMs: 5_100,
    passed: () => {
      removeSecond();
    },
  };
  fixture.deadlines.add(first);
  const removeSecond = fixture.add("second", 100);
  fixture.add("third", 150);
  fixture.pass(100);
  assert.deepEqual(fixture.passed, []);
  fixture.pass(50);
  assert.deepEqual(fixture.passed, ["third"]);
});

test("a timer that fires early by the clock makes no deadline wait for another", (context) => {
  const fixture = new Fixture(context);
  fixture.add("one", 100);
  fixture.pass(100, 99.4);
  assert.deepEqual(fixture.passed, ["one"]);
});

test("many deadlines take one timer, which ends when nobody waits", (context) => {
  const fixture = new Fixture(context);
  const setTimer = context.mock.method(globalThis, "setTimeout");
  const clearTimer = context.mock.method(globalThis, "clearTimeout");
  const remove = [1, 2, 3].map((number) => fixture.add("never", 100 + number));
  assert.equal(setTimer.mock.callCount(), 1);
  const cleared = clearTimer.mock.callCount();
  remove[0]?.();
  fixture.deadlines.stop();
  assert.equal(clearTimer.mock.callCount(), cleared, "two wait still");
  for (const each of remove) each();
  fixture.deadlines.stop();
  assert.equal(clearTimer.mock.callCount(), cleared + 1);
  fixture.pass(1_000);
  assert.deepEqual(fixture.passed, []);
  fixture.add("again", 10);
  fixture.pass(10);
  assert.deepEqual(fixture.passed, ["again"]);
});

test("a deadline further away than a timer can be set for passes in its time", (context) => {
  const fixture = new Fixture(context);
  const setTimer = context.mock.method(globalThis, "setTimeout");
  fixture.add("far", 3_000_000_000);
  assert.equal(setTimer.mock.calls[0]?.arguments[1], 2 ** 31 - 1);
  fixture.pass(2 ** 31 - 1);
  assert.deepEqual(fixture.passed, []);
  fixture.pass(3_000_000_000 - (2 ** 31 - 1));
  assert.deepEqual(fixture.passed, ["far"]);
});
