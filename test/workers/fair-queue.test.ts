import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FairQueue } from "../../src/workers/fair-queue.js";

/** What is more than one turn's work. */
const COST_NS = 300_000;

/** `count` items of one source, named after it. */
function itemsOf(source: number, count: number, costNs = COST_NS) {
  return Array.from({ length: count }, (_, index) => ({ source, costNs, index }));
}

function queueOf(...items: ReturnType<typeof itemsOf>): FairQueue<(typeof items)[number]> {
  const queue = new FairQueue<(typeof items)[number]>();
  for (const item of items) queue.push(item);
  return queue;
}

function namesOf(items: ReturnType<typeof itemsOf>): string[] {
  return items.map(({ source, index }) => `${source}.${index}`);
}

describe("a queue that serves sources in turn (RB1)", () => {
  test("lets a late source pass what another has piled up", () => {
    const queue = queueOf(...itemsOf(1, 4), ...itemsOf(2, 2));
    assert.deepEqual(namesOf(queue.drain()), ["1.0", "2.0", "1.1", "2.1", "1.2", "1.3"]);
  });

  test("goes on with the next turn where the last call ended", () => {
    const queue = queueOf(...itemsOf(1, 3), ...itemsOf(2, 3));
    const taken = [1, 2, 3].map(() => namesOf(queue.take(COST_NS)));
    assert.deepEqual(taken, [["1.0"], ["2.0"], ["1.1"]]);
  });

  test("counts work and not items: one turn takes many small ones", () => {
    const queue = queueOf(...itemsOf(1, 3, COST_NS / 6), ...itemsOf(2, 2));
    assert.deepEqual(namesOf(queue.drain()), ["1.0", "1.1", "1.2", "2.0", "2.1"]);
  });

  test("gives a lone source all it asks for in one piece, at least one item", () => {
    const queue = queueOf(...itemsOf(1, 4));
    assert.deepEqual(namesOf(queue.take(2 * COST_NS)), ["1.0", "1.1"]);
    assert.deepEqual(namesOf(queue.take(0)), ["1.2"]);
    assert.equal(queue.costNs, COST_NS);
    assert.deepEqual(namesOf(queue.drain()), ["1.3"]);
    assert(queue.isEmpty);
    assert.equal(queue.costNs, 0);
    assert.deepEqual(queue.take(COST_NS), []);
  });
});
