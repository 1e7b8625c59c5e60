import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { InvariantError } from "../../../src/core/base/assert.js";
import { bundleItems, bundleOf } from "../../../src/core/base/bundle.js";
import { ClientSession } from "../../../src/core/client/client-session.js";
import type { ClientEffect } from "../../../src/core/client/effect.js";
import type { ClientOptions } from "../../../src/core/client/options.js";
import { type ReadReply, type Reply, ReplyCode } from "../../../src/core/message.js";
import { type RequestSigner, signRequest } from "../../../src/core/wire/sign.js";
import { hasher } from "../pbft/builders.js";

const OPTIONS: ClientOptions = {
  client: 0,
  session: 8,
  replicaCount: 4,
  retryTicksMin: 10,
  retryTicksMax: 40,
  bundleBytesMax: 100,
  bundleOperationsMax: 3,
};

const signer: RequestSigner = {
  hasher,
  sign: () => new Uint8Array(64),
  authenticate: () => new Uint8Array(64),
};

function operation(mark: number, length = 1): Uint8Array {
  return new Uint8Array(length).fill(mark);
}

/** A session and its world, which signs at once. */
class Client {
  readonly session: ClientSession;
  readonly #seen: ClientEffect[] = [];

  constructor(changes: Partial<ClientOptions> = {}) {
    this.session = new ClientSession({ ...OPTIONS, ...changes });
  }

  /** Everything that the session asked for since the last call. */
  take(): ClientEffect[] {
    const taken = this.#seen.splice(0);
    for (let effects = this.session.takeEffects(); effects.length > 0;) {
      taken.push(...effects);
      for (const effect of effects) {
        if (effect.kind !== "sign") continue;
        const request = signRequest(effect.message, signer);
        this.session.step({ kind: "signed", request });
      }
      effects = this.session.takeEffects();
    }
    return taken;
  }

  welcome(...replicas: number[]): void {
    for (const from of replicas) {
      const message = { kind: "welcome", session: OPTIONS.session, view: 0 } as const;
      this.session.step({ kind: "received", from, message });
    }
  }

  reply(
    from: number,
    timestamp: number,
    marks: readonly number[],
    changes: Partial<Reply> = {},
  ): void {
    const results = bundleOf(marks.map((mark) => operation(mark)));
    const { executed } = ReplyCode;
    const { session } = OPTIONS;
    const fixed = { kind: "reply", view: 0, session, timestamp, seq: 5, code: executed } as const;
    this.session.step({ kind: "received", from, message: { ...fixed, results, ...changes } });
  }

  readReply(
    from: number,
    nonce: number,
    marks: readonly number[],
    changes: Partial<ReadReply> = {},
  ): void {
    const results = bundleOf(marks.map((mark) => operation(mark)));
    const fixed = { kind: "read-reply", view: 0, session: OPTIONS.session, nonce, seq: 5 } as const;
    this.session.step({ kind: "received", from, message: { ...fixed, results, ...changes } });
  }

  tick(count: number): void {
    for (let tick = 0; tick < count; tick += 1) this.session.step({ kind: "ticked" });
  }

  submit(mark: number, isRead = false): number {
    const id = this.session.submit(bundleOf([operation(mark)]), isRead);
    return id;
  }
}

/** A client that Q replicas know. */
function welcomed(changes: Partial<ClientOptions> = {}): Client {
  const client = new Client(changes);
  client.session.flush();
  client.welcome(0, 1, 2, 3);
  client.take();
  return client;
}

function completedIn(effects: readonly ClientEffect[]): [number, number | undefined, string][] {
  return effects.flatMap((effect) => {
    if (effect.kind !== "completed") return [];
    const items = bundleItems(effect.results);
    assert.equal(items.length, countOf(effect.spans), "one result an operation");
    return effect.spans.map(({ submission, count, path }): [number, number | undefined, string] => {
      return [submission, items.splice(0, count)[0]?.[0], path];
    });
  });
}

function countOf(spans: readonly { readonly count: number }[]): number {
  return spans.reduce((sum, { count }) => sum + count, 0);
}

function sentIn(effects: readonly ClientEffect[]): [number | "all", string][] {
  return effects.flatMap((effect) => {
    return effect.kind === "send" ? [[effect.to, effect.message.kind]] : [];
  });
}

describe("the hello", () => {
  test("goes to every replica, and again to those that did not answer", () => {
    const client = new Client();
    client.session.flush();
    assert.deepEqual(
      sentIn(client.take()).map(([to]) => to),
      [0, 1, 2, 3],
    );
    client.welcome(1, 3);
    client.tick(14);
    assert.deepEqual(
      sentIn(client.take()).map(([to]) => to),
      [0, 2],
    );
    client.welcome(0, 2);
    client.tick(200);
    assert.deepEqual(sentIn(client.take()), []);
  });

  test("comes before anything else: nothing is asked until Q replicas know where to answer", () => {
    const client = new Client();
    client.submit(1);
    client.session.flush();
    client.take();
    client.welcome(0, 1);
    assert.equal(client.session.isWelcome, false);
    assert.deepEqual(sentIn(client.take()), []);
    client.welcome(2);
    assert(client.session.isWelcome);
    assert.deepEqual(sentIn(client.take()), [[0, "request"]]);
  });

  test("tells the view that f + 1 replicas have reached (CL7)", () => {
    const client = new Client();
    client.submit(1);
    client.session.flush();
    for (const [from, view] of [
      [0, 900],
      [1, 3],
      [2, 2],
    ] as const) {
      const message = { kind: "welcome", session: OPTIONS.session, view } as const;
      client.session.step({ kind: "received", from, message });
    }
    assert.deepEqual(sentIn(client.take()).at(-1), [3, "request"]);
  });
});

describe("an ordered request", () => {
  test("is complete with Q tentative replies of one view, whoever gave others before (EX3)", () => {
    const client = welcomed();
    client.submit(1);
    client.session.flush();
    client.take();
    const { tentative } = ReplyCode;
    client.reply(0, 1, [9], { code: tentative });
    client.reply(1, 1, [9], { code: tentative, view: 1 });
    client.reply(2, 1, [9], { code: tentative, view: 1 });
    assert.deepEqual(completedIn(client.take()), []);
    client.reply(0, 1, [9], { code: tentative, view: 1 });
    assert.equal(completedIn(client.take()).length, 1);
  });

  test("carries what was submitted together, under one signature, to the primary (CL2)", () => {
    const client = welcomed();
    const ids = [client.submit(1), client.submit(2)];
    client.session.flush();
    const effects = client.take();
    const [sign] = effects.filter((effect) => effect.kind === "sign");
    assert(sign !== undefined);
    assert.deepEqual(bundleItems(sign.message.bundle), [operation(1), operation(2)]);
    assert.equal(sign.message.timestamp, 1);
    assert.deepEqual(sentIn(effects), [[0, "request"]]);
    assert.deepEqual(ids, [1, 2]);
  });

  test("is the only one outstanding: what comes meanwhile waits for the next (CL1, CL6)", () => {
    const client = welcomed();
    client.submit(1);
    client.session.flush();
    client.submit(2);
    client.submit(3);
    client.session.flush();
    assert.equal(sentIn(client.take()).length, 1);
    for (const from of [0, 1, 2]) client.reply(from, 1, [11]);
    const effects = client.take();
    assert.deepEqual(completedIn(effects), [[1, 11, "ordered"]]);
    assert.deepEqual(sentIn(effects), [[0, "request"]]);
    for (const from of [0, 1, 2]) client.reply(from, 2, [12, 13]);
    assert.deepEqual(completedIn(client.take()), [
      [2, 12, "ordered"],
      [3, 13, "ordered"],
    ]);
    assert.equal(client.session.pendingCount, 0);
  });

  test("holds no more operations and no more bytes than a bundle may", () => {
    const client = welcomed();
    for (const mark of [1, 2, 3, 4]) client.submit(mark);
    client.session.flush();
    const counts: number[] = [];
    for (let timestamp = 1; timestamp <= 2; timestamp += 1) {
      const [sign] = client.take().filter((effect) => effect.kind === "sign");
      assert(sign !== undefined);
      const { length } = bundleItems(sign.message.bundle);
      counts.push(length);
      const marks = Array.from({ length }, () => 1);
      for (const from of [0, 1, 2]) client.reply(from, timestamp, marks);
    }
    assert.deepEqual(counts, [3, 1]);
    const large = welcomed();
    for (const mark of [1, 2, 3]) large.session.submit(bundleOf([operation(mark, 45)]), false);
    large.session.flush();
    const [sign] = large.take().filter((effect) => effect.kind === "sign");
    assert(sign !== undefined);
    assert.equal(bundleItems(sign.message.bundle).length, 2);
    assert.throws(() => large.session.submit(bundleOf([operation(1, 97)]), false), InvariantError);
  });

  test("carries as much of one submission as fits, in as few spans as possible", () => {
    const client = welcomed();
    client.submit(1);
    const marks = [2, 3, 4, 5, 6, 7];
    client.session.submit(bundleOf(marks.map((mark) => operation(mark))), false);
    client.session.flush();
    const spans: number[][][] = [];
    let effects = client.take();
    for (let timestamp = 1; timestamp <= 3; timestamp += 1) {
      const sign = effects.find((effect) => effect.kind === "sign");
      const items = bundleItems(sign?.message.bundle ?? assert.fail()).map((item) => item[0] ?? 0);
      for (const from of [0, 1, 2]) client.reply(from, timestamp, items);
      effects = client.take();
      const completed = effects.find((effect) => effect.kind === "completed") ?? assert.fail();
      spans.push(completed.spans.map(({ submission, first, count }) => [submission, first, count]));
      assert.deepEqual(
        bundleItems(completed.results).map((item) => item[0]),
        items,
      );
    }
    assert.deepEqual(spans, [
      [
        [1, 0, 1],
        [2, 0, 2],
      ],
      [[2, 2, 3]],
      [[2, 5, 1]],
    ]);
  });

  test("is done when Q replicas say the same, not fewer (CL4)", () => {
    const client = welcomed();
    client.submit(1);
    client.session.flush();
    client.take();
    client.reply(0, 1, [66]);
    client.reply(1, 1, [11]);
    client.reply(2, 1, [11]);
    client.reply(2, 1, [11]);
    assert.deepEqual(completedIn(client.take()), []);
    client.reply(3, 1, [11]);
    assert.deepEqual(completedIn(client.take()), [[1, 11, "ordered"]]);
  });

  test("ignores replies to other requests and other sessions", () => {
    const client = welcomed();
    client.submit(1);
    client.session.flush();
    client.take();
    for (const from of [0, 1, 2]) client.reply(from, 2, [11]);
    for (const from of [0, 1, 2]) client.reply(from, 1, [11], { session: 9 });
    for (const from of [0, 1, 2]) client.readReply(from, 1, [11]);
    assert.deepEqual(completedIn(client.take()), []);
  });

  test("is sent to all replicas when no answer comes, later and later up to a cap (CL2)", () => {
    const client = welcomed();
    client.submit(1);
    client.session.flush();
    client.take();
    const waits: number[] = [];
    let waited = 0;
    while (waits.length < 5 && waited < 1_000) {
      client.tick(1);
      waited += 1;
      if (client.take().length === 0) continue;
      waits.push(waited);
      waited = 0;
    }
    assert.deepEqual(waits, [11, 22, 43, 40, 41]);
  });

  test("is the very same request every time it is sent (CL1)", () => {
    const client = welcomed();
    client.submit(1);
    client.session.flush();
    const requests = [];
    for (let round = 0; round < 4; round += 1) {
      for (const effect of client.take()) {
        if (effect.kind === "send") requests.push(effect.message);
      }
      client.tick(50);
    }
    assert(requests.length >= 3);
    for (const request of requests) assert.equal(request, requests[0]);
  });

  test("goes to the primary of the view that the last answers came from (CL7)", () => {
    const client = welcomed();
    client.submit(1);
    client.session.flush();
    client.take();
    client.reply(0, 1, [11], { view: 2 });
    client.reply(1, 1, [11], { view: 3 });
    client.reply(2, 1, [11], { view: 900 });
    client.submit(2);
    client.session.flush();
    assert.deepEqual(sentIn(client.take()).at(-1), [3, "request"]);
  });

  test("of a forgotten session has an unknown outcome, and the caller is told", () => {
    const client = welcomed();
    client.submit(1);
    client.submit(2);
    client.session.flush();
    client.take();
    const expired = { code: ReplyCode.sessionExpired, results: new Uint8Array(0), seq: 0 };
    for (const from of [0, 1, 2]) client.reply(from, 1, [1], expired);
    assert.deepEqual(client.take(), [
      {
        kind: "expired",
        spans: [
          { submission: 1, first: 0, count: 1, path: "ordered" },
          { submission: 2, first: 0, count: 1, path: "ordered" },
        ],
      },
    ]);
  });

  test("heeds its timer, not a hint that replicas are busy", () => {
    const client = welcomed();
    client.submit(1);
    client.session.flush();
    client.take();
    const message = { kind: "busy", session: OPTIONS.session, timestamp: 1 } as const;
    client.session.step({ kind: "received", from: 0, message });
    assert.deepEqual(client.take(), []);
  });
});

describe("a read", () => {
  test("goes to all replicas, unsigned, beside an ordered request (RO1)", () => {
    const client = welcomed();
    client.submit(1);
    client.submit(2, true);
    client.session.flush();
    const effects = client.take();
    assert.deepEqual(
      sentIn(effects).sort(([, left], [, right]) => left.localeCompare(right)),
      [
        ["all", "read"],
        [0, "request"],
      ],
    );
  });

  test("is done when Q replicas read the same, whatever they executed since (RO3)", () => {
    const client = welcomed();
    client.submit(1, true);
    client.session.flush();
    client.take();
    client.readReply(0, 1, [7], { seq: 4 });
    client.readReply(1, 1, [7], { seq: 9 });
    assert.deepEqual(completedIn(client.take()), []);
    client.readReply(2, 1, [7], { seq: 5 });
    assert.deepEqual(completedIn(client.take()), [[1, 7, "read-only"]]);
  });

  test("is ordered when all answered and no Q agree; what Q agree on holds (RO3)", () => {
    const client = welcomed();
    const ids = [client.submit(1, true), client.submit(2, true)];
    client.session.flush();
    client.take();
    client.readReply(0, 1, [7, 1]);
    client.readReply(1, 1, [7, 2]);
    client.readReply(2, 1, [7, 1]);
    client.readReply(3, 1, [7, 2]);
    const effects = client.take();
    assert.deepEqual(completedIn(effects), [[ids[0], 7, "read-only"]]);
    assert.deepEqual(sentIn(effects), [[0, "request"]]);
    for (const from of [0, 1, 2]) client.reply(from, 1, [5]);
    assert.deepEqual(completedIn(client.take()), [[ids[1], 5, "ordered-after-read-only"]]);
  });

  test("is ordered when the answers do not come in time", () => {
    const client = welcomed();
    client.submit(1, true);
    client.session.flush();
    client.take();
    client.readReply(0, 1, [7]);
    client.readReply(1, 1, [7]);
    client.tick(20);
    assert.deepEqual(sentIn(client.take()), [[0, "request"]]);
    client.readReply(2, 1, [7]);
    assert.deepEqual(completedIn(client.take()), [], "a late answer changes nothing");
  });

  test("is not fooled by a reply with another number of results", () => {
    const client = welcomed();
    client.submit(1, true);
    client.session.flush();
    client.take();
    client.readReply(0, 1, [7, 7]);
    for (const from of [1, 2]) client.readReply(from, 1, [8]);
    client.readReply(3, 1, [9]);
    const effects = client.take();
    assert.deepEqual(completedIn(effects), []);
    assert.deepEqual(sentIn(effects), [[0, "request"]]);
  });
});

test("settings that contradict each other are our own mistake", () => {
  for (const changes of [
    { session: 0 },
    { session: 1.5 },
    { retryTicksMin: 0 },
    { retryTicksMax: 9 },
    { bundleBytesMax: 60_001 },
    { bundleOperationsMax: 65_536 },
    { replicaCount: 3 },
  ]) {
    assert.throws(() => new ClientSession({ ...OPTIONS, ...changes }), InvariantError);
  }
});
