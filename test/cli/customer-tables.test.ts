import assert from "node:assert/strict";
import { test } from "node:test";
import { compareTables } from "../../src/cli/customer-tables.js";
import { DEMO_ACCOUNTS } from "../../src/io/cluster-create.js";
import type { CustomerTable } from "../../src/io/store.js";

const ALL = new Set<string>();
const table = (seq: number): CustomerTable => ({ seq, accounts: DEMO_ACCOUNTS });

/** The demo accounts with one member of the first changed. */
function changed(change: Partial<(typeof DEMO_ACCOUNTS)[number]>): CustomerTable {
  const [first, ...rest] = DEMO_ACCOUNTS;
  assert.ok(first !== undefined);
  return { seq: 7, accounts: [{ ...first, ...change }, ...rest] };
}

test("equal tables are identical, whatever their last batch", () => {
  const { customers, sequences, identical } = compareTables([table(7), table(8), table(7)], ALL);
  assert.equal(identical, true);
  assert.deepEqual(sequences, [7, 8, 7]);
  assert.deepEqual(
    customers.map(({ account, balances }) => [account, ...balances]),
    [
      ["A", "100.00", "100.00", "100.00"],
      ["B", "800.00", "800.00", "800.00"],
      ["C", "400.00", "400.00", "400.00"],
    ],
  );
});

test("a replica without a database here is left out of the comparison", () => {
  const { customers, sequences, identical } = compareTables([null, table(7)], ALL);
  assert.equal(identical, true);
  assert.deepEqual(sequences, [null, 7]);
  assert.deepEqual(customers[0]?.balances, [null, "100.00"]);
});

for (const change of [
  { balance: 1n },
  { name: "x" },
  { address: "x" },
  { account: "X" },
  { owner: 0 },
]) {
  test(`a different ${Object.keys(change).join()} makes tables differ`, () => {
    assert.equal(compareTables([table(7), changed(change)], ALL).identical, false);
  });
}

test("a customer that one database lacks makes tables differ", () => {
  const short = { seq: 7, accounts: DEMO_ACCOUNTS.slice(1) };
  for (const tables of [
    [table(7), short],
    [short, table(7)],
  ]) {
    const { customers, identical } = compareTables(tables, ALL);
    assert.equal(identical, false);
    assert.equal(customers[0]?.account, "A");
    assert.ok(customers[0].balances.includes(null));
  }
});

test("only the accounts asked for are compared", () => {
  const tables = [table(7), changed({ balance: 1n })];
  const { customers, identical } = compareTables(tables, new Set(["C", "B"]));
  assert.equal(identical, true);
  assert.deepEqual(
    customers.map(({ account }) => account),
    ["B", "C"],
  );
});
