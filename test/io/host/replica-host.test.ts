import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Effect } from "../../../src/core/pbft/effect.js";
import type { Event } from "../../../src/core/pbft/event.js";
import type { Replica } from "../../../src/core/pbft/replica.js";
import { HELD_EFFECTS_MAX } from "../../../src/io/effect-gate.js";
import {
  balanceIn,
  commit,
  CUSTOMER,
  prepare,
  readOf,
  requestOf,
  sampleBatch,
  TELLER,
  viewChangeOf,
} from "../../core/pbft/builders.js";
import { at, CLIENT_PORT, Fixture } from "./host-fixture.js";

/** So many reads come, no more in a turn than it may answer. */
async function hearReads(fixture: Fixture, count: number): Promise<void> {
  for (let nonce = 1; nonce <= count; nonce += 1) {
    fixture.hear(readOf(nonce));
    if (nonce % 200 === 0) await nextTurn();
  }
}

describe("a replica's host", () => {
  test("says nothing before what it promises is durable (2.12)", () => {
    const fixture = new Fixture();
    fixture.order(1);
    fixture.receive(2, prepare(0, 1, sampleBatch(1)));
    assert.deepEqual(fixture.appended, ["pre-prepared", "prepared"]);
    assert.deepEqual(fixture.queued, []);
    fixture.host.onDurable(1);
    assert.deepEqual(fixture.queued, [["prepare", [7_000, 7_002, 7_003]]]);
    fixture.host.onDurable(2);
    assert.equal(fixture.queued.length, 2);
    assert.deepEqual(fixture.queued[1], ["commit", [7_000, 7_002, 7_003]]);
  });

  test("says that it waits for the disk where a message does, or a strict answer", () => {
    const fixture = new Fixture();
    fixture.order(1);
    assert.equal(fixture.hurries, 1, "a PREPARE waits for the Q-entry");
    fixture.execute(2);
    const { hurries } = fixture;
    const strict = new Fixture(true);
    strict.order(1);
    strict.execute(2);
    assert.equal(strict.hurries, hurries, "nothing was executed yet");
    for (const from of [0, 2, 3]) {
      fixture.receive(from, commit(0, 1, sampleBatch(1)));
      strict.receive(from, commit(0, 1, sampleBatch(1)));
    }
    assert.equal(strict.hurries, fixture.hurries + 2, "one more for each batch executed");
  });

  test("sends what a turn brought about in one go, at its end", async () => {
    const fixture = new Fixture();
    for (const seq of [1, 2, 3]) fixture.order(seq);
    fixture.host.onDurable(3);
    assert.equal(fixture.flushes, 0);
    await nextTurn();
    assert.equal(fixture.flushes, 1);
  });

  test("sends with the rest what the disk made durable at the end of the turn", async () => {
    const fixture = new Fixture();
    fixture.onFlush = () => {
      assert.equal(fixture.flushes, 0, "before anything is sent");
      assert.deepEqual(fixture.appended, ["pre-prepared", "prepared"]);
      if (fixture.queued.length === 0) fixture.host.onDurable(2);
    };
    fixture.order(1);
    fixture.receive(2, prepare(0, 1, sampleBatch(1)));
    await nextTurn();
    const others = [7_000, 7_002, 7_003];
    assert.deepEqual(fixture.queued, [
      ["prepare", others],
      ["commit", others],
    ]);
    await nextTurn();
    assert.equal(fixture.flushes, 1);
  });

  test("hands the requests of a turn to the core together, at its end (BA2)", async () => {
    const fixture = new Fixture(false, 0);
    for (const session of [1, 2, 3]) fixture.hear(requestOf({ session }));
    assert.deepEqual(fixture.appended, []);
    await nextTurn();
    assert.deepEqual(fixture.appended, ["pre-prepared"]);
    assert.equal(fixture.flushes, 1);
  });

  test("signs with its own key what the core asks for, and goes on", () => {
    const fixture = new Fixture();
    for (const from of [0, 3]) fixture.receive(from, viewChangeOf(from, 2));
    assert.deepEqual(fixture.appended, ["view-change"]);
    fixture.host.onDurable(1);
    assert.deepEqual(fixture.queued, [["view-change", [7_000, 7_002, 7_003]]]);
  });

  test("executes in memory at once and tells the store which decision it rests on (BK3)", () => {
    const fixture = new Fixture();
    fixture.execute(1);
    assert.equal(fixture.ledger.accountRows()[0]?.balance, 1_001n);
    assert.deepEqual(fixture.stored, [[1, 2]]);
    assert.deepEqual([fixture.host.counts.batches, fixture.host.counts.requests], [1, 1]);
  });

  test("answers a client where it was heard of last, once its decision is durable", () => {
    const fixture = new Fixture();
    fixture.hear({ kind: "hello", session: 1, nonce: 1 });
    assert.deepEqual(fixture.queued, [["welcome", [CLIENT_PORT]]]);
    fixture.execute(1);
    fixture.host.onDurable(1);
    assert.equal(fixture.queued.at(-1)?.[0], "prepare");
    fixture.host.onDurable(2);
    assert.deepEqual(fixture.queued.at(-1), ["reply", [CLIENT_PORT]]);
  });

  test("has no reply for a client that it never heard of", () => {
    const fixture = new Fixture();
    fixture.execute(1);
    fixture.host.onDurable(2);
    assert.equal(
      fixture.queued.some(([kind]) => kind === "reply"),
      false,
    );
  });

  test("with strict replies, answers a write once the database holds it", () => {
    const fixture = new Fixture(true);
    fixture.hear({ kind: "hello", session: 1, nonce: 1 });
    fixture.execute(1);
    fixture.host.onDurable(2);
    assert.equal(fixture.queued.at(-1)?.[0], "prepare", "replicas wait for nothing more");
    fixture.store(1);
    assert.deepEqual(fixture.queued.at(-1), ["reply", [CLIENT_PORT]]);
  });

  test("with strict replies, a read too shows only what the database holds", () => {
    const fixture = new Fixture(true);
    fixture.hear(readOf(1));
    assert.equal(fixture.queued.at(-1)?.[0], "read-reply", "which is the genesis now");
    fixture.execute(1);
    fixture.host.onDurable(2);
    const count = fixture.queued.length;
    fixture.hear(readOf(2));
    assert.equal(fixture.queued.length, count);
    fixture.store(1);
    assert.equal(fixture.queued.at(-1)?.[0], "read-reply");
  });

  test("strict replies: a repaired state may lie below what was stored (CK4)", async () => {
    const fixture = new Fixture(true);
    const effects: Effect[] = [];
    const core = { step: () => null, takeEffects: () => effects.splice(0), view: 0, active: true };
    const host = fixture.hostOf(core as unknown as Replica);
    const reply = (seq: number): void => {
      const counts = { view: 0, session: 1, timestamp: seq, seq, code: 0 } as const;
      const message = { kind: "reply", ...counts, results: new Uint8Array(0) } as const;
      effects.push({ kind: "reply", client: TELLER, session: 1, message, after: null });
      host.dispatch({ kind: "ticked" });
    };
    const hello = { kind: "hello", session: 1, nonce: 1 } as const;
    host.onMessage({ role: "client", id: TELLER }, hello, at(CLIENT_PORT));
    fixture.storedSeq = 10;
    host.onStored(10);
    reply(11);
    const state = { seq: 8, serviceRoot: new Uint8Array(32), pages: [] };
    effects.push({ kind: "install", ...state, sessions: [], evictedThrough: [] });
    host.dispatch({ kind: "ticked" });
    await nextTurn();
    assert.equal(fixture.storedSeq, 8);
    reply(9);
    const count = fixture.queued.length;
    fixture.storedSeq = 9;
    host.onStored(9);
    assert.equal(fixture.queued.length - count, 1, "what waits now, not what the wrong state said");
  });

  test("tells the batch of a state that the core does not know yet (ST4)", async () => {
    const fixture = new Fixture();
    const effects: Effect[] = [];
    const core = {
      step: ({ kind }: Event) => {
        if (kind === "installed") core.executedSeq = 8;
        return null;
      },
      takeEffects: () => effects.splice(0),
      ...{ executedSeq: 10, view: 0, active: true },
    };
    const host = fixture.hostOf(core as unknown as Replica);
    const told: number[] = [];
    fixture.onReplace = () => told.push(core.executedSeq, host.stateSeq);
    const state = { seq: 8, serviceRoot: new Uint8Array(32), pages: [] };
    effects.push({ kind: "install", ...state, sessions: [], evictedThrough: [] });
    assert.equal(host.stateSeq, 10);
    host.dispatch({ kind: "ticked" });
    await nextTurn();
    assert.deepEqual(told, [10, 8], "while the database takes the state");
    core.executedSeq = 9;
    assert.equal(host.stateSeq, 9);
  });

  test("answers that wait for a database that is away have a bound", async () => {
    const fixture = new Fixture(true);
    fixture.execute(1);
    fixture.host.onDurable(2);
    await hearReads(fixture, 5_000);
    const dropped = new Map(fixture.rejects.entries()).get("host/database-behind") ?? 0;
    assert(dropped > 0 && dropped < 5_000);
    const count = fixture.queued.length;
    fixture.store(1);
    assert.equal(fixture.queued.length - count, 5_001 - dropped, "the others are answered");
  });

  test("answers that wait for a journal that is away have a bound (I11)", async () => {
    const fixture = new Fixture();
    fixture.execute(1);
    await hearReads(fixture, 20_000);
    const dropped = fixture.rejects.of("host/journal-behind");
    assert(dropped > 0 && dropped < 20_000);
    const count = fixture.queued.length;
    fixture.host.onDurable(2);
    assert.equal(fixture.queued.length - count, HELD_EFFECTS_MAX, "the others are answered");
  });

  test("answers a read with what it found, once what that shows is durable (RO6)", () => {
    const fixture = new Fixture();
    fixture.execute(1);
    fixture.hear(readOf(5));
    assert.equal(
      fixture.queued.some(([kind]) => kind === "read-reply"),
      false,
    );
    fixture.host.onDurable(2);
    const reply = fixture.messages.find((message) => message.kind === "read-reply");
    assert(reply?.kind === "read-reply");
    assert.deepEqual([reply.nonce, reply.seq, reply.session], [5, 1, 1]);
    assert.equal(balanceIn(reply.results), 1_001n);
  });

  test("counts what the core refuses, by its code", () => {
    const fixture = new Fixture();
    fixture.order(99);
    fixture.order(99);
    assert.deepEqual(Object.fromEntries(fixture.rejects.entries()), {
      "pre-prepare/outside-window": 2,
    });
  });

  test("takes no new request while the journal is behind, and says so in its counts (RB4)", () => {
    const fixture = new Fixture();
    fixture.hasRoom = false;
    fixture.hear(requestOf());
    assert.deepEqual(fixture.queued, []);
    assert.equal(fixture.rejects.of("host/journal-behind"), 1);
    fixture.order(1);
    assert.deepEqual(fixture.appended, ["pre-prepared"], "what is under way goes on");
  });

  test("answers an inspection of anybody who may ask, with JSON", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const fixture = new Fixture();
    fixture.hear({ kind: "inspect", nonce: 3 });
    context.mock.timers.tick(10);
    await nextTurn();
    const reply = fixture.messages.at(-1);
    assert(reply?.kind === "inspect-reply");
    assert.equal(reply.nonce, 3);
    assert.deepEqual(JSON.parse(new TextDecoder().decode(reply.json)), { executed: 0 });
    assert.deepEqual(fixture.queued, [["inspect-reply", [CLIENT_PORT]]]);
  });

  test("answers the last inspection of each client, so that few wait (I11)", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const fixture = new Fixture();
    for (let nonce = 1; nonce <= 1_000; nonce += 1) fixture.hear({ kind: "inspect", nonce });
    assert.equal(fixture.messages.length, 0, "they wait a little");
    context.mock.timers.tick(10);
    fixture.hear({ kind: "inspect", nonce: 7 }, CUSTOMER);
    await nextTurn();
    fixture.hear({ kind: "inspect", nonce: 1_001 });
    context.mock.timers.tick(10);
    await nextTurn();
    const nonces = fixture.messages.map((reply) => "nonce" in reply && reply.nonce);
    assert.deepEqual(nonces, [1_000, 7, 1_001]);
  });

  test("concludes nothing more once it is stopped, but lets the store finish (2.12)", () => {
    const fixture = new Fixture();
    fixture.order(1);
    assert.deepEqual(fixture.appended, ["pre-prepared"]);
    fixture.host.stop();
    fixture.order(2);
    fixture.host.onDurable(1);
    fixture.host.dispatch({ kind: "stored", seq: 1 });
    assert.deepEqual(fixture.appended, ["pre-prepared"]);
    assert.deepEqual(fixture.durable, [1]);
  });
});
