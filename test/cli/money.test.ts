import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatMoney, parseMoney } from "../../src/io/money.js";

test("money is written with two decimals and read back exactly, up to 64 bits", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (minorUnits) => {
      assert.equal(parseMoney(formatMoney(minorUnits)), minorUnits);
    }),
  );
  assert.equal(formatMoney(30_000n), "300.00");
  assert.equal(formatMoney(5n), "0.05");
  assert.equal(parseMoney("92233720368547758.07"), 2n ** 63n - 1n);
  assert.equal(parseMoney("92233720368547758.08"), null);
});

test("text that is not digits with at most two decimals is no money", () => {
  for (const text of [
    "",
    "-1",
    "+1",
    "1.",
    ".5",
    "1.234",
    "1,000",
    "1e3",
    " 1",
    "1\n",
    "٣",
    "0x1",
  ]) {
    assert.equal(parseMoney(text), null, JSON.stringify(text));
  }
});

test("arbitrary text never makes the parser throw", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const minorUnits = parseMoney(text);
      assert.ok(minorUnits === null || minorUnits >= 0n);
    }),
  );
});
