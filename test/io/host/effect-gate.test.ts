import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InvariantError } from "../../../src/core/base/assert.js";
import { EffectGate } from "../../../src/io/effect-gate.js";

/** So few that a property gets there. */
const SIZE_MAX = 8;

test("what waits for nothing may happen at once", () => {
  const gate = new EffectGate<string>(SIZE_MAX);
  assert(gate.isOpen(null));
  assert(gate.isOpen(0), "0 is the append before the first");
  assert.equal(gate.isOpen(1), false);
});

test("what waits leaves when its append is durable, and not before (2.12)", () => {
  const gate = new EffectGate<string>(SIZE_MAX);
  gate.hold(2, "commit");
  assert.deepEqual(gate.open(1), []);
  assert.equal(gate.size, 1);
  assert.deepEqual(gate.open(2), ["commit"]);
  assert.equal(gate.size, 0);
  assert(gate.isOpen(2));
});

test("nothing is held back that may happen now, and durability never goes back", () => {
  const gate = new EffectGate<string>(SIZE_MAX);
  gate.open(3);
  assert.throws(() => gate.hold(3, "late"), InvariantError);
  assert.throws(() => gate.open(2), InvariantError);
});

test("everything leaves exactly once, in order of arrival among what becomes free together", () => {
  const step = fc.oneof(
    fc.record({ hold: fc.integer({ min: 1, max: 20 }) }),
    fc.record({ open: fc.integer({ min: 0, max: 5 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const gate = new EffectGate<number>(SIZE_MAX);
      let durable = 0;
      let model: { after: number; number: number }[] = [];
      for (const [number, action] of steps.entries()) {
        if ("hold" in action) {
          assert.equal(gate.isOpen(action.hold), action.hold <= durable);
          if (action.hold <= durable) continue;
          const hasRoom = model.length < SIZE_MAX;
          assert.equal(gate.hold(action.hold, number), hasRoom, "bounded, whoever asks (I11)");
          if (hasRoom) model.push({ after: action.hold, number });
          continue;
        }
        durable += action.open;
        const free = model.filter(({ after }) => after <= durable);
        model = model.filter(({ after }) => after > durable);
        assert.deepEqual(
          gate.open(durable),
          free.map((one) => one.number),
        );
        assert.equal(gate.size, model.length);
      }
    }),
  );
});
