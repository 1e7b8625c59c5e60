import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";
import { Fixture, type HeldStore, HOUR_MS, LATE_SLOTS, stateAt } from "./store-runner-fixture.js";

/** From which duration of the last transaction on the next one waits for its turn. */
const LONG_MS = 100;

describe("when a transaction begins", () => {
  test("rests for what the database took, not for its wait for the journal", async (context) => {
    let nowMs = 0;
    context.mock.method(performance, "now", () => nowMs);
    const fixture = new Fixture(0, HOUR_MS);
    const { store, runner } = fixture;
    fixture.execute(1, 1);
    await nextTurn();
    nowMs = 10_000;
    runner.onDurable(1);
    await nextTurn();
    await store.end();
    fixture.execute(2, 1);
    await nextTurn();
    assert.deepEqual(store.calls, ["commit 1", "commit 2"]);
    await store.end();
  });

  test("keeps its distance, unless a checkpoint came or it closes", async () => {
    const fixture = new Fixture(HOUR_MS);
    const { store, runner, stored } = fixture;
    fixture.execute(1);
    await nextTurn();
    await store.end();
    for (let seq = 2; seq <= 31; seq += 1) fixture.execute(seq);
    await nextTurn();
    assert.deepEqual(store.calls, ["commit 1"], "the next one waits");
    fixture.execute(32);
    fixture.rest.change(fixture.executing(33));
    await nextTurn();
    assert.deepEqual([store.groups[1]?.seq, store.groups[1]?.blocks.length], [32, 31]);
    await store.end();
    await nextTurn();
    assert.deepEqual(stored, [1, 32], "what came behind the checkpoint waits again");
    const closed = runner.close();
    await nextTurn();
    assert.deepEqual(store.calls.at(-1), "commit 33");
    await store.end();
    await closed;
  });

  test("catches up when no batch comes any more", async (context) => {
    let nowMs = 0;
    context.mock.method(performance, "now", () => nowMs);
    const fixture = new Fixture(HOUR_MS, HOUR_MS, 1);
    const { store, stored } = fixture;
    await fixture.executeTo(1);
    await store.end();
    await fixture.executeTo(2);
    await delay(5);
    assert.deepEqual(store.calls, ["commit 1"]);
    nowMs = 1;
    while (store.groups.length < 2) await delay(1);
    await store.end();
    assert.deepEqual(stored, [1, 2]);
  });

  describe("that takes long", () => {
    let nowMs = 0;
    let fixture: Fixture;
    let store: HeldStore;
    /** Ends the transaction under way, which took `durationMs`. */
    const end = async (durationMs = LONG_MS): Promise<void> => {
      nowMs += durationMs;
      await store.end();
    };

    beforeEach(async (context) => {
      assert("mock" in context);
      context.mock.method(performance, "now", () => nowMs);
      fixture = new Fixture(HOUR_MS);
      ({ store } = fixture);
      await fixture.executeTo(32);
      await end();
    });

    test("writes a checkpoint in its turn", async () => {
      await fixture.executeTo(64);
      await fixture.executeTo(64 + LATE_SLOTS - 1);
      assert.equal(store.groups.length, 1, "another replica writes now");
      await fixture.executeTo(64 + LATE_SLOTS);
      assert.deepEqual([store.groups[1]?.seq, store.groups[1]?.blocks.length], [64, 32]);
      await end(LONG_MS - 1);
      await fixture.executeTo(96);
      assert.equal(store.groups[2]?.seq, 96, "the last one was quick");
      await end();
    });

    test("waits for no turn once it closes", async () => {
      await fixture.executeTo(64);
      assert.equal(store.groups.length, 1);
      const closed = fixture.runner.close();
      await nextTurn();
      assert.equal(store.groups[1]?.seq, 64);
      await end();
      await closed;
    });

    test("waits for no turn once a whole state replaces it", async () => {
      await fixture.executeTo(64);
      const replaced = fixture.runner.replace(stateAt(80));
      await nextTurn();
      assert.equal(store.groups[1]?.seq, 64);
      await end();
      await end();
      await replaced;
      assert.deepEqual([store.groups.length, store.calls.at(-1)], [2, "replace 80"]);
    });

    test("waits for no turn if the window may be full", async () => {
      await fixture.executeTo(64);
      await fixture.executeTo(64 + LATE_SLOTS);
      await fixture.executeTo(128);
      await end();
      assert.deepEqual([store.groups[2]?.seq, store.groups[2]?.blocks.length], [128, 64]);
      await end();
    });
  });
});
