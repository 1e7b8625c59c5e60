import assert from "node:assert/strict";
import { test } from "node:test";
import { type AccountRow, AccountRowError } from "../../../src/core/ledger/account-row.js";
import { Ledger } from "../../../src/core/ledger/ledger.js";
import { unpackAccounts } from "../../../src/core/ledger/packed-accounts.js";
import { changedRows, execute, hasher, MAX, newLedger, rowOf, rowsOf, TELLER } from "./fixture.js";

const ROW: AccountRow = { ...rowOf(5, "A", 1n), name: "Änne", address: "1 Main St", owner: 7 };

const IMPOSSIBLE: readonly (readonly [why: string, rows: AccountRow[], says: RegExp])[] = [
  ["an account without a name", [{ ...ROW, account: "" }], /no name to call it by/],
  ["an account of 33 bytes", [{ ...ROW, account: "x".repeat(33) }], /more than 32 bytes/],
  ["a name of 65 bytes", [{ ...ROW, name: "x".repeat(65) }], /name of more than 64 bytes/],
  ["an address of 129 bytes", [{ ...ROW, address: "x".repeat(129) }], /more than 128 bytes/],
  ["a control character", [{ ...ROW, name: "a\nb" }], /control character/],
  ["a negative balance", [{ ...ROW, balance: -1n }], /balance outside/],
  ["a balance of 2^63", [{ ...ROW, balance: MAX + 1n }], /balance outside/],
  ["customer 0", [{ ...ROW, customerId: 0 }], /does not follow/],
  ["customer 1.5", [{ ...ROW, customerId: 1.5 }], /out of range/],
  ["customer 2^31", [{ ...ROW, customerId: 2 ** 31 }], /out of range/],
  ["owner -1", [{ ...ROW, owner: -1 }], /impossible owner/],
  ["customers in the wrong order", [ROW, { ...ROW, customerId: 4, account: "B" }], /follow/],
  ["an account that appears twice", [ROW, { ...ROW, customerId: 6 }], /customer 6 appears twice/],
];

for (const [why, rows, says] of IMPOSSIBLE) {
  test(`rows from outside are refused with a sentence: ${why}`, () => {
    const ledger = newLedger(rowsOf(2));
    const before = ledger.root();
    const isExpected = (error: unknown): boolean =>
      error instanceof AccountRowError && says.test(error.message);
    assert.throws(() => ledger.load(rows), isExpected);
    assert.throws(() => newLedger(rows), isExpected);
    assert.deepEqual(ledger.root(), before);
  });
}

test("a ledger loaded from rows is the one they came from", () => {
  const rows = [ROW, { ...rowOf(9, "B", MAX), owner: null }];
  const ledger = newLedger(rowsOf(3));
  ledger.load(rows);
  assert.deepEqual(ledger.accountRows(), rows);
  assert.deepEqual(ledger.root(), newLedger(rows).root());
  assert.deepEqual(changedRows(ledger), []);
});

test("changed accounts are told once each, as they are now, by ascending customer id", () => {
  const ledger = newLedger(rowsOf(300));
  for (const account of ["200", "7", "200", "7"]) {
    execute(ledger, TELLER, { kind: "deposit", account, amount: 1n });
  }
  execute(ledger, TELLER, { kind: "deposit", account: "9", amount: MAX });
  execute(ledger, TELLER, { kind: "get", account: "10" });
  const changed = changedRows(ledger);
  assert.deepEqual(changed, [{ ...rowOf(7, "7", 1_002n) }, { ...rowOf(200, "200", 1_002n) }]);
  execute(ledger, TELLER, { kind: "withdraw", account: "7", amount: 2n });
  assert.deepEqual(changedRows(ledger), [rowOf(7, "7", 1_000n)]);
});

test("an account is told whole once, then its balance", () => {
  const ledger = newLedger(rowsOf(20_000));
  const open = (account: string): void => {
    execute(ledger, TELLER, { kind: "open", account, name: "", address: "", balance: 5n });
  };
  const told = (): { changed: number[]; opened: number[] } => {
    const pieces = [...ledger.takeChangedAccounts()];
    return {
      changed: pieces.flatMap(({ changed }) => [...changed.customerIds]),
      opened: pieces.flatMap(({ opened }) => unpackAccounts(opened)).map((row) => row.customerId),
    };
  };
  const all = Array.from({ length: 20_000 }, (_, index) => index + 1);
  for (const id of all) {
    execute(ledger, TELLER, { kind: "deposit", account: String(id), amount: 1n });
  }
  open("x");
  open("y");
  execute(ledger, TELLER, { kind: "deposit", account: "x", amount: 1n });
  assert.deepEqual(told(), { changed: all, opened: [20_001, 20_002] });
  execute(ledger, TELLER, { kind: "move", source: "y", target: "3", amount: 1n });
  open("z");
  assert.deepEqual(told(), { changed: [3, 20_002], opened: [20_003] });
  assert.deepEqual(told(), { changed: [], opened: [] });
  ledger.load([...rowsOf(1), rowOf(9, "A", 1n)]);
  execute(ledger, TELLER, { kind: "deposit", account: "A", amount: 1n });
  assert.deepEqual(told(), { changed: [9], opened: [] });
});

test("replicas with different index keys hold the same state", () => {
  const make = (indexKey: Uint8Array): Ledger =>
    new Ledger({ hasher, clients: ["teller"], accounts: rowsOf(500), indexKey });
  const one = make(new Uint8Array(8));
  const other = make(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  for (const ledger of [one, other]) {
    execute(ledger, TELLER, { kind: "move", source: "17", target: "401", amount: 3n });
  }
  assert.deepEqual(other.root(), one.root());
});

test("customer ids stop where an SQL integer does", () => {
  const ledger = newLedger([rowOf(2 ** 31 - 1, "A", 0n)]);
  const result = execute(ledger, TELLER, {
    kind: "open",
    account: "B",
    name: "",
    address: "",
    balance: 0n,
  });
  assert.equal(result.code, "ledger-full");
});
