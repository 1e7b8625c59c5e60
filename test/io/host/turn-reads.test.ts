import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { bundleOf } from "../../../src/core/base/bundle.js";
import type { Read } from "../../../src/core/message.js";
import type { Event } from "../../../src/core/pbft/event.js";
import { TurnReads } from "../../../src/io/turn-reads.js";
import { readOf } from "../../core/pbft/builders.js";

const BALANCE = Uint8Array.of(1);

/** Reads that come to a replica whose turns end when the test says so. */
class Desk {
  /** The numbers of those that were answered, in order. */
  readonly answered: number[] = [];
  refusedCount = 0;
  #over: (() => void)[] = [];
  #next = 0;
  readonly reads = new TurnReads({
    onceTurned: (over) => void this.#over.push(over),
    answer: (events) => {
      for (const event of events) this.#answer(event);
    },
  });

  /** One comes that asks for so many balances. */
  come(count: number, client = 1, operation = BALANCE): void {
    const bundle = bundleOf(Array.from({ length: count }, () => operation));
    const read: Read = { ...readOf(this.#next), client, bundle };
    this.#next += 1;
    const from = { role: "client", id: client } as const;
    const event: Event = { kind: "received", from, message: read };
    if (this.reads.admits(read)) this.#answer(event);
    else if (!this.reads.wait(client, read, event)) this.refusedCount += 1;
  }

  /** The turn is over, and the next one begins. */
  async turn(): Promise<void> {
    this.reads.endTurn();
    for (const over of this.#over.splice(0)) over();
    await nextTurn();
  }

  #answer(event: Event): void {
    assert(event.kind === "received" && event.message.kind === "read");
    this.answered.push(event.message.nonce);
  }
}

function numbers(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, index) => start + index);
}

describe("reads", () => {
  test("are answered at once as long as their turn has time, and one always is", async () => {
    const desk = new Desk();
    for (let count = 0; count < 64; count += 1) desk.come(1);
    assert.deepEqual(desk.answered, numbers(0, 64));
    await desk.turn();
    desk.come(5_000);
    assert.deepEqual(desk.answered, numbers(0, 65));
  });

  test("wait for the next turn where it has none, in order, whoever comes later", async () => {
    const desk = new Desk();
    for (let count = 0; count < 4; count += 1) desk.come(2_048);
    desk.come(1);
    assert.deepEqual(desk.answered, [0]);
    await desk.turn();
    assert.deepEqual(desk.answered, [0, 1], "as much as fits a turn");
    desk.come(1);
    await desk.turn();
    assert.deepEqual(desk.answered, [0, 1, 2]);
    await desk.turn();
    assert.deepEqual(desk.answered, numbers(0, 6));
    desk.come(1);
    assert.deepEqual(desk.answered, numbers(0, 7), "and none waits any more");
  });

  test("wait while a batch is executed, and those are answered before the next one", async () => {
    const desk = new Desk();
    desk.reads.hold();
    for (let count = 0; count < 200; count += 1) desk.come(1);
    await desk.turn();
    assert.deepEqual(desk.answered, []);
    desk.reads.letGo();
    const steps = desk.reads.answeringAll();
    steps.next();
    assert.deepEqual(desk.answered, []);
    steps.next();
    assert(desk.answered.length > 10 && desk.answered.length < 100, "some in each step");
    desk.come(1);
    while (steps.next().done !== true);
    assert.deepEqual(desk.answered.slice(0, 200), numbers(0, 200));
    await desk.turn();
    assert.deepEqual(desk.answered, numbers(0, 201));
  });

  test("that come on and on keep no batch waiting", () => {
    const desk = new Desk();
    desk.reads.hold();
    for (let count = 0; count < 10; count += 1) desk.come(100);
    desk.reads.letGo();
    let stepCount = 0;
    const steps = desk.reads.answeringAll();
    while (steps.next().done !== true) {
      stepCount += 1;
      for (let count = 0; count < 10; count += 1) desk.come(100);
      assert(stepCount < 10);
    }
    assert(desk.answered.length >= 10);
  });

  test("have a bound by what they ask for, of which each client gets a part (I11, RB1)", () => {
    const desk = new Desk();
    for (let count = 0; count < 64; count += 1) desk.come(2_048);
    assert(desk.refusedCount > 16 && desk.refusedCount < 64, `${desk.refusedCount}`);
    const { refusedCount } = desk;
    desk.come(2_048, 2);
    assert.equal(desk.refusedCount, refusedCount);
  });

  test("have one by their bytes too, however few operations those are (I11)", () => {
    const desk = new Desk();
    desk.reads.hold();
    for (let count = 0; count < 300; count += 1) desk.come(1, 1, new Uint8Array(50_000));
    const waiting = 300 - desk.refusedCount;
    assert(waiting > 0 && waiting * 50_000 <= 131_072 * 64, `${waiting}`);
  });

  test("are not answered in a turn in which a batch has begun to be executed", async () => {
    const desk = new Desk();
    desk.come(2_048);
    desk.come(2_048);
    desk.reads.hold();
    await desk.turn();
    assert.deepEqual(desk.answered, [0]);
    desk.reads.letGo();
    const steps = desk.reads.answeringAll();
    while (steps.next().done !== true);
    assert.deepEqual(desk.answered, [0, 1]);
  });
});
