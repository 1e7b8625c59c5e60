import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BulkKind, BulkOperations } from "../../../src/cli/bench/closed-loop.js";

const COUNT = 200_000;

function drawn(kind: BulkKind, accountCount: number, seed = 7) {
  const accounts = { count: accountCount, nameOf: (index: number) => `a${index}` };
  return new BulkOperations(kind, accounts, seed).take(COUNT);
}

function touched(operations: ReturnType<typeof drawn>): string[] {
  return operations.flatMap((operation) =>
    operation.kind === "move" ? [operation.source, operation.target] : [operation.account],
  );
}

describe("the load's endless stream of operations", () => {
  it("spreads over all accounts, and does not come back to the same few", () => {
    const names = touched(drawn("write", 1_000_000));
    // Of 300,000 picks among a million about 259,000 are the first of their account.
    assert.ok(new Set(names).size > 250_000, `${new Set(names).size} accounts`);
  });

  it("is deposits and moves in equal parts, never from an account to itself", () => {
    const operations = drawn("write", 3);
    const moves = operations.filter(({ kind }) => kind === "move");
    assert.ok(Math.abs(moves.length / COUNT - 0.5) < 0.01, `${moves.length} moves`);
    assert.ok(moves.every((move) => move.kind === "move" && move.source !== move.target));
    assert.ok(operations.every(({ kind }) => kind === "move" || kind === "deposit"));
  });

  it("has deposits only where there is one account, and gets only where it reads", () => {
    assert.ok(drawn("write", 1).every(({ kind }) => kind === "deposit"));
    assert.ok(drawn("read", 3).every(({ kind }) => kind === "get"));
  });

  it("is the same for the same seed, and another for another", () => {
    assert.deepEqual(touched(drawn("write", 100)), touched(drawn("write", 100)));
    assert.notDeepEqual(touched(drawn("write", 100)), touched(drawn("write", 100, 8)));
  });
});
