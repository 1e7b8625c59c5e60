import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SESSIONS_PER_CLIENT_MAX } from "../../../src/core/base/limits.js";
import type { SessionEntry } from "../../../src/core/pbft/session-entry.js";
import { ReplyCode } from "../../../src/core/message.js";
import { commit, CUSTOMER, prePrepare, batchOf, readOf, requestOf, TELLER } from "./builders.js";
import { Cluster } from "./cluster.js";
import { LoneReplica, ofKind, sentOf, single } from "./lone-replica.js";

function answeredAt(session: number, timestamp: number): SessionEntry {
  const results = Uint8Array.of(7);
  return { client: TELLER, session, timestamp, seq: 1, code: ReplyCode.executed, results };
}

/** Replica `self` as it is after `sessions` have executed something. */
function afterSessions(self: number, sessions: readonly SessionEntry[]): LoneReplica {
  return new LoneReplica(
    { self },
    { records: [], storedSeq: 1, sessions, evictedThrough: [], rejoinNonce: null },
  );
}

describe("a request", () => {
  test("is relayed by a backup to the primary, and asks nothing else of it (NC1)", () => {
    const lone = new LoneReplica({ self: 2 });
    const request = requestOf();
    assert.equal(lone.hear(TELLER, request), null);
    const to = { kind: "replica", id: 0 } as const;
    assert.deepEqual(lone.take(), [{ kind: "send", to, message: request, after: null }]);
    assert.equal(lone.replica.pendingCount, 1);
  });

  test("is relayed again when its client sends it again: the datagram may be lost", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.hear(TELLER, requestOf());
    lone.take();
    assert.equal(lone.hear(TELLER, requestOf()), null);
    assert.equal(sentOf(lone.take(), "request").length, 1);
    assert.equal(lone.replica.pendingCount, 1);
  });

  test("that the primary relayed is kept, and not sent back to it", () => {
    const lone = new LoneReplica({ self: 2 });
    assert.equal(lone.receive(0, requestOf()), null);
    assert.deepEqual(lone.take(), []);
    assert.equal(lone.replica.pendingCount, 1);
  });

  test("older than one that waits is stale, a newer one takes its place", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.hear(TELLER, requestOf({ timestamp: 2 }));
    assert.equal(lone.hear(TELLER, requestOf({ timestamp: 1 })), "request/stale");
    assert.equal(lone.hear(TELLER, requestOf({ timestamp: 3 })), null);
    assert.equal(lone.replica.pendingCount, 1);
  });

  test("older than what its session executed is stale, and costs no timer (3.5)", () => {
    const lone = afterSessions(2, [answeredAt(1, 5)]);
    assert.equal(lone.hear(TELLER, requestOf({ timestamp: 4 })), "request/stale");
    assert.equal(lone.replica.pendingCount, 0);
    assert.deepEqual(lone.take(), []);
  });

  test("that says something else under the same timestamp is a conflict (EX2)", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.hear(TELLER, requestOf({ amount: 1n }));
    assert.equal(lone.hear(TELLER, requestOf({ amount: 2n })), "request/conflict");
  });

  test("that was executed is answered again, also if it says something else now (EX2)", () => {
    const lone = afterSessions(2, [answeredAt(1, 5)]);
    for (const amount of [1n, 2n]) {
      assert.equal(lone.hear(TELLER, requestOf({ timestamp: 5, amount })), null);
      const { message, session } = single(ofKind(lone.take(), "reply"));
      assert(message.kind === "reply");
      assert.deepEqual([session, message.results], [1, Uint8Array.of(7)]);
    }
    assert.equal(lone.replica.pendingCount, 0);
  });

  test("of a client that has too many waiting is turned away, with a hint (RB2)", () => {
    const lone = new LoneReplica({ self: 2, pendingPerClientMax: 2 });
    lone.hear(TELLER, requestOf({ session: 1 }));
    lone.hear(TELLER, requestOf({ session: 2 }));
    lone.take();
    assert.equal(lone.hear(TELLER, requestOf({ session: 3 })), "request/pool-full");
    const busy = { kind: "busy", session: 3, timestamp: 1 } as const;
    const reply = {
      kind: "reply",
      client: TELLER,
      session: 3,
      message: busy,
      after: null,
    } as const;
    assert.deepEqual(lone.take(), [reply]);
    assert.equal(lone.hear(CUSTOMER, requestOf({ client: CUSTOMER })), null, "others are served");
  });

  test("of a forgotten session is refused for ever, and its client is told", () => {
    const sessions = [answeredAt(60, 1)];
    const evictedThrough = [{ client: TELLER, session: 50 }];
    const lone = new LoneReplica(
      { self: 2 },
      { records: [], storedSeq: 1, sessions, evictedThrough, rejoinNonce: null },
    );
    assert.equal(lone.hear(TELLER, requestOf({ session: 50 })), "request/expired");
    const { message } = single(ofKind(lone.take(), "reply"));
    assert(message.kind === "reply");
    assert.equal(message.code, ReplyCode.sessionExpired);
  });
});

describe("a request whose session is forgotten while it waits", () => {
  /** As many sessions as are remembered; the next new one makes the first be forgotten. */
  const sessions = Array.from({ length: SESSIONS_PER_CLIENT_MAX }, (_, index) =>
    answeredAt(101 + index, 1),
  );
  const newest = requestOf({ session: 900 });
  const doomed = requestOf({ session: 50 });

  test("is dropped: nobody is voted out for not executing it", () => {
    const lone = afterSessions(2, sessions);
    lone.receive(0, prePrepare(0, 2, batchOf(newest)));
    assert.equal(lone.hear(TELLER, doomed), null);
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 2, batchOf(newest)));
    lone.answer();
    assert.equal(lone.replica.executedSeq, 2);
    assert.equal(lone.replica.pendingCount, 0);
    lone.tick(10 * lone.options.viewChangeTicks);
    assert(lone.replica.active);
    assert.equal(lone.hear(TELLER, doomed), "request/expired");
  });

  test("changes no view of a cluster, whatever its client sends to whom", () => {
    const cluster = new Cluster();
    for (const { session } of sessions) {
      cluster.submit(requestOf({ session }));
      cluster.run();
    }
    cluster.submit(newest);
    cluster.carries = ({ message }) => message.kind !== "request";
    cluster.submit(doomed, [1, 2, 3]);
    cluster.run();
    cluster.carries = () => true;
    cluster.tick(200);
    assert.deepEqual(
      cluster.nodes.map(({ lone }) => lone.replica.view),
      [0, 0, 0, 0],
    );
  });
});

describe("a read", () => {
  test("is answered at once from what is executed (RO1)", () => {
    const lone = new LoneReplica();
    const read = readOf();
    assert.equal(lone.hear(TELLER, read), null);
    assert.deepEqual(lone.take(), [{ kind: "query", read, view: 0, seq: 0, after: null }]);
  });

  test("is answered during a view change too: only executed state is read", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.hear(TELLER, requestOf());
    lone.tick(lone.options.viewChangeTicks + 1);
    assert.equal(lone.replica.active, false);
    assert.equal(lone.hear(TELLER, readOf()), null);
  });

  test("waits for what its answer shows to be durable here: a crash must not undo it (RO6)", () => {
    const lone = new LoneReplica({ self: 2 });
    const batch = batchOf(requestOf());
    lone.receive(0, prePrepare(0, 1, batch));
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 1, batch));
    const last = ofKind(lone.answer(), "append").at(-1);
    assert.equal(last?.record.kind, "committed");
    lone.hear(TELLER, readOf());
    assert.equal(single(ofKind(lone.take(), "query")).after, last.id);
  });

  test("is for clients: a replica has none", () => {
    const lone = new LoneReplica();
    assert.equal(lone.receive(2, readOf() as never), "message/unexpected");
  });
});

describe("a hello", () => {
  test("is welcomed with the view", () => {
    const lone = new LoneReplica();
    assert.equal(lone.hear(CUSTOMER, { kind: "hello", session: 5, nonce: 1 }), null);
    const message = { kind: "welcome", session: 5, view: 0 } as const;
    const reply = { kind: "reply", client: CUSTOMER, session: 5, message, after: null } as const;
    assert.deepEqual(lone.take(), [reply]);
  });
});

describe("whoever says what is not theirs to say", () => {
  test("is not heard", () => {
    const lone = new LoneReplica({ self: 1 });
    const order = prePrepare(0, 1, batchOf());
    assert.equal(lone.hear(TELLER, order as never), "message/unexpected");
    assert.equal(lone.receive(1, order), "message/unexpected", "our own message comes back");
    assert.equal(
      lone.receive(2, { kind: "hello", session: 1, nonce: 1 } as never),
      "message/unexpected",
    );
    assert.deepEqual(lone.take(), []);
  });
});
