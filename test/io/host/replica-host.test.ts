import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Batch, JournalRecord, Message } from "../../../src/core/message.js";
import { bundleOf } from "../../../src/core/base/bundle.js";
import { encodeOperation } from "../../../src/core/ledger/operation.js";
import type { Effect } from "../../../src/core/pbft/effect.js";
import { Replica } from "../../../src/core/pbft/replica.js";
import { Destination } from "../../../src/io/egress.js";
import { HELD_EFFECTS_MAX } from "../../../src/io/effect-gate.js";
import { HostedLedger } from "../../../src/io/hosted-service.js";
import { ServiceRest } from "../../../src/io/service-rest.js";
import { ReplicaHost } from "../../../src/io/replica-host.js";
import { Tally } from "../../../src/io/tally.js";
import {
  balanceIn,
  batchOf,
  commit,
  CUSTOMER,
  hasher,
  prepare,
  prePrepare,
  readOf,
  requestOf,
  sampleBatch,
  sampleBank,
  sampleOptions,
  TELLER,
  viewChangeOf,
} from "../../core/pbft/builders.js";
import { Turns } from "./turns.js";

type World = ConstructorParameters<typeof ReplicaHost>[1];

const SELF = 1;
const PEER_PORT = 7_000;
const CLIENT_PORT = 8_000;

function at(port: number): { address: string; port: number } {
  return { address: "127.0.0.1", port };
}

/** Replica 1 with its bank; journal, store and network only take notes. */
class Fixture {
  readonly ledger = new HostedLedger(sampleBank());
  /** In which everything fits, until a test says otherwise. */
  readonly turns = new Turns(0);
  readonly appended: JournalRecord["kind"][] = [];
  readonly durable: number[] = [];
  readonly stored: [number, number][] = [];
  readonly discarded: number[] = [];
  /** What was queued: the kind of message, and the ports that it goes to. */
  readonly queued: [Message["kind"], number[]][] = [];
  readonly messages: Message[] = [];
  readonly rejects = new Tally();
  flushes = 0;
  /** How often what waits for the disk was said to be waited for. */
  hurries = 0;
  hasRoom = true;
  /** What the journal does at the end of a turn. */
  onFlush = (): void => undefined;
  /** The last batch in the database. */
  storedSeq = 0;
  readonly host: ReplicaHost;
  /** Another host in the same world, of a core that a test plays. */
  readonly hostOf: (core: Replica) => ReplicaHost;

  constructor(isStrict = false, self = SELF) {
    const replica = new Replica(sampleOptions({ self }), hasher, this.ledger);
    const world = {
      keys: { hasher, sign: () => new Uint8Array(64) },
      records: {
        append: (record: JournalRecord) => this.appended.push(record.kind),
        canAppend: () => this.hasRoom,
        hurry: () => {
          this.hurries += 1;
        },
        flush: () => {
          this.onFlush();
        },
        discard: (seq: number) => this.discarded.push(seq),
      },
      stores: {
        onDurable: (id: number) => this.durable.push(id),
        executed: ({ seq }: { seq: number }, after: number) => this.stored.push([seq, after]),
        replace: ({ seq }: { seq: number }): Promise<void> => {
          this.storedSeq = seq;
          return Promise.resolve();
        },
      },
      egress: {
        queue: (message: Message, to: readonly Destination[]): void => {
          this.queued.push([message.kind, to.map(({ address }) => address.port)]);
          this.messages.push(message);
        },
        flush: (): void => {
          this.flushes += 1;
        },
      },
      service: this.ledger,
      rest: new ServiceRest(this.ledger, this.turns.budget),
      budget: this.turns.budget,
      peers: [0, 1, 2, 3].map((id) => {
        if (id === self) return null;
        return new Destination({ role: "replica", id }, at(PEER_PORT + id));
      }),
      rejects: this.rejects,
      isStrict,
      inspect: () => ({ executed: replica.executedSeq }),
      probes: [],
    };
    Object.defineProperty(world.stores, "storedSeq", { get: () => this.storedSeq });
    this.hostOf = (core) => new ReplicaHost(core, world as unknown as World);
    this.host = this.hostOf(replica);
  }

  /** A message of replica `from` arrives. */
  receive(from: number, message: Message): void {
    this.host.onMessage({ role: "replica", id: from }, message, at(PEER_PORT + from));
  }

  /** A message of a client arrives. */
  hear(message: Message, id = TELLER): void {
    this.host.onMessage({ role: "client", id }, message, at(CLIENT_PORT));
  }

  /** The database holds everything up to `seq`. */
  store(seq: number): void {
    this.storedSeq = seq;
    this.host.onStored(seq);
  }

  order(seq: number, batch = sampleBatch(seq)): void {
    this.receive(0, prePrepare(0, seq, batch));
  }

  /** A quorum says that `batch` has its place. */
  commit(seq: number, batch = sampleBatch(seq)): void {
    for (const from of [0, 2, 3]) this.receive(from, commit(0, seq, batch));
  }

  /** The answer to a read. */
  readReply(): Extract<Message, { kind: "read-reply" }> | undefined {
    return this.messages.find((message) => message.kind === "read-reply");
  }

  /** Replica 1 executes batch `seq`; its own disk has not answered yet. */
  execute(seq: number): void {
    this.order(seq);
    this.commit(seq);
  }
}

/** A batch of so many requests, each of which is a step to execute: 256 deposits of 1. */
function largeBatch(mark: number, requestCount: number): Batch {
  const deposit = encodeOperation({ kind: "deposit", account: "1", amount: 1n });
  const bundle = bundleOf(Array.from({ length: 256 }, () => deposit));
  const requests = Array.from({ length: requestCount }, (_, index) => ({
    ...requestOf({ session: 100 * mark + index }),
    bundle,
  }));
  return batchOf(...requests);
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

  test("executes what it has missed over several turns", async () => {
    const fixture = new Fixture();
    const { turns, host } = fixture;
    turns.stepMs = 1;
    for (let seq = 1; seq <= 8; seq += 1) fixture.order(seq, largeBatch(seq, 1));
    for (let seq = 8; seq >= 1; seq -= 1) fixture.commit(seq, largeBatch(seq, 1));
    const few = host.counts.batches;
    assert(few > 0 && few < 8, "as much as fits a turn");
    await turns.pass(1);
    assert(host.counts.batches > few && host.counts.batches < 8);
    await turns.pass(10);
    assert.equal(host.counts.batches, 8);
    assert.equal(fixture.ledger.accountRows()[0]?.balance, 1_000n + 8n * 256n);
  });

  test("executes a large batch over turns; a read shows the state after it (RO1)", async () => {
    const fixture = new Fixture();
    const { turns, host } = fixture;
    turns.stepMs = 100;
    for (const seq of [1, 2]) fixture.order(seq, largeBatch(seq, 2));
    for (const seq of [2, 1]) fixture.commit(seq, largeBatch(seq, 2));
    host.onDurable(4);
    assert.equal(fixture.ledger.accountRows()[0]?.balance, 1_256n, "the first of two requests");
    fixture.hear(readOf(7));
    assert.equal(fixture.readReply(), undefined);
    await turns.pass(2);
    const reply = fixture.readReply();
    assert.equal(reply?.seq, 1);
    assert.equal(balanceIn(reply.results), 1_512n, "and nothing of the batch that comes next");
    assert.equal(host.counts.batches, 1);
    await turns.pass(4);
    assert.equal(host.counts.batches, 2);
    assert.equal(fixture.ledger.accountRows()[0]?.balance, 2_024n);
  });

  test("reads that wait for a batch are few, and leave room for others (I11, RB1)", async () => {
    const fixture = new Fixture();
    fixture.turns.stepMs = 100;
    fixture.order(1, largeBatch(1, 2));
    fixture.commit(1, largeBatch(1, 2));
    fixture.host.onDurable(2);
    for (let nonce = 1; nonce <= 5_000; nonce += 1) fixture.hear(readOf(nonce));
    const refused = fixture.rejects.of("host/executing");
    assert(refused > 0 && refused < 5_000);
    fixture.hear({ ...readOf(), client: CUSTOMER }, CUSTOMER);
    assert.equal(fixture.rejects.of("host/executing"), refused);
    await fixture.turns.pass(3);
    const replies = fixture.messages.filter(({ kind }) => kind === "read-reply");
    assert.equal(replies.length, 5_001 - refused);
  });

  test("a batch that is half executed when it stops is stored whole or not at all", async () => {
    const fixture = new Fixture();
    fixture.turns.stepMs = 100;
    for (const seq of [1, 2]) fixture.order(seq, largeBatch(seq, 2));
    for (const seq of [2, 1]) fixture.commit(seq, largeBatch(seq, 2));
    fixture.host.stop();
    await fixture.turns.pass(6);
    assert.deepEqual(
      fixture.stored.map(([seq]) => seq),
      [1],
    );
    assert.equal(fixture.ledger.accountRows()[0]?.balance, 1_512n);
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

  test("answers that wait for a database that is away have a bound", () => {
    const fixture = new Fixture(true);
    fixture.execute(1);
    fixture.host.onDurable(2);
    for (let nonce = 1; nonce <= 5_000; nonce += 1) fixture.hear(readOf(nonce));
    const dropped = new Map(fixture.rejects.entries()).get("host/database-behind") ?? 0;
    assert(dropped > 0 && dropped < 5_000);
    const count = fixture.queued.length;
    fixture.store(1);
    assert.equal(fixture.queued.length - count, 5_001 - dropped, "the others are answered");
  });

  test("answers that wait for a journal that is away have a bound (I11)", () => {
    const fixture = new Fixture();
    fixture.execute(1);
    for (let nonce = 1; nonce <= 20_000; nonce += 1) fixture.hear(readOf(nonce));
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

  test("answers an inspection of anybody who may ask, with JSON", async () => {
    const fixture = new Fixture();
    fixture.hear({ kind: "inspect", nonce: 3 });
    await nextTurn();
    const reply = fixture.messages.at(-1);
    assert(reply?.kind === "inspect-reply");
    assert.equal(reply.nonce, 3);
    assert.deepEqual(JSON.parse(new TextDecoder().decode(reply.json)), { executed: 0 });
    assert.deepEqual(fixture.queued, [["inspect-reply", [CLIENT_PORT]]]);
  });

  test("answers of many inspections the last of each client, so that few wait (I11)", async () => {
    const fixture = new Fixture();
    for (let nonce = 1; nonce <= 1_000; nonce += 1) fixture.hear({ kind: "inspect", nonce });
    fixture.hear({ kind: "inspect", nonce: 7 }, CUSTOMER);
    await nextTurn();
    fixture.hear({ kind: "inspect", nonce: 1_001 });
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
