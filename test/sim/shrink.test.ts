import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { changed, merged } from "./changes.js";
import { assertGrown, grow } from "./planted/plant.js";
import { PLANTS } from "./planted/plants.js";

const PLANT = "COMMIT before its P-entry is durable";
const SEED = "1";

const plant = PLANTS.find(({ name }) => name === PLANT);
assert(plant !== undefined);
// This process has the bug; so what is of the product is imported only now.
grow(plant, false);
const { drawOptions } = await import("./options.js");
const { simulate } = await import("./simulation.js");
const { shrink } = await import("./shrink.js");

describe("a failing run", () => {
  test("shrinks to one without the faults that it does not need, and fails alike", () => {
    assertGrown();
    const before = simulate(drawOptions(SEED)).failure;
    assert(before !== null && "breach" in before);
    const { changes } = shrink(drawOptions(SEED), 60);
    const options = drawOptions(SEED, { changes });
    const { failure } = simulate(options);
    assert(failure !== null && "breach" in failure);
    assert.equal(failure.breach, before.breach);
    assert.equal(options.network.lossShare, 0);
    assert.equal(options.faults.crashEvery, 0);
    assert.deepEqual(options.byzantine, []);
    assert(options.clients.operationsPerClient < drawOptions(SEED).clients.operationsPerClient);
  });
});

describe("changes of options", () => {
  test("replace what they name, deep inside too, and arrays as a whole", () => {
    const options = { a: 1, b: { c: 2, d: [1, 2] }, e: "x" };
    assert.deepEqual(changed(options, { b: { d: [] } }), { a: 1, b: { c: 2, d: [] }, e: "x" });
  });

  test("add up", () => {
    assert.deepEqual(merged({ a: 1, b: { c: 2 } }, { b: { d: 3 } }), { a: 1, b: { c: 2, d: 3 } });
  });

  test("of something that is not an option are refused", () => {
    assert.throws(() => changed({ a: 1 }, { b: 2 }), /no option b/);
  });
});
