import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chainFault } from "../../../src/cli/scenario/deposit-chain.js";
import type { Deposit } from "../../../src/cli/scenario/deposit-load.js";

/** The answers of a ledger that executes `amounts` in this order, from `opening` on. */
function answers(amounts: readonly bigint[], opening = 0n): Deposit[] {
  let balance = opening;
  return amounts.map((amount) => {
    balance += amount;
    return { amount, balance, startMicros: 0, endMicros: 0 };
  });
}

const AMOUNTS = fc.array(fc.bigInt({ min: 1n, max: 1_000n }), { minLength: 1, maxLength: 50 });

const RANKS = fc.array(fc.nat(), { minLength: 50, maxLength: 50 });

test("deposits that were each executed once form a chain, in whatever order they are told", () => {
  fc.assert(
    fc.property(AMOUNTS, RANKS, (amounts, ranks) => {
      const held = amounts.reduce((sum, amount) => sum + amount, 0n);
      const told = answers(amounts)
        .map((deposit, index) => ({ deposit, rank: ranks[index] ?? 0 }))
        .sort((left, right) => left.rank - right.rank)
        .map(({ deposit }) => deposit);
      assert.equal(chainFault(told, held), null);
    }),
  );
});

test("one deposit too many, too few or changed behind the answers breaks the chain", () => {
  fc.assert(
    fc.property(AMOUNTS, fc.nat(), (amounts, choice) => {
      const index = choice % amounts.length;
      const amount = amounts[index] ?? 0n;
      const told = answers(amounts);
      const held = told.at(-1)?.balance ?? 0n;
      const doubled = answers(amounts.toSpliced(index, 0, amount)).toSpliced(index, 1);
      assert.notEqual(chainFault(doubled, held + amount), null, "executed twice, told once");
      assert.notEqual(chainFault(told.toSpliced(index, 1), held), null, "executed, never sent");
      assert.notEqual(chainFault(told, held - amount), null, "acknowledged, then lost");
    }),
  );
});

test("the fault is told in money", () => {
  assert.equal(
    chainFault(answers([100n, 250n]), 100n),
    "the account holds 1.00, the acknowledged deposits add up to 3.50",
  );
  const [first, second] = answers([100n, 250n]);
  assert.ok(first !== undefined && second !== undefined);
  assert.equal(
    chainFault([first, { ...second, balance: second.balance + 100n }], 450n),
    "a deposit of 2.50 found 2.00, not the 1.00 before it",
  );
});
