import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { digestOf } from "../../core/pbft/builders.js";
import { blockOf, Fixture, HOUR_MS, stateAt } from "./store-runner-fixture.js";
import { steps } from "./turns.js";

describe("the store runner", () => {
  test("stores what one turn executed in one transaction, with its replies (BK3)", async () => {
    const fixture = new Fixture();
    const { runner, store, stored, ledger } = fixture;
    fixture.execute(1);
    fixture.execute(2);
    assert.deepEqual(store.calls, [], "not before the turn is over");
    await nextTurn();
    assert.deepEqual(store.calls, ["commit 1 2"]);
    const [group] = store.groups;
    assert.equal(group?.seq, 2);
    assert.deepEqual(
      group.sessions.map(({ session }) => session),
      [1, 2],
    );
    assert.deepEqual(group.balances[0]?.balances, BigInt64Array.of(1_002n));
    assert.deepEqual(group.serviceRoot, ledger.root());
    assert.deepEqual(stored, []);
    await store.end();
    assert.deepEqual(stored, [2]);
    assert.equal(runner.storedSeq, 2);
  });

  test("gathers what is executed during a transaction for the next one", async () => {
    const fixture = new Fixture();
    const { store, stored } = fixture;
    fixture.execute(1);
    await nextTurn();
    for (const seq of [2, 3, 4]) fixture.execute(seq);
    await nextTurn();
    assert.deepEqual(store.calls, ["commit 1"]);
    await store.end();
    assert.deepEqual(store.calls, ["commit 1", "commit 2 3 4"]);
    await store.end();
    assert.deepEqual(stored, [1, 4]);
    fixture.execute(5);
    await nextTurn();
    await store.end();
    assert.deepEqual(stored, [1, 4, 5]);
  });

  test("waits for the root of a checkpoint while others are executed (CK1)", async () => {
    const fixture = new Fixture();
    const { store, stored } = fixture;
    fixture.tellsRoots = false;
    fixture.execute(32);
    await nextTurn();
    for (const seq of [33, 64, 96]) fixture.execute(seq);
    assert.deepEqual(store.calls, []);
    // Two pins are kept, and this one was told before the next but one.
    fixture.runner.pinned(32, digestOf(32));
    fixture.tellRoot(64);
    const root = fixture.tellRoot(96);
    await nextTurn();
    assert.deepEqual([store.groups[0]?.seq, store.groups[0]?.serviceRoot], [32, digestOf(32)]);
    await store.end();
    assert.deepEqual([store.groups[1]?.seq, store.groups[1]?.serviceRoot], [96, root]);
    await store.end();
    assert.deepEqual(stored, [32, 96]);
  });

  test("ends with what had begun when it was its turn", async () => {
    const fixture = new Fixture();
    const { store, rest, turns, ledger } = fixture;
    fixture.execute(1);
    await nextTurn();
    fixture.execute(32);
    turns.stepMs = 100;
    rest.change(
      steps(2, (step) => {
        if (step === 2) fixture.execute(33);
      }),
    );
    await store.end();
    await turns.pass(8);
    assert.deepEqual([store.groups[1]?.seq, store.groups[1]?.serviceRoot], [33, ledger.root()]);
    await store.end();
  });

  test("stores a checkpoint whose root comes with the whole state that follows it", async () => {
    const fixture = new Fixture();
    const { store, runner, stored } = fixture;
    fixture.tellsRoots = false;
    fixture.execute(32);
    await nextTurn();
    // As the host does: the root, then memory, then the database.
    fixture.tellRoot(32);
    const replaced = runner.replace(stateAt(40));
    await nextTurn();
    assert.deepEqual(store.calls, ["commit 32"]);
    await store.end();
    await store.end();
    await replaced;
    assert.deepEqual([store.calls.at(-1), stored, runner.storedSeq], ["replace 40", [32], 40]);
  });

  test("ends with a checkpoint that finds it idle", async () => {
    const fixture = new Fixture();
    const { store } = fixture;
    fixture.execute(31);
    fixture.execute(32);
    fixture.rest.change(fixture.executing(33));
    await nextTurn();
    assert.equal(store.groups[0]?.seq, 32);
    await store.end();
    assert.equal(store.groups[1]?.seq, 33);
    await store.end();
  });

  test("goes on at once if a checkpoint came while a transaction was under way", async () => {
    const fixture = new Fixture(HOUR_MS);
    const { store, runner } = fixture;
    fixture.execute(1);
    await nextTurn();
    for (let seq = 2; seq <= 34; seq += 1) fixture.execute(seq);
    await store.end();
    await nextTurn();
    assert.deepEqual(store.groups.at(-1)?.seq, 34);
    await store.end();
    for (let seq = 35; seq <= 63; seq += 1) fixture.execute(seq);
    await nextTurn();
    assert.equal(store.groups.length, 2);
    for (let seq = 64; seq <= 70; seq += 1) fixture.rest.change(fixture.executing(seq));
    await nextTurn();
    assert.deepEqual(
      [store.groups.length, store.groups[2]?.blocks.length],
      [3, 30],
      "none is lost",
    );
    await store.end();
    const closed = runner.close();
    await nextTurn();
    assert.equal(store.groups[3]?.blocks.length, 6);
    await store.end();
    await closed;
  });

  test("reports a failure once and stores nothing after it (BK6)", async () => {
    const fixture = new Fixture();
    const { store, stored, fatal, runner } = fixture;
    fixture.execute(1);
    await nextTurn();
    fixture.execute(2);
    const cause = new Error("disk full");
    await store.end(cause);
    for (let seq = 3; seq <= 32; seq += 1) fixture.execute(seq);
    await runner.replace(stateAt(9));
    await nextTurn();
    assert.deepEqual(fatal, [cause]);
    assert.deepEqual(store.calls, ["commit 1"]);
    assert.deepEqual(stored, []);
  });

  test("replaces everything once the transaction under way has ended (ST4)", async () => {
    const fixture = new Fixture();
    const { store, runner } = fixture;
    fixture.execute(1);
    await nextTurn();
    const replaced = runner.replace(stateAt(9));
    await nextTurn();
    assert.deepEqual(store.calls, ["commit 1"]);
    await store.end();
    assert.deepEqual(store.calls, ["commit 1", "replace 9"]);
    await store.end();
    await replaced;
    assert.equal(runner.storedSeq, 9);
  });

  test("never stores a batch with the state that replaces it", async () => {
    const fixture = new Fixture();
    const { store, runner, ledger } = fixture;
    fixture.execute(1);
    await nextTurn();
    fixture.execute(2);
    // As the host does: memory first, then the database.
    ledger.load([]);
    const replaced = runner.replace(stateAt(9));
    await store.end();
    assert.deepEqual(store.calls, ["commit 1", "replace 9"]);
    await store.end();
    await replaced;
    fixture.clients.load([], []);
    runner.executed(blockOf(10), 0);
    await nextTurn();
    assert.deepEqual(store.calls.at(-1), "commit 10");
    await store.end();
  });

  test("waits until the journal holds what was decided (2.12)", async () => {
    const fixture = new Fixture();
    const { runner, store, stored } = fixture;
    fixture.execute(1, 7);
    await nextTurn();
    runner.onDurable(6);
    await nextTurn();
    assert.deepEqual(store.calls, []);
    runner.onDurable(7);
    await nextTurn();
    assert.deepEqual(store.calls, ["commit 1"]);
    await store.end();
    assert.deepEqual(stored, [1]);
  });

  test("waits for the journal to hold all of a group, also if decided out of order", async () => {
    const fixture = new Fixture();
    const { runner, store } = fixture;
    runner.onDurable(6);
    fixture.execute(1, 7);
    fixture.execute(2, 5);
    await nextTurn();
    assert.deepEqual(store.calls, []);
    runner.onDurable(7);
    await nextTurn();
    assert.deepEqual(store.calls, ["commit 1 2"]);
    await store.end();
  });

  test("closes without what a journal that failed does not hold", async () => {
    const fixture = new Fixture();
    const { runner, store, stored } = fixture;
    fixture.execute(1, 7);
    await nextTurn();
    await runner.close();
    assert.deepEqual(store.calls, ["close"]);
    assert.deepEqual(stored, []);
  });

  test("reports a failed replacement", async () => {
    const { store, runner, fatal } = new Fixture();
    const replaced = runner.replace(stateAt(9));
    await nextTurn();
    const cause = new Error("gone");
    await store.end(cause);
    await replaced;
    assert.deepEqual(fatal, [cause]);
    assert.equal(runner.storedSeq, 0);
  });

  test("closes the store once everything is in it", async () => {
    const fixture = new Fixture();
    const { store, runner } = fixture;
    fixture.execute(1);
    const closed = runner.close();
    await nextTurn();
    assert.equal(store.calls.includes("close"), false);
    await store.end();
    await closed;
    assert.deepEqual(store.calls, ["commit 1", "close"]);
  });
});
