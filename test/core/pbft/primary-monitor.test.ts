import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PrimaryMonitor } from "../../../src/core/pbft/primary-monitor.js";

const NEVER = Number.POSITIVE_INFINITY;

/** T is 80, so 20 ticks are always allowed. */
function newMonitor(): PrimaryMonitor {
  return new PrimaryMonitor({ viewChangeTicks: 80, replicaCount: 4 });
}

/** Requests in a row that took `ticks`, until one is too many; at most 100. */
function servedUntilSuspect(monitor: PrimaryMonitor, ticks: number): number {
  for (let count = 1; count <= 100; count += 1) if (monitor.served(ticks)) return count;
  return NEVER;
}

/** A view in which requests take `ticks`; what the monitor says is not heeded. */
function viewOf(monitor: PrimaryMonitor, ticks: number, count = 16): void {
  for (let served = 0; served < count; served += 1) monitor.served(ticks);
  monitor.restart();
}

describe("the watch for a primary that is only just fast enough (VT7)", () => {
  test("suspects it after eight slow requests in a row", () => {
    assert.equal(servedUntilSuspect(newMonitor(), 21), 8);
    assert.equal(servedUntilSuspect(newMonitor(), 20), NEVER);
  });

  test("forgives it for one quick request in between, and for a new view", () => {
    const monitor = newMonitor();
    for (let count = 0; count < 7; count += 1) monitor.served(100);
    monitor.served(0);
    for (let count = 0; count < 7; count += 1) assert.equal(monitor.served(1_000), false);
    monitor.restart();
    for (let count = 0; count < 7; count += 1) assert.equal(monitor.served(1_000), false);
  });

  test("allows four times what the best of the recent views took", () => {
    const monitor = newMonitor();
    for (const ticks of [30, 10, 50]) viewOf(monitor, ticks);
    assert.equal(servedUntilSuspect(monitor, 60), NEVER);
    monitor.restart();
    assert.equal(servedUntilSuspect(monitor, 61), 8);
  });

  test("so a view that is no slower than those before is no reason to leave it", () => {
    const monitor = newMonitor();
    viewOf(monitor, 70);
    viewOf(monitor, 65);
    assert.equal(servedUntilSuspect(monitor, 75), NEVER);
  });

  test("forgets how quick a view was after n others", () => {
    const monitor = newMonitor();
    viewOf(monitor, 0);
    for (let view = 0; view < 3; view += 1) viewOf(monitor, 50);
    assert.equal(servedUntilSuspect(monitor, 21), 8);
    monitor.restart();
    viewOf(monitor, 50);
    assert.equal(servedUntilSuspect(monitor, 100), NEVER);
  });

  test("learns nothing from a view that was over before it had shown anything", () => {
    const monitor = newMonitor();
    viewOf(monitor, 70, 7);
    assert.equal(servedUntilSuspect(monitor, 21), 8);
  });

  test("does not count our own journal against the primary", () => {
    for (const [ticks, expected] of [
      [59, NEVER],
      [61, 8],
    ] as const) {
      const monitor = newMonitor();
      for (let count = 0; count < 200; count += 1) monitor.recorded(10);
      assert.equal(servedUntilSuspect(monitor, ticks), expected);
    }
  });
});

describe("patience with primaries", () => {
  test("doubles with each replacement, up to a cap", () => {
    const monitor = newMonitor();
    monitor.replaced();
    assert.equal(servedUntilSuspect(monitor, 40), NEVER);
    monitor.restart();
    for (let count = 0; count < 100; count += 1) monitor.replaced();
    assert.equal(servedUntilSuspect(newMonitor(), 41), 8);
    assert.equal(servedUntilSuspect(monitor, 64 * 20), NEVER);
  });

  test("halves after a long quick stretch, not while it is only just used", () => {
    const monitor = newMonitor();
    viewOf(monitor, 0, 8);
    monitor.replaced();
    for (let count = 0; count < 500; count += 1) assert.equal(monitor.served(30), false);
    for (let count = 0; count < 63; count += 1) monitor.served(0);
    assert.equal(servedUntilSuspect(monitor, 40), NEVER, "63 in a row are not enough");
    for (let count = 0; count < 64; count += 1) monitor.served(0);
    assert.equal(servedUntilSuspect(monitor, 40), 8);
  });

  test("bounds how often lasting overload changes views", () => {
    const monitor = newMonitor();
    viewOf(monitor, 1, 200);
    let replacements = 0;
    for (let request = 0; request < 10_000; request += 1) {
      // The progress timer allows no more than 79.
      if (!monitor.served(79)) continue;
      replacements += 1;
      monitor.replaced();
      monitor.restart();
    }
    assert(replacements <= 3, `${replacements} replacements`);
  });
});
