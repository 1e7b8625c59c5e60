import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DiskPace } from "../../../src/io/disk-pace.js";

const SMALL = 1_000;
const LARGE = 100_000;

/** A disk whose writes take as long as a test says, and the pace that is kept with it. */
class PacedDisk {
  nowMs = 0;
  readonly pace = new DiskPace(() => this.nowMs);

  /** Writes `count` times; returns how often the main thread waited. */
  write(ms: number, count = 1, byteCount = SMALL): number {
    let waits = 0;
    for (let done = 0; done < count; done += 1) {
      const isWait = this.pace.allows(byteCount);
      const startMs = this.pace.start();
      this.nowMs += ms;
      if (isWait) this.pace.waited(startMs);
      else this.pace.wrote(startMs);
      waits += Number(isWait);
    }
    return waits;
  }
}

describe("who writes to the disk", () => {
  test("is the thread until some tens of writes were quick", () => {
    const disk = new PacedDisk();
    assert.equal(disk.write(0.2, 25), 0);
    disk.write(0.2, 30);
    assert.equal(disk.write(0.2, 100), 100);
  });

  test("is the thread for a large group", () => {
    const disk = new PacedDisk();
    disk.write(0.2, 100);
    assert.equal(disk.write(0.2, 100, LARGE), 0);
    assert.ok(disk.pace.allows(16_384));
    assert.ok(!disk.pace.allows(16_385));
  });

  test("is the thread for small groups too while most are large, and take their time", () => {
    const disk = new PacedDisk();
    disk.write(0.2, 100);
    for (let pair = 0; pair < 50; pair += 1) {
      disk.write(0.2);
      disk.write(3, 2, LARGE);
    }
    assert.equal(disk.write(0.2), 0);
  });

  test("is the thread where the disk always takes its time, or half of the time", () => {
    const disk = new PacedDisk();
    assert.equal(disk.write(1.1, 1_000), 0);
    for (let pair = 0; pair < 500; pair += 1) {
      assert.equal(disk.write(0.2), 0);
      assert.equal(disk.write(1.2), 0);
    }
  });

  test("is the thread again soon after a quick disk became slow", () => {
    const disk = new PacedDisk();
    disk.write(0.2, 100);
    assert.ok(disk.write(2, 100) < 20);
    assert.equal(disk.write(2, 1_000), 0);
    disk.write(0.2, 50);
    assert.equal(disk.write(0.2), 1);
  });

  test("is mostly the thread where only the way to it makes a slow disk look quick", () => {
    const disk = new PacedDisk();
    assert.ok(disk.write(0.9, 1_000) < 450);
  });

  test("is the thread for long after a stall, and longer after a longer one", () => {
    const disk = new PacedDisk();
    disk.write(0.25, 100);
    assert.equal(disk.write(10), 1, "nobody could know");
    assert.equal(disk.write(0.25, 15_999), 0);
    disk.write(0.25, 2);
    assert.equal(disk.write(20), 1);
    assert.equal(disk.write(0.25, 63_999), 0);
    disk.write(0.25, 2);
    assert.equal(disk.write(0.25), 1);
  });

  test("what comes waits 1/80 ms on the average for stalls, however often they come", () => {
    for (const [everyWrites, stallMs] of [
      [100, 20],
      [3, 11],
      [1_000, 250],
    ] as const) {
      const disk = new PacedDisk();
      disk.write(0.25, 100);
      let stalls = 0;
      for (let round = 0; round < 3_000_000 / everyWrites; round += 1) {
        disk.write(0.25, everyWrites - 1);
        stalls += disk.write(stallMs);
      }
      assert.ok((stalls - 1) * (stallMs ** 2 / 2) <= disk.nowMs / 80, `${stalls} stalls`);
      assert.ok(stalls < 1 + disk.nowMs / (40 * stallMs ** 2));
    }
  });

  test("is the main thread again an hour after the longest stall", () => {
    const disk = new PacedDisk();
    disk.write(0.2, 100);
    assert.equal(disk.write(60_000), 1);
    disk.nowMs += 3_599_000;
    assert.equal(disk.write(0.2), 0);
    disk.nowMs += 1_000;
    assert.equal(disk.write(0.2), 1);
  });
});
