import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PrimaryMonitor } from "../../../src/core/pbft/primary-monitor.js";

/** Pre-prepares in a row for requests that waited `ticks`, until one is too many; at most 100. */
function ordersUntilSuspect(monitor: PrimaryMonitor, ticks: number): number {
  for (let count = 1; count <= 100; count += 1) if (monitor.ordered(ticks)) return count;
  return Number.POSITIVE_INFINITY;
}

describe("the watch for a primary that is only just fast enough (VT7)", () => {
  test("suspects it after eight slow orders in a row", () => {
    assert.equal(ordersUntilSuspect(new PrimaryMonitor(), 21), 8);
    assert.equal(ordersUntilSuspect(new PrimaryMonitor(), 20), Number.POSITIVE_INFINITY);
  });

  test("forgives it for one quick order in between, and for a new view", () => {
    const monitor = new PrimaryMonitor();
    for (let count = 0; count < 7; count += 1) monitor.ordered(100);
    monitor.ordered(0);
    assert.equal(ordersUntilSuspect(monitor, 100), 8);
    monitor.restart();
    assert.equal(ordersUntilSuspect(monitor, 100), 8);
  });

  test("allows in proportion to what agreement takes here", () => {
    const monitor = new PrimaryMonitor();
    for (let count = 0; count < 200; count += 1) monitor.agreed(50);
    assert.equal(ordersUntilSuspect(monitor, 200), Number.POSITIVE_INFINITY);
    assert.equal(ordersUntilSuspect(monitor, 230), 8);
  });

  test("doubles its patience with each replacement up to a cap, halves it when calm", () => {
    const monitor = new PrimaryMonitor();
    monitor.replaced();
    assert.equal(ordersUntilSuspect(monitor, 40), Number.POSITIVE_INFINITY);
    assert.equal(ordersUntilSuspect(monitor, 41), 8);
    monitor.relax();
    monitor.relax();
    monitor.restart();
    assert.equal(ordersUntilSuspect(monitor, 21), 8);
    for (let count = 0; count < 100; count += 1) monitor.replaced();
    monitor.restart();
    assert.equal(ordersUntilSuspect(monitor, 64 * 20 + 1), 8);
  });
});
