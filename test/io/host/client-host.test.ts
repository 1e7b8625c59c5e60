import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { bundleItems, bundleOf } from "../../../src/core/base/bundle.js";
import { CLIENT_OPTIONS_DEFAULT } from "../../../src/core/client/options.js";
import { type Message, type Request, ReplyCode } from "../../../src/core/message.js";
import {
  ClientHost,
  type Completion,
  type OutcomeMaker,
  type Wait,
} from "../../../src/io/client-host.js";
import { Destination } from "../../../src/io/egress.js";
import { EndOfTurn } from "../../../src/io/end-of-turn.js";
import { TurnSigner } from "../../../src/io/turn-signer.js";
import { hasher } from "../../core/pbft/builders.js";

type World = ConstructorParameters<typeof ClientHost<Outcome>>[0];

const WAIT = { timeoutMs: 1_000 };

/** As many as the larger tests need. */
const WAITING_MAX = 4_000;

type Outcome =
  | ({ readonly kind: "completed"; readonly result: Uint8Array } & Completion)
  | { readonly kind: "timeout"; readonly retry: (wait: Wait) => Promise<Outcome> }
  | { readonly kind: "expired" }
  | { readonly kind: "busy" };

const OUTCOMES: OutcomeMaker<Outcome> = {
  completed: (bytes, start, end, completion) => {
    return { kind: "completed", result: bytes.slice(start, end), ...completion };
  },
  timeout: (retry) => ({ kind: "timeout", retry }),
  expired: () => ({ kind: "expired" }),
  busy: () => ({ kind: "busy" }),
};

/** A client's host whose network only takes notes; replicas answer when the test says so. */
class Fixture {
  readonly sent: Message[] = [];
  readonly host: ClientHost<Outcome>;

  constructor(waitingMax = WAITING_MAX) {
    const replicas = [0, 1, 2, 3].map((id) => {
      return new Destination({ role: "replica", id }, { address: "127.0.0.1", port: 7_000 + id });
    });
    const endOfTurn = new EndOfTurn();
    const world = {
      keys: { hasher, sign: () => new Uint8Array(64), authenticate: () => new Uint8Array(64) },
      egress: { queue: (message: Message) => this.sent.push(message), flush: () => undefined },
      ...{ endOfTurn, signer: new TurnSigner(endOfTurn, null) },
      replicas,
    };
    const options = { ...CLIENT_OPTIONS_DEFAULT, client: 0, replicaCount: 4 };
    this.host = new ClientHost(world as unknown as World, options, OUTCOMES, waitingMax);
  }

  /** Lets the present turn end. */
  async turn(): Promise<void> {
    await nextTurn();
  }

  async invoke(mark: number, isRead: boolean, wait: Wait): Promise<Outcome> {
    const [outcome, ...others] = await this.invokeAll([mark], isRead, wait);
    assert(outcome !== undefined && others.length === 0);
    return outcome;
  }

  invokeAll(marks: readonly number[], isRead: boolean, wait: Wait): Promise<Outcome[]> {
    return this.host.invoke(bundleOf(marks.map((mark) => Uint8Array.of(mark))), isRead, wait);
  }

  /** The session that said hello last. */
  get session(): number {
    const hello = this.sent.findLast((message) => message.kind === "hello");
    assert(hello?.kind === "hello");
    return hello.session;
  }

  get requests(): Request[] {
    return this.sent.filter((message) => message.kind === "request");
  }

  async welcome(): Promise<void> {
    await this.turn();
    const { session } = this;
    for (const from of [0, 1, 2, 3]) {
      this.host.onMessage(from, { kind: "welcome", session, view: 0 });
    }
    await this.turn();
  }

  /** Q replicas answer `request`, each of its operations with the operation's own bytes. */
  async answer(request: Request, code: ReplyCode = ReplyCode.executed): Promise<void> {
    const { session, timestamp, bundle } = request;
    for (const from of [0, 1, 2]) {
      const reply = { kind: "reply", view: 0, session, timestamp, seq: 3, code } as const;
      this.host.onMessage(from, { ...reply, results: bundle });
    }
    await this.turn();
  }
}

describe("a client's host", () => {
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  });
  afterEach(() => {
    mock.timers.reset();
  });

  test("puts what one turn submits into one request", async () => {
    const fixture = new Fixture();
    await fixture.welcome();
    const outcomes = [1, 2, 3].map((mark) => {
      return fixture.invoke(mark, false, WAIT);
    });
    await fixture.turn();
    const [request, ...others] = fixture.requests;
    assert(request !== undefined);
    assert.deepEqual(others, []);
    assert.deepEqual(
      bundleItems(request.bundle),
      [1, 2, 3].map((mark) => Uint8Array.of(mark)),
    );
    await fixture.answer(request);
    const results = (await Promise.all(outcomes)).map((outcome) => {
      assert(outcome.kind === "completed");
      return [outcome.result[0], outcome.path, outcome.seq];
    });
    assert.deepEqual(results, [
      [1, "ordered", 3],
      [2, "ordered", 3],
      [3, "ordered", 3],
    ]);
  });

  test("answers a submission of many in order, what is late by itself", async () => {
    const fixture = new Fixture();
    await fixture.welcome();
    const marks = Array.from({ length: 3_000 }, (_, index) => index % 251);
    const waiting = fixture.invokeAll(marks, false, WAIT);
    await fixture.turn();
    await fixture.answer(fixture.requests[0] ?? assert.fail());
    mock.timers.tick(1_000);
    const outcomes = await waiting;
    assert.equal(outcomes.length, 3_000);
    const doneCount = bundleItems(fixture.requests[0]?.bundle ?? assert.fail()).length;
    for (const [index, outcome] of outcomes.entries()) {
      assert.equal(outcome.kind, index < doneCount ? "completed" : "timeout");
      if (outcome.kind === "completed") assert.deepEqual(outcome.result[0], marks[index]);
    }
    const late = outcomes[doneCount];
    assert(late?.kind === "timeout");
    await fixture.answer(fixture.requests[1] ?? assert.fail());
    const again = await late.retry(WAIT);
    assert.equal(again.kind, "completed");
  });

  test("gives up at the deadline, and goes on in a new session", async () => {
    const fixture = new Fixture();
    await fixture.welcome();
    const first = fixture.session;
    const waiting = fixture.invoke(1, false, WAIT);
    await fixture.turn();
    mock.timers.tick(999);
    assert.equal(fixture.session, first);
    mock.timers.tick(1);
    assert.equal((await waiting).kind, "timeout");
    await fixture.turn();
    assert(fixture.session > first, "sessions of one client are ordered by their start (CL1)");
    assert.equal(fixture.host.welcomeCount, 0);
  });

  test("asks again for the same request, which can't run twice (CL1)", async () => {
    const fixture = new Fixture();
    await fixture.welcome();
    const waiting = fixture.invoke(1, false, WAIT);
    await fixture.turn();
    mock.timers.tick(1_000);
    const outcome = await waiting;
    assert(outcome.kind === "timeout");
    const restingCount = fixture.requests.length;
    for (let tick = 0; tick < 100; tick += 1) fixture.host.tick();
    assert.equal(fixture.requests.length, restingCount, "a session nobody waits for rests");
    const again = outcome.retry(WAIT);
    for (let tick = 0; tick < 100; tick += 1) fixture.host.tick();
    const [first, ...repeated] = fixture.requests;
    assert(first !== undefined && repeated.length > 0);
    for (const request of repeated) assert.equal(request, first);
    await fixture.answer(first);
    assert.equal((await again).kind, "completed");
  });

  test("keeps an outcome that came when nobody waited, for who asks again", async () => {
    const fixture = new Fixture();
    await fixture.welcome();
    const waiting = fixture.invoke(1, false, WAIT);
    await fixture.turn();
    mock.timers.tick(1_000);
    const outcome = await waiting;
    assert(outcome.kind === "timeout");
    await fixture.answer(fixture.requests[0] ?? assert.fail());
    const late = await outcome.retry(WAIT);
    assert.equal(late.kind, "completed");
  });

  test("lets go at once when its caller gives up", async () => {
    const fixture = new Fixture();
    await fixture.welcome();
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = fixture.invoke(1, false, { ...WAIT, signal });
    await fixture.turn();
    controller.abort();
    assert.equal((await waiting).kind, "timeout");
    const before = fixture.invoke(2, false, { ...WAIT, signal });
    assert.equal((await before).kind, "timeout", "it had given up before it asked");
  });

  test("tells that a session was forgotten, and takes another one", async () => {
    const fixture = new Fixture();
    await fixture.welcome();
    const first = fixture.session;
    const waiting = fixture.invoke(1, false, WAIT);
    await fixture.turn();
    await fixture.answer(fixture.requests[0] ?? assert.fail(), ReplyCode.sessionExpired);
    assert.deepEqual(await waiting, { kind: "expired" } satisfies Outcome);
    await fixture.turn();
    assert(fixture.session > first);
  });

  test("reads from all replicas", async () => {
    const fixture = new Fixture();
    await fixture.welcome();
    const waiting = fixture.invoke(1, true, WAIT);
    await fixture.turn();
    const read = fixture.sent.at(-1);
    assert(read?.kind === "read");
    const { session, nonce } = read;
    const results = bundleOf([Uint8Array.of(9)]);
    for (const from of [1, 2, 3]) {
      fixture.host.onMessage(from, {
        kind: "read-reply",
        view: 0,
        session,
        nonce,
        seq: 2,
        results,
      });
    }
    const outcome = await waiting;
    assert(outcome.kind === "completed");
    assert.deepEqual([outcome.path, outcome.result[0]], ["read-only", 9]);
  });

  test("inspects one replica, and gives up when it stays silent", async () => {
    const fixture = new Fixture();
    const asked = fixture.host.inspect(2, 400);
    const question = fixture.sent.at(-1);
    assert(question?.kind === "inspect");
    const json = Uint8Array.of(1);
    const forged = {
      kind: "inspect-reply",
      nonce: question.nonce,
      json: Uint8Array.of(2),
    } as const;
    fixture.host.onMessage(3, forged);
    fixture.host.onMessage(2, { kind: "inspect-reply", nonce: question.nonce, json });
    assert.equal(await asked, json);
    const silent = fixture.host.inspect(2, 400);
    const before = fixture.sent.length;
    mock.timers.tick(399);
    assert(fixture.sent.length > before, "a lost question is asked again");
    mock.timers.tick(1);
    assert.equal(await silent, null);
  });

  test("sends nothing while as many operations wait as may, and says so", async () => {
    const fixture = new Fixture(8);
    await fixture.welcome();
    const marks = Array.from({ length: 7 }, (_, mark) => mark);
    const waiting = fixture.invokeAll(marks, false, WAIT);
    const refused = await fixture.invokeAll([8, 9], false, WAIT);
    assert.deepEqual(refused, [{ kind: "busy" }, { kind: "busy" }]);
    await fixture.turn();
    const [request, ...others] = fixture.requests;
    assert(request !== undefined && others.length === 0);
    await fixture.answer(request);
    assert((await waiting).every(({ kind }) => kind === "completed"));
    const late = fixture.invoke(8, false, WAIT);
    await fixture.turn();
    await fixture.answer(fixture.requests.at(-1) ?? assert.fail());
    assert.equal((await late).kind, "completed", "there is room again");
  });

  test("frees the room of those who stopped waiting", async () => {
    const fixture = new Fixture(8);
    await fixture.welcome();
    const marks = Array.from({ length: 8 }, (_, mark) => mark);
    const waiting = fixture.invokeAll(marks, false, WAIT);
    await fixture.turn();
    mock.timers.tick(WAIT.timeoutMs);
    assert((await waiting).every(({ kind }) => kind === "timeout"));
    const next = fixture.invoke(1, false, WAIT);
    await fixture.turn();
    mock.timers.tick(WAIT.timeoutMs);
    assert.equal((await next).kind, "timeout", "it was not refused");
  });

  test("awaits replies to what is outstanding and to nothing else", async () => {
    const fixture = new Fixture();
    await fixture.welcome();
    const waiting = [fixture.invoke(1, false, WAIT), fixture.invoke(2, true, WAIT)];
    await fixture.turn();
    const { session, host } = fixture;
    const [request = assert.fail()] = fixture.requests;
    const read = fixture.sent.find((message) => message.kind === "read") ?? assert.fail();
    const { timestamp } = request;
    const { nonce } = read;
    const awaited = (): boolean[] => [
      host.awaits("reply", session, timestamp),
      host.awaits("read-reply", session, nonce),
    ];
    assert.deepEqual(awaited(), [true, true]);
    assert(!host.awaits("reply", session, timestamp + 1));
    assert(!host.awaits("read-reply", session, nonce - 1));
    assert(!host.awaits("reply", session - 1, timestamp));
    await fixture.answer(request);
    assert.deepEqual(awaited(), [false, true], "three of four are enough");
    const answer = { view: 0, session, nonce, seq: 3, results: read.bundle };
    for (const from of [0, 1, 2]) host.onMessage(from, { kind: "read-reply", ...answer });
    assert.deepEqual(awaited(), [false, false]);
    assert((await Promise.all(waiting)).every(({ kind }) => kind === "completed"));
  });

  test("a wait whose signal was aborted before is over at once", async () => {
    const fixture = new Fixture();
    await fixture.welcome();
    const signal = AbortSignal.abort();
    const outcome = await fixture.invoke(1, false, { ...WAIT, signal });
    assert.equal(outcome.kind, "timeout");
  });

  test("tells everybody who waits when it is closed", async () => {
    const fixture = new Fixture();
    await fixture.welcome();
    const waiting = fixture.invoke(1, false, WAIT);
    const asked = fixture.host.inspect(1, 400);
    await fixture.turn();
    fixture.host.close();
    assert.equal((await waiting).kind, "timeout");
    assert.equal(await asked, null);
    await assert.rejects(fixture.invoke(1, false, WAIT));
  });
});
