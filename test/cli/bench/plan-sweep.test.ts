import assert from "node:assert/strict";
import { test } from "node:test";
import { planSweep } from "../../../src/cli/bench/plan-sweep.js";
import { SWEEP_DEFAULT } from "../../../src/cli/bench/sweep.js";
import { UsageError } from "../../../src/cli/command.js";

const KINDS = ["read-only"] as const;

test("the curve belongs to the whole measurement, and to others when it is asked for", () => {
  assert.deepEqual(planSweep(null, KINDS, true), { inFlight: SWEEP_DEFAULT, kinds: KINDS });
  assert.equal(planSweep(null, KINDS, false), null);
  assert.equal(planSweep("none", KINDS, true), null);
  assert.deepEqual(planSweep("64, 1,64", KINDS, false), { inFlight: [1, 64], kinds: KINDS });
});

test("loads that are none are refused with what is expected", () => {
  for (const written of ["", "0", "1,", "-1", "1e3", "65537", "some"]) {
    assert.throws(() => planSweep(written, KINDS, true), UsageError, written);
  }
  const many = Array.from({ length: 33 }, (_, index) => index + 1).join();
  assert.throws(() => planSweep(many, KINDS, true), /at most 32 loads/);
});
