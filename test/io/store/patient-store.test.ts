import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { PatientStore } from "../../../src/io/patient-store.js";
import { type Store, StoreError, type StoredState } from "../../../src/io/store.js";
import { genesisOf, groupOf } from "./fixture.js";

const FOREVER = { patienceMs: Number.POSITIVE_INFINITY };

/** A database that fails as it is told, and notes what is asked of it. */
class TroubledStore implements Store {
  readonly name = "troubled";
  readonly calls: string[] = [];
  /** What the next calls end with; then they succeed. */
  readonly troubles: (Error | "hangs")[] = [];
  #release: (() => void) | null = null;

  async open(): Promise<StoredState | null> {
    await this.#do("open");
    return null;
  }

  commit(): Promise<void> {
    return this.#do("commit");
  }

  replace(): Promise<void> {
    return this.#do("replace");
  }

  close(): Promise<void> {
    this.calls.push("close");
    this.#release?.();
    return Promise.resolve();
  }

  async #do(call: string): Promise<void> {
    this.calls.push(call);
    const trouble = this.troubles.shift();
    if (trouble === "hangs") {
      await new Promise<void>((resolve) => {
        this.#release = resolve;
      });
      throw new StoreError("closed");
    }
    if (trouble !== undefined) throw trouble;
  }
}

function patient(context: TestContext, openMsMax?: number) {
  const troubled = new TroubledStore();
  const told: (string | null)[] = [];
  const store = new PatientStore({
    make: () => troubled,
    onTrouble: (problem) => told.push(problem),
    ...(openMsMax === undefined ? {} : { openMsMax }),
  });
  context.after(() => store.close());
  return { troubled, told, store };
}

test("patience: trouble that may pass is waited for, and told as it begins and ends", async (t) => {
  const { troubled, told, store } = patient(t);
  troubled.troubles.push(new StoreError("away", FOREVER), new StoreError("busy", FOREVER));
  const committed = store.commit(groupOf(1, 1));
  while (store.health.problem !== "busy") await new Promise(setImmediate);
  assert.deepEqual(store.health, { state: "retrying", problem: "busy" });
  await committed;
  assert.deepEqual(troubled.calls, ["commit", "commit", "commit"]);
  assert.deepEqual(told, ["away", null]);
  assert.deepEqual(store.health, { state: "ok", problem: null });
});

test("patience: trouble that will not pass ends it at once", async (t) => {
  const { troubled, told, store } = patient(t);
  troubled.troubles.push(new StoreError("somebody altered the tables"));
  await assert.rejects(store.replace(genesisOf([])), /altered/);
  assert.deepEqual(troubled.calls, ["replace"]);
  assert.deepEqual(told, []);
});

test("patience: our own bug is not waited for", async (t) => {
  const { troubled, store } = patient(t);
  troubled.troubles.push(new TypeError("bug"));
  await assert.rejects(store.commit(groupOf(1, 1)), TypeError);
});

test("patience: access denied is waited for, but not for ever", async (t) => {
  const { troubled, store } = patient(t);
  const denied = (): StoreError => new StoreError("denied", { patienceMs: 50 });
  for (let count = 0; count < 100; count += 1) troubled.troubles.push(denied());
  await assert.rejects(store.commit(groupOf(1, 1)), /denied/);
  assert(troubled.calls.length > 1, "it was tried again");
  assert(troubled.troubles.length > 0, "and then given up");
});

test("patience: at the start, access denied is told at once", async (t) => {
  const { troubled, store } = patient(t);
  troubled.troubles.push(new StoreError("denied", { patienceMs: 30_000 }));
  await assert.rejects(store.open(), /denied/);
});

test("patience: at the start, a server out of reach is waited for, each time anew", async (t) => {
  const { troubled, store } = patient(t);
  troubled.troubles.push(new StoreError("away", FOREVER));
  assert.equal(await store.open(), null);
  assert.deepEqual(troubled.calls, ["open", "close", "open"]);
});

test("patience: at the start, a server out of reach is not waited for for ever", async (t) => {
  const { troubled, store } = patient(t, 0);
  troubled.troubles.push(new StoreError("away", FOREVER));
  await assert.rejects(store.open(), /away/);
});

test("patience: no pause holds up a stop", async (t) => {
  const { troubled, store } = patient(t);
  for (let count = 0; count < 1_000; count += 1) {
    troubled.troubles.push(new StoreError("away", FOREVER));
  }
  const commit = assert.rejects(store.commit(groupOf(1, 1)), /away/);
  while (store.health.state !== "retrying") await new Promise(setImmediate);
  store.hurry();
  await commit;
  const count = troubled.calls.length;
  await assert.rejects(store.commit(groupOf(2, 2)), /away/);
  assert.equal(troubled.calls.length, count + 1, "once, and not again");
});

test("patience: a stop ends a start that waits, and leaves later work alone", async (t) => {
  const { troubled, store } = patient(t);
  const stopping = new AbortController();
  await store.open(stopping.signal);
  stopping.abort();
  troubled.troubles.push(new StoreError("away", FOREVER));
  await store.commit(groupOf(1, 1));
  assert.deepEqual(troubled.calls, ["open", "commit", "commit"]);
  const waiting = patient(t);
  waiting.troubled.troubles.push(new StoreError("away", FOREVER));
  await assert.rejects(waiting.store.open(stopping.signal), /away/);
});

test("patience: a stop ends the wait of a first start for a database that went away", async (t) => {
  const { troubled, store } = patient(t);
  const stopping = new AbortController();
  for (let attempt = 0; attempt < 8; attempt += 1) {
    troubled.troubles.push(new StoreError("away", FOREVER));
  }
  const replace = assert.rejects(store.replace(genesisOf([]), stopping.signal), /away/);
  while (store.health.state !== "retrying") await new Promise(setImmediate);
  stopping.abort();
  await replace;
});

test("patience: no hanging database holds up a stop", async (t) => {
  const { troubled, store } = patient(t);
  troubled.troubles.push("hangs");
  const commit = assert.rejects(store.commit(groupOf(1, 1)), /closed/);
  store.hurry();
  await commit;
  assert.deepEqual(troubled.calls, ["commit", "close"]);
});
