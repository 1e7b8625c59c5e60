import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LedgerOperation } from "../../../src/core/ledger/operation.js";
import { Prng } from "../../../src/cli/bench/prng.js";
import { Workload } from "../../../src/cli/bench/workload.js";

const BALANCES = new Map([
  ["A", 300_00n],
  ["B", 1_000_00n],
  ["C", 300_00n],
]);

function take(seed: number, count: number, balances = BALANCES): LedgerOperation[] {
  return [...new Workload(seed, balances).operations("read-write", count)];
}

test("the same seed draws the same operations, another seed draws others", () => {
  assert.deepEqual(take(7, 1_000), take(7, 1_000));
  assert.notDeepEqual(take(7, 1_000), take(8, 1_000));
});

test("a seed still draws what it drew when it was first recorded", () => {
  const prng = new Prng(42);
  assert.deepEqual(
    [prng.u32(), prng.u32(), prng.u32()],
    [3_236_264_550, 1_186_848_219, 4_079_569_716],
  );
});

test("numbers below a limit cover the whole range and nothing else", () => {
  const prng = new Prng(1);
  const seen = new Set(Array.from({ length: 1_000 }, () => prng.below(7)));
  assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4, 5, 6]);
});

test("a read-only row only reads", () => {
  const operations = [...new Workload(3, BALANCES).operations("read-only", 500)];
  assert.equal(operations.length, 500);
  assert.ok(operations.every((operation) => operation.kind === "get"));
});

test("a read-write row is exactly half writes, of every kind, not all in one stretch", () => {
  const operations = take(11, 1_000);
  const isWrite = operations.map((operation) => operation.kind !== "get");
  const kinds = new Set(operations.map((operation) => operation.kind));
  assert.equal(isWrite.filter(Boolean).length, 500);
  assert.deepEqual([...kinds].sort(), ["deposit", "get", "move", "withdraw"]);
  const firstHalf = isWrite.slice(0, 500).filter(Boolean).length;
  assert.ok(firstHalf > 200, `${firstHalf} writes in the first half`);
  assert.ok(firstHalf < 300, `${firstHalf} writes in the first half`);
});

test("no account can be overdrawn, whatever the order of execution", () => {
  const balance = fc.bigInt({ min: 0n, max: 500n });
  fc.assert(
    fc.property(fc.nat(), fc.tuple(balance, balance, balance), (seed, [a, b, c]) => {
      const balances = new Map([
        ["A", a],
        ["B", b],
        ["C", c],
      ]);
      const spent = new Map<string, bigint>();
      for (const operation of take(seed, 400, balances)) {
        if (operation.kind !== "withdraw" && operation.kind !== "move") continue;
        const payer = operation.kind === "move" ? operation.source : operation.account;
        spent.set(payer, (spent.get(payer) ?? 0n) + operation.amount);
      }
      for (const [account, sum] of spent) assert.ok(sum <= (balances.get(account) ?? 0n));
    }),
  );
});

test("a move has two different accounts, and a lone account never moves", () => {
  for (const operation of take(5, 2_000)) {
    if (operation.kind === "move") assert.notEqual(operation.source, operation.target);
  }
  const lone = take(5, 200, new Map([["A", 1_000_00n]]));
  assert.ok(lone.every((operation) => operation.kind !== "move"));
});
