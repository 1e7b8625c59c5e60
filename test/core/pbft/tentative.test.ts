import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bundleOf } from "../../../src/core/base/bundle.js";
import { encodeOperation } from "../../../src/core/ledger/operation.js";
import { type Batch, ReplyCode, type Request } from "../../../src/core/message.js";
import type { Effect } from "../../../src/core/pbft/effect.js";
import { signRequest } from "../../../src/core/wire/sign.js";
import {
  backup,
  decide,
  depositsOf,
  isAnswered,
  isPEntry,
  prepareAt,
  repliesOf,
  SESSIONS,
} from "./answered-batch.js";
import {
  balanceIn,
  batchOf,
  checkpointOf,
  commit,
  digestOf,
  entry,
  hasher,
  newViewOf,
  prepare,
  readOf,
  requestOf,
  TELLER,
  viewChangeOf,
} from "./builders.js";
import { LoneReplica, ofKind, sentOf, single } from "./lone-replica.js";

/*
 * Answers to what is prepared and not decided (EX3): who may give them, what they wait for, and
 * what waits for them.
 */

/** The first request of a session opens an account. */
function openingOf(session: number, account: string): Request {
  const operation = { kind: "open", account, name: "Bea", address: "", balance: 5n } as const;
  const bundle = bundleOf([encodeOperation(operation)]);
  return signRequest(
    { kind: "request", client: TELLER, session, timestamp: 2, bundle },
    { hasher, sign: () => new Uint8Array(64), authenticate: () => new Uint8Array(0) },
  );
}

describe("a batch that is prepared behind executed ones", () => {
  test("is answered once its P-entry is durable, with what it will come to (EX3)", () => {
    const lone = backup();
    const batch = depositsOf(1, 2);
    const effects = prepareAt(lone, 2, batch);
    const { id } = single(ofKind(effects, "append").filter(isPEntry));
    for (const { after } of ofKind(effects, "reply")) assert.equal(after, id);
    const replies = repliesOf(effects);
    assert.deepEqual(
      replies.map(({ session, seq, view, code }) => [session, seq, view, code]),
      [1, 2].map((session) => [session, 2, 0, ReplyCode.tentative]),
    );
    assert.deepEqual(
      replies.map(({ results }) => balanceIn(results)),
      [1_001n, 1_002n],
    );
    assert.equal(lone.replica.executedSeq, 1);
  });

  test("is not answered again when it is executed", () => {
    const lone = backup();
    const batch = depositsOf(1);
    prepareAt(lone, 2, batch);
    assert.deepEqual(repliesOf(decide(lone, 2, batch)), []);
    assert.equal(lone.replica.executedSeq, 2);
  });

  test("is answered again by who has left the view since", () => {
    const lone = backup();
    const batch = depositsOf(1);
    prepareAt(lone, 2, batch);
    lone.receive(1, viewChangeOf(1, 1));
    lone.receive(3, viewChangeOf(3, 1));
    assert.equal(lone.replica.active, false);
    const { code, view } = single(repliesOf(decide(lone, 2, batch)));
    assert.deepEqual([code, view], [ReplyCode.executed, 1]);
  });

  test("is answered again to who asks again meanwhile, and then the COMMIT leaves", () => {
    const lone = backup();
    const batch = depositsOf(1, 2);
    prepareAt(lone, 2, batch);
    lone.hear(TELLER, requestOf({ session: 2, timestamp: 2 }));
    assert.equal(sentOf(lone.take(), "commit").length, 1);
    const replies = repliesOf(decide(lone, 2, batch));
    assert.deepEqual(
      replies.map(({ session, code }) => [session, code]),
      [1, 2].map((session) => [session, ReplyCode.executed]),
    );
  });

  test("is answered again if the view carried it over", () => {
    const lone = backup();
    const batch = depositsOf(1);
    prepareAt(lone, 2, batch);
    const certificate = [entry(2, batch.digest, 0)];
    const votes = [0, 1, 3].map((id) =>
      viewChangeOf(id, 1, { prepared: certificate, prePrepared: certificate }),
    );
    const chosen = [
      { seq: 1, digest: batchOf().digest },
      { seq: 2, digest: batch.digest },
    ];
    lone.receive(1, newViewOf(1, votes, { chosen }));
    lone.receive(0, prepare(1, 2, batch));
    lone.take();
    for (const from of [0, 1, 3]) lone.receive(from, commit(1, 2, batch));
    assert.equal(single(repliesOf(lone.answer())).code, ReplyCode.executed);
  });

  test("is not answered again to who asks after the window has moved past it", () => {
    const lone = backup();
    prepareAt(lone, 2, depositsOf(1));
    for (const from of [0, 1, 3]) lone.receive(from, checkpointOf(from, 4, digestOf(4)));
    lone.tick(20);
    assert.equal(lone.replica.stableSeq, 4);
    assert.equal(lone.hear(TELLER, requestOf({ session: 1, timestamp: 2 })), null);
  });
});

describe("a batch is left to its decision", () => {
  const cases: readonly (readonly [what: string, lone: LoneReplica, seq: number, batch: Batch])[] =
    [
      ["where answers wait for databases", backup({ tentativeReplies: false }), 2, depositsOf(1)],
      ["behind one that is neither executed nor answered", backup(), 3, depositsOf(1)],
      // To remember one more may mean to forget another, which then was never executed.
      ["with the first request of a session", backup(), 2, batchOf(requestOf({ session: 9 }))],
      ["that opens an account", backup(), 2, batchOf(openingOf(1, "B"), ...depositsOf(2).requests)],
      ["of nothing that was not executed before", backup(), 2, batchOf(requestOf({ session: 1 }))],
      ["without requests", backup(), 2, batchOf()],
    ];
  for (const [what, lone, seq, batch] of cases) {
    test(what, () => {
      const effects = prepareAt(lone, seq, batch);
      assert.equal(isAnswered(effects), false);
      assert.equal(sentOf(effects, "commit").length, 1, "and nothing holds the COMMIT up");
    });
  }

  test("while another one is executed", () => {
    const lone = backup({ tentativeReplies: true });
    const first = batchOf(requestOf({ session: 9 }));
    prepareAt(lone, 2, first);
    for (const from of [0, 1, 3]) lone.receive(from, commit(0, 2, first));
    single(ofKind(lone.take(), "execute"));
    assert.equal(isAnswered(prepareAt(lone, 3, depositsOf(1))), false);
    lone.answer();
    assert.equal(isAnswered(prepareAt(lone, 4, depositsOf(2))), false, "3 is not executed");
  });

  test("that has more requests than may be computed twice", () => {
    const lone = backup({ batchRequestsMax: 1_000 });
    const many = Array.from({ length: 200 }, (_, index) =>
      requestOf({ session: 1, timestamp: index + 2 }),
    );
    assert.equal(isAnswered(prepareAt(lone, 2, batchOf(...many))), false);
  });
});

/** W others vouch for `batch`: a later view decided it, of which this replica has not heard. */
function vouch(lone: LoneReplica, seq: number, batch: Batch): Effect[] {
  for (const from of [1, 3]) lone.receive(from, { kind: "decision", seq, batch });
  return lone.answer();
}

describe("a number at which another batch was decided than the one that was answered", () => {
  test("is executed as it was decided, and its clients are answered", () => {
    for (const batch of [depositsOf(2), depositsOf(1, 2), batchOf()]) {
      const lone = backup();
      prepareAt(lone, 2, depositsOf(1));
      const replies = repliesOf(vouch(lone, 2, batch));
      assert.equal(lone.replica.executedSeq, 2);
      assert.equal(replies.length, batch.requests.length);
      assert(replies.every(({ code }) => code === ReplyCode.executed));
    }
  });

  test("makes void what was built upon it", () => {
    const lone = backup();
    const next = depositsOf(2);
    prepareAt(lone, 2, depositsOf(1));
    prepareAt(lone, 3, next);
    vouch(lone, 2, batchOf());
    assert.equal(repliesOf(decide(lone, 3, next)).length, 1);
    assert.equal(lone.replica.executedSeq, 3);
  });

  test("is not answered otherwise once that is known", () => {
    const lone = backup();
    prepareAt(lone, 2, depositsOf(1));
    vouch(lone, 3, batchOf());
    assert.equal(isAnswered(prepareAt(lone, 3, depositsOf(2))), false);
    decide(lone, 2, depositsOf(1));
    assert.equal(lone.replica.executedSeq, 3);
  });
});

test("batches behind an answered one are answered too, with what both come to", () => {
  const lone = backup();
  const [first, second] = [depositsOf(1), depositsOf(1, 2)];
  prepareAt(lone, 2, first);
  const reply = single(repliesOf(prepareAt(lone, 3, second)));
  assert.equal(reply.session, 2, "what the first one executes is not executed again");
  assert.equal(balanceIn(reply.results), 1_002n);
  decide(lone, 2, first);
  decide(lone, 3, second);
  assert.equal(lone.replica.executedSeq, 3);
});

test("in the next view a batch that is carried over is answered anew", () => {
  const lone = backup();
  const batch = depositsOf(1);
  prepareAt(lone, 2, batch);
  const certificate = {
    prepared: [entry(2, batch.digest, 0)],
    prePrepared: [entry(2, batch.digest, 0)],
  };
  const votes = [0, 1, 3].map((id) => viewChangeOf(id, 1, certificate));
  const nothing = { seq: 1, digest: batchOf().digest };
  const chosen = [nothing, { seq: 2, digest: batch.digest }];
  lone.receive(1, newViewOf(1, votes, { chosen }));
  lone.receive(0, prepare(1, 2, batch));
  const reply = single(repliesOf(lone.take()));
  assert.deepEqual([reply.code, reply.view], [ReplyCode.tentative, 1]);
});

describe("a read of who answered a batch", () => {
  test("waits until that is executed, and lets the COMMIT leave (RO1)", () => {
    const lone = backup();
    const batch = depositsOf(1);
    prepareAt(lone, 2, batch);
    assert.equal(lone.hear(TELLER, readOf()), null);
    const waiting = lone.take();
    assert.deepEqual(ofKind(waiting, "query"), []);
    assert.equal(sentOf(waiting, "commit").length, 1);
    const { seq } = single(ofKind(decide(lone, 2, batch), "query"));
    assert.equal(seq, 2);
  });

  test("does not wait for what is answered after it came", () => {
    const lone = backup();
    const [first, second] = [depositsOf(1), depositsOf(2)];
    prepareAt(lone, 2, first);
    lone.hear(TELLER, readOf());
    assert.equal(sentOf(prepareAt(lone, 3, second), "commit").length, 2, "nor is a COMMIT held");
    assert.equal(single(ofKind(decide(lone, 2, first), "query")).seq, 2);
  });

  test("is left to its client during a view change", () => {
    const lone = backup();
    prepareAt(lone, 2, depositsOf(1));
    lone.hear(TELLER, readOf(1));
    lone.receive(1, viewChangeOf(1, 1));
    lone.receive(3, viewChangeOf(3, 1));
    assert.equal(lone.hear(TELLER, readOf(2)), "read/recovering");
    assert.deepEqual(ofKind(lone.answer(), "query"), []);
    assert.equal(lone.replica.held.readBytes, 0);
  });

  test("is refused when too many wait, by what they take (RB1)", () => {
    const lone = backup();
    prepareAt(lone, 2, depositsOf(1));
    const large = { ...readOf(), bundle: new Uint8Array(10_000) };
    let count = 0;
    while (lone.hear(TELLER, large) === null) count += 1;
    assert.equal(lone.hear(TELLER, large), "read/too-many");
    assert(count > 30 && count < 60, "one client gets half of a mebibyte");
    assert(lone.replica.held.readBytes <= 1024 * 1024);
  });

  test("is answered with others, some at a time", () => {
    const lone = backup();
    const batch = depositsOf(1);
    prepareAt(lone, 2, batch);
    for (let nonce = 1; nonce <= 600; nonce += 1) lone.hear(TELLER, readOf(nonce));
    const first = ofKind(decide(lone, 2, batch), "query").length;
    assert(first > 0 && first < 600);
    const nonces: number[] = [];
    lone.hear(TELLER, readOf(601));
    for (let tick = 0; tick < 5; tick += 1) {
      nonces.push(...ofKind(lone.take(), "query").map(({ read }) => read.nonce));
      lone.tick();
    }
    assert.equal(first + nonces.length, 601);
    assert.equal(nonces.at(-1), 601, "in the order in which they came");
  });

  test("is not answered while the next batch may be half executed (RO1)", () => {
    const lone = backup();
    const [first, next] = [depositsOf(1), depositsOf(2)];
    prepareAt(lone, 2, first);
    for (let nonce = 1; nonce <= 600; nonce += 1) lone.hear(TELLER, readOf(nonce));
    prepareAt(lone, 3, next);
    for (const seq of [3, 2]) {
      const batch = seq === 2 ? first : next;
      for (const from of [0, 1, 3]) lone.receive(from, commit(0, seq, batch));
    }
    assert.equal(single(ofKind(lone.take(), "execute")).seq, 2);
    lone.answerOne();
    const effects = lone.take();
    assert.equal(single(ofKind(effects, "execute")).seq, 3);
    const firstCount = ofKind(effects, "query").length;
    assert(firstCount > 0 && firstCount < 600);
    lone.tick();
    assert.deepEqual(ofKind(lone.take(), "query"), []);
    lone.answerOne();
    assert(ofKind(lone.take(), "query").length > 0);
  });

  test("waits no more for what the next view does not carry over", () => {
    const lone = backup();
    prepareAt(lone, 2, depositsOf(1));
    assert.equal(lone.hear(TELLER, readOf(1)), null);
    const votes = [0, 1, 3].map((id) => viewChangeOf(id, 1));
    lone.receive(1, newViewOf(1, votes));
    assert.equal(single(ofKind(lone.answer(), "query")).seq, 1);
    assert.equal(lone.hear(TELLER, readOf(2)), null);
    assert.equal(ofKind(lone.take(), "query").length, 1);
  });

  test("is refused after a restart, until what may have been answered is executed (RO6)", () => {
    const batch = depositsOf(1);
    const records = [
      { kind: "pre-prepared", view: 0, seq: 2, batch },
      { kind: "prepared", view: 0, seq: 2, digest: batch.digest },
    ] as const;
    const lone = new LoneReplica(
      { self: 2, tentativeReplies: true },
      { records, storedSeq: 1, sessions: SESSIONS, evictedThrough: [], rejoinNonce: null },
    );
    assert.equal(lone.hear(TELLER, readOf()), "read/recovering");
    decide(lone, 2, batch);
    assert.equal(lone.hear(TELLER, readOf()), null);
  });
});
