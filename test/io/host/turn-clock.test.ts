import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { threadClocks, TurnClock } from "../../../src/io/turn-clock.js";

/** Clocks that a test sets. */
class Clocks {
  now = 0;
  idle = 0;
  cpu: number | null = 0;
  readonly sources = {
    nowMs: () => this.now,
    idleMs: () => this.idle,
    cpuMs: () => this.cpu,
  };
}

describe("the turn clock", () => {
  test("tells the longest turn of a window, without the waits between", () => {
    const clocks = new Clocks();
    const clock = new TurnClock(clocks.sources);
    Object.assign(clocks, { now: 500, idle: 470, cpu: 12 });
    clock.turned();
    Object.assign(clocks, { now: 2_000, idle: 1_965, cpu: 16 });
    clock.turned();
    assert.deepEqual(clock.longest(), { wallMs: 30, cpuMs: 12 });
  });

  test("leaves out the turn in which it is asked, and starts anew", () => {
    const clocks = new Clocks();
    const clock = new TurnClock(clocks.sources);
    Object.assign(clocks, { now: 1_000, idle: 1_000, cpu: 0 });
    clock.longest();
    Object.assign(clocks, { now: 1_100, cpu: 100 });
    clock.turned();
    Object.assign(clocks, { now: 1_103, cpu: 101 });
    clock.turned();
    clocks.now = 3_000;
    assert.deepEqual(clock.longest(), { wallMs: 3, cpuMs: 1 });
  });

  test("counts turns of less than a millisecond together with the next one", () => {
    const clocks = new Clocks();
    const clock = new TurnClock(clocks.sources);
    const turn = (now: number, idle: number, cpu: number): void => {
      Object.assign(clocks, { now, idle, cpu });
      clock.turned();
    };
    turn(100, 99.75, 0.25);
    turn(100.5, 99.75, 0.5);
    turn(200, 199, 0.75);
    turn(202, 199.25, 2);
    turn(300, 297, 2.5);
    turn(302.25, 297, 3.75);
    clocks.now = 2_000;
    assert.deepEqual(clock.longest(), { wallMs: 2.5, cpuMs: 1.75 });
  });

  test("tells what the present turn has taken, of processor time where that is not little", () => {
    const clocks = new Clocks();
    const clock = new TurnClock(clocks.sources);
    const present = (now: number, idle: number, cpu: number | null): number => {
      Object.assign(clocks, { now, idle, cpu });
      return clock.presentMs;
    };
    assert.equal(present(50, 49.5, 0.25), 0.5, "by the clock: to read the other one takes longer");
    assert.equal(present(54, 49.5, 2), 2);
    clock.turned();
    assert.equal(present(60, 55.5, 3), 0);
    assert.equal(present(68, 55.5, 6), 4);
    assert.equal(present(68, 55.5, null), 8);
  });

  test("whoever asks again at once gets the same answer", () => {
    const clocks = new Clocks();
    const clock = new TurnClock(clocks.sources);
    Object.assign(clocks, { now: 1_500, cpu: 5 });
    clock.turned();
    const first = clock.longest();
    clocks.now = 1_600;
    assert.deepEqual(clock.longest(), first);
  });

  test("says nothing of processor time where the system does not tell", () => {
    const clocks = new Clocks();
    clocks.cpu = null;
    const clock = new TurnClock(clocks.sources);
    clocks.now = 1_500;
    clock.turned();
    assert.deepEqual(clock.longest(), { wallMs: 1_500, cpuMs: null });
  });

  test("the clocks of this thread never go back", () => {
    const { nowMs, idleMs, cpuMs } = threadClocks();
    const before = [nowMs(), idleMs(), cpuMs() ?? 0];
    const after = [nowMs(), idleMs(), cpuMs() ?? 0];
    assert.ok(after.every((ms, index) => ms >= (before[index] ?? 0)));
  });
});
