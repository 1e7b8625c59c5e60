import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Log } from "../../../src/core/pbft/log.js";

test("slots are listed ascending in whatever order they were touched, and lists stay", () => {
  const touches = fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 30 });
  fc.assert(
    fc.property(touches, fc.nat(10), (seqs, stable) => {
      const log = new Log(4, 20);
      const touched = new Set<number>();
      for (const seq of seqs) {
        const before = log.slots();
        const held = before.map((slot) => slot.seq);
        log.slot(seq);
        touched.add(seq);
        assert.deepEqual(
          log.slots().map((slot) => slot.seq),
          [...touched].sort((left, right) => left - right),
        );
        assert.deepEqual(
          before.map((slot) => slot.seq),
          held,
        );
      }
      for (const seq of [0, ...seqs, 21]) {
        assert.deepEqual(
          log.slotsAbove(seq),
          log.slots().filter((slot) => slot.seq > seq),
        );
      }
      log.advance(stable);
      assert(log.slots().every((slot) => slot.seq > stable));
    }),
  );
});
