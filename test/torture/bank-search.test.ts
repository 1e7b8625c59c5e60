import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LedgerOperation } from "../../src/core/ledger/operation.js";
import { type Balances, explain } from "./bank-search.js";
import { batchFault } from "./batch-order.js";
import type { Answer, Operation } from "./operation.js";

const INITIAL: Balances = new Map([
  ["A", 100n],
  ["B", 800n],
]);

let numberLast = 0;

/** An operation that lasted from `begun` to `ended`, and what it was answered. */
function seen(
  asked: LedgerOperation,
  [begunMicros, endedMicros]: readonly [number, number],
  answer: Partial<Answer> | null,
): Operation {
  numberLast += 1;
  const told: Answer | null = answer && {
    ...{ code: "ok", balance: null, targetBalance: null, path: "ordered", seq: 1, ...answer },
  };
  return { number: numberLast, asked, begunMicros, endedMicros, answer: told };
}

const deposit = (amount: bigint): LedgerOperation => ({ kind: "deposit", account: "A", amount });
const GET: LedgerOperation = { kind: "get", account: "A" };

function balances(a: bigint, b = 800n): Balances {
  return new Map([
    ["A", a],
    ["B", b],
  ]);
}

function verdict(operations: readonly Operation[], final: Balances): string {
  return explain({ initial: INITIAL, operations, final }).kind;
}

describe("the search for an order that explains what clients saw", () => {
  const history = (): Operation[] => [
    seen(deposit(5n), [0, 10], { balance: 105n }),
    seen(deposit(7n), [5, 15], { balance: 112n }),
    seen(GET, [16, 20], { balance: 112n }),
    seen({ kind: "move", source: "B", target: "A", amount: 10n }, [21, 30], {
      balance: 790n,
      targetBalance: 122n,
    }),
    seen({ kind: "withdraw", account: "A", amount: 1_000n }, [21, 35], {
      code: "insufficient-funds",
    }),
    seen({ kind: "open", account: "C", name: "", address: "", balance: 3n }, [31, 40], {
      balance: 3n,
    }),
  ];
  const final = new Map([...balances(122n, 790n), ["C", 3n]]);

  it("explains a true history", () => {
    assert.equal(verdict(history(), final), "explained");
  });

  it("finds an acknowledged operation that was lost", () => {
    const [, ...others] = history();
    assert.equal(verdict(history(), new Map([...final, ["A", 117n]])), "impossible");
    assert.equal(verdict(others, final), "impossible");
  });

  it("finds an operation that was done twice", () => {
    assert.equal(verdict(history(), new Map([...final, ["A", 127n]])), "impossible");
  });

  it("finds an effect that nobody asked for, an account too", () => {
    assert.equal(verdict([], balances(101n)), "impossible");
    assert.equal(verdict([], new Map([...INITIAL, ["D", 0n]])), "impossible");
  });

  it("finds money that appeared or vanished in a move", () => {
    assert.equal(verdict(history(), new Map([...final, ["B", 800n]])), "impossible");
  });

  it("finds a read of a state that had been overwritten before it began", () => {
    const operations = [
      seen(deposit(5n), [0, 10], { balance: 105n }),
      seen(GET, [11, 12], { balance: 100n }),
    ];
    assert.equal(verdict(operations, balances(105n)), "impossible");
    const concurrent = [
      seen(deposit(5n), [0, 10], { balance: 105n }),
      seen(GET, [9, 12], { balance: 100n }),
    ];
    assert.equal(verdict(concurrent, balances(105n)), "explained");
  });

  it("finds reads that go back in time, though each alone would do", () => {
    const operations = [
      seen(deposit(5n), [0, 100], { balance: 105n }),
      seen(GET, [10, 20], { balance: 105n }),
      seen(GET, [30, 40], { balance: 100n }),
    ];
    assert.equal(verdict(operations, balances(105n)), "impossible");
  });

  it("finds a balance that was told wrong, and a refusal without reason", () => {
    const told = [seen(deposit(5n), [0, 10], { balance: 106n })];
    assert.equal(verdict(told, balances(105n)), "impossible");
    const asked: LedgerOperation = { kind: "withdraw", account: "A", amount: 100n };
    const refused = [seen(asked, [0, 10], { code: "insufficient-funds" })];
    assert.equal(verdict(refused, INITIAL), "impossible");
  });

  it("takes an operation without answer as done, or as not done, but not as done twice", () => {
    const lost = (): Operation[] => [seen(deposit(5n), [0, Infinity], null)];
    assert.equal(verdict(lost(), balances(105n)), "explained");
    assert.equal(verdict(lost(), INITIAL), "explained");
    assert.equal(verdict(lost(), balances(110n)), "impossible");
  });

  it("hands over an operation without answer that may still come", () => {
    const operations = [
      seen(deposit(5n), [0, Infinity], null),
      seen(deposit(7n), [1, Infinity], null),
    ];
    const result = explain({ initial: INITIAL, operations, final: balances(107n) });
    assert.equal(result.kind, "explained");
    assert.deepEqual("leftOver" in result && result.leftOver, [operations[0]]);
  });

  it("finds out which of many operations without answer were done", () => {
    const amounts = [3n, 5n, 17n, 257n, 65_537n, 1_000_003n, 1_000_033n, 7_777_777n];
    const lost = amounts.map((amount) => seen(deposit(amount), [0, Infinity], null));
    const done = 5n + 257n + 7_777_777n;
    const read = seen(GET, [50, 60], { balance: 105n });
    const later = seen(deposit(1n), [70, 80], { balance: 101n + done });
    const result = explain({
      ...{ initial: INITIAL, final: balances(101n + done) },
      operations: [...lost, read, later],
    });
    assert.equal(result.kind, "explained");
    assert.equal("leftOver" in result && result.leftOver.length, amounts.length - 3);
  });

  it("goes back when the first choice led nowhere", () => {
    const operations = [
      seen({ kind: "move", source: "A", target: "B", amount: 50n }, [0, 100], {
        balance: 50n,
        targetBalance: 850n,
      }),
      seen({ kind: "withdraw", account: "A", amount: 50n }, [0, 100], { balance: 50n }),
      seen(deposit(50n), [0, 100], { balance: 100n }),
      seen({ kind: "get", account: "B" }, [20, 30], { balance: 800n }),
      seen(GET, [40, 50], { balance: 50n }),
    ];
    assert.equal(verdict(operations, balances(50n, 850n)), "explained");
  });

  it("decides thousands of operations of many clients", () => {
    let held = 100n;
    const operations: Operation[] = [];
    for (let index = 0; index < 5_000; index += 1) {
      held += BigInt(index);
      operations.push(seen(deposit(BigInt(index)), [index, index + 12], { balance: held }));
      operations.push(seen(GET, [index, index + 14], { balance: held }));
    }
    assert.equal(verdict(operations, balances(held)), "explained");
    assert.equal(verdict(operations, balances(held + 1n)), "impossible");
  });
});

describe("the batches that clients were told", () => {
  it("must not go back in time", () => {
    const first = seen(deposit(5n), [0, 10], { balance: 105n, seq: 7 });
    const second = seen(deposit(7n), [11, 20], { balance: 112n, seq: 6 });
    assert.match(batchFault([first, second]) ?? "", /was in batch 6, but began after/);
  });

  it("may come in any order while operations overlap, and say nothing of reads", () => {
    const first = seen(deposit(5n), [0, 10], { balance: 105n, seq: 7 });
    const overlapping = seen(deposit(7n), [9, 20], { balance: 112n, seq: 6 });
    const read = seen(GET, [11, 20], { balance: 105n, seq: 6, path: "read-only" });
    assert.equal(batchFault([first, overlapping, read]), null);
  });
});
