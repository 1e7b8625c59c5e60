import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { InvariantError } from "../../../src/core/base/assert.js";
import { SESSIONS_PER_CLIENT_MAX } from "../../../src/core/base/limits.js";
import { type Batch, ReplyCode } from "../../../src/core/message.js";
import {
  balanceIn,
  balanceOf,
  batchOf,
  commit,
  prePrepare,
  requestOf,
  sampleBatch,
  TELLER,
} from "./builders.js";
import { LoneReplica, ofKind, single } from "./lone-replica.js";

/** Makes `batch` decided at `seq` of backup `lone`. */
function decide(lone: LoneReplica, seq: number, batch: Batch): void {
  lone.receive(0, prePrepare(0, seq, batch));
  for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, seq, batch));
}

function backup(): LoneReplica {
  return new LoneReplica({ self: 2 });
}

describe("execution", () => {
  test("waits for every lower number, whatever is decided above (EX1)", () => {
    const lone = backup();
    decide(lone, 2, sampleBatch(2));
    decide(lone, 3, sampleBatch(3));
    assert.deepEqual(ofKind(lone.take(), "execute"), []);
    decide(lone, 1, sampleBatch(1));
    const executed = ofKind(lone.answer(), "execute").map(({ seq }) => seq);
    assert.deepEqual(executed, [1, 2, 3]);
  });

  test("asks for one batch at a time", () => {
    const lone = backup();
    decide(lone, 1, sampleBatch(1));
    decide(lone, 2, sampleBatch(2));
    assert.deepEqual(
      ofKind(lone.take(), "execute").map(({ seq }) => seq),
      [1],
    );
    lone.step({ kind: "executed", seq: 1, results: [Uint8Array.of(0, 1, 0, 0)] });
    assert.deepEqual(
      ofKind(lone.take(), "execute").map(({ seq }) => seq),
      [2],
    );
  });

  test("counts a null batch, which changes nothing (EX1)", () => {
    const lone = backup();
    decide(lone, 1, batchOf());
    const effects = lone.answer();
    assert.deepEqual(single(ofKind(effects, "execute")).requests, []);
    assert.deepEqual(ofKind(effects, "reply"), []);
    assert.equal(lone.replica.executedSeq, 1);
  });

  test("asks to pin the state at every checkpoint, null batches included (CK1)", () => {
    const lone = backup();
    for (let seq = 1; seq <= 8; seq += 1) decide(lone, seq, batchOf());
    const pins = ofKind(lone.answer(), "execute").flatMap(({ seq, pin }) => (pin ? [seq] : []));
    assert.deepEqual(pins, [4, 8]);
  });

  test("stops on an answer that nobody asked for: that would be our own bug", () => {
    const lone = backup();
    const answer = { kind: "executed", seq: 1, results: [] } as const;
    assert.throws(() => lone.step(answer), InvariantError);
  });
});

describe("a request runs at most once (EX2, I4)", () => {
  test("though it is in two batches; both times its reply is sent", () => {
    const lone = backup();
    const batch = sampleBatch(1);
    decide(lone, 1, batch);
    decide(lone, 2, batch);
    const effects = lone.answer();
    assert.equal(balanceOf(lone.ledger), 1_001n);
    const [first, second] = ofKind(effects, "reply").map(({ message }) => message);
    assert(first?.kind === "reply" && second?.kind === "reply");
    assert.deepEqual(second, first, "the very same reply, also its number");
  });

  test("though it is twice in one batch", () => {
    const lone = backup();
    const request = requestOf();
    decide(lone, 1, batchOf(request, request));
    lone.answer();
    assert.equal(balanceOf(lone.ledger), 1_001n);
  });

  test("though the client says two things under one timestamp: the first ordered is it", () => {
    const lone = backup();
    decide(lone, 1, batchOf(requestOf({ amount: 5n }), requestOf({ amount: 7n })));
    decide(lone, 2, batchOf(requestOf({ amount: 9n })));
    lone.answer();
    assert.equal(balanceOf(lone.ledger), 1_005n);
  });

  test("and not after a newer one of its session, in the same batch or a later one", () => {
    const lone = backup();
    const [old, recent] = [requestOf({ timestamp: 1 }), requestOf({ timestamp: 2 })];
    decide(lone, 1, batchOf(recent, old));
    decide(lone, 2, batchOf(old));
    const effects = lone.answer();
    assert.equal(balanceOf(lone.ledger), 1_001n);
    assert.deepEqual(
      ofKind(effects, "reply").map(({ message }) => "timestamp" in message && message.timestamp),
      [2],
      "an old request costs nothing, not even a reply",
    );
  });

  test("though its session was forgotten by the batch that it ran in", () => {
    const lone = new LoneReplica({ self: 2, batchRequestsMax: 100 });
    const requests = [];
    for (let session = 2; session <= SESSIONS_PER_CLIENT_MAX + 1; session += 1) {
      requests.push(requestOf({ session }));
    }
    const first = requestOf({ session: 1 });
    decide(lone, 1, batchOf(...requests, first));
    const effects = lone.answer();
    const balance = balanceOf(lone.ledger);
    assert.equal(balance, 1_000n + BigInt(SESSIONS_PER_CLIENT_MAX) + 1n);
    const last = ofKind(effects, "reply").at(-1)?.message;
    assert(last?.kind === "reply");
    assert.equal(last.code, ReplyCode.sessionExpired, "what came of it can't be told again");
    decide(lone, 2, batchOf(first));
    lone.answer();
    assert.equal(balanceOf(lone.ledger), balance);
  });
});

describe("a reply", () => {
  test("tells view, number and results, and waits for what proves the decision (EX4, 2.12)", () => {
    const lone = backup();
    decide(lone, 1, sampleBatch(5));
    const effects = lone.answer();
    const committed = ofKind(effects, "append").at(-1);
    assert.equal(committed?.record.kind, "committed");
    const { message, client, session, after } = single(ofKind(effects, "reply"));
    assert(message.kind === "reply");
    assert.deepEqual([client, session, after], [TELLER, 5, committed.id]);
    assert.deepEqual([message.view, message.seq, message.timestamp], [0, 1, 1]);
    assert.equal(balanceIn(message.results), 1_001n);
  });

  test("is sent again to a client that asks again, as it was, but for the view", () => {
    const lone = backup();
    decide(lone, 1, sampleBatch(5));
    const first = single(ofKind(lone.answer(), "reply")).message;
    lone.hear(TELLER, requestOf({ session: 5 }));
    assert.deepEqual(single(ofKind(lone.take(), "reply")).message, first);
  });
});

test("what executes stops waiting, and newer requests of its session go on waiting (VT1)", () => {
  const lone = backup();
  lone.hear(TELLER, requestOf({ session: 1, timestamp: 1 }));
  lone.hear(TELLER, requestOf({ session: 2, timestamp: 2 }));
  decide(lone, 1, batchOf(requestOf({ session: 1 }), requestOf({ session: 2, timestamp: 1 })));
  lone.answer();
  assert.equal(lone.replica.pendingCount, 1);
});
