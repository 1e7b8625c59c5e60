import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { commit, CUSTOMER, prepare, requestOf, TELLER } from "./builders.js";
import { Cluster } from "./cluster.js";
import { LoneReplica, sentOf, single } from "./lone-replica.js";

/** Executes batch `seq` at the primary `lone`, as if all backups agreed. */
function agree(lone: LoneReplica, seq: number, digest: Uint8Array): void {
  for (const replica of [1, 2, 3]) lone.receive(replica, prepare(0, seq, { digest }));
  for (const replica of [1, 2, 3]) lone.receive(replica, commit(0, seq, { digest }));
}

/** Requests of sessions `first` to `last` (included) arrive in one turn. */
function hearTogether(lone: LoneReplica, first: number, last: number): void {
  for (let session = first; session <= last; session += 1) {
    const message = requestOf({ session });
    const from = { role: "client", id: TELLER } as const;
    lone.replica.step({ kind: "received", from, message }, session < last);
  }
}

describe("the primary's batches", () => {
  test("go out one a request while slots are free, and are numbered without gap (BA1)", () => {
    const lone = new LoneReplica({ self: 0 });
    for (const session of [1, 2, 3]) lone.hear(TELLER, requestOf({ session }));
    const orders = sentOf(lone.take(), "pre-prepare");
    assert.deepEqual(
      orders.map(({ seq, batch }) => [seq, batch.requests.length]),
      [
        [1, 1],
        [2, 1],
        [3, 1],
      ],
    );
  });

  test("gather while many are in flight, until they are as many or the others are done", () => {
    for (const [waiting, before] of [
      [15, 0],
      [16, 1],
    ] as const) {
      const lone = new LoneReplica({ self: 0, pendingPerClientMax: 40, batchRequestsMax: 64 });
      hearTogether(lone, 1, 16);
      const first = single(sentOf(lone.take(), "pre-prepare"));
      assert.equal(first.batch.requests.length, 16);
      for (let session = 17; session <= 16 + waiting; session += 1) {
        lone.hear(TELLER, requestOf({ session }));
      }
      assert.equal(sentOf(lone.take(), "pre-prepare").length, before);
      agree(lone, 1, first.batch.digest);
      assert.equal(sentOf(lone.answer(), "pre-prepare").length, 1 - before);
    }
  });

  test("stay as large while half of the clients hear their answers (BA2)", () => {
    const lone = new LoneReplica({ self: 0, pendingPerClientMax: 150, batchRequestsMax: 100 });
    hearTogether(lone, 1, 150);
    const [first, second] = sentOf(lone.take(), "pre-prepare");
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(second.batch.requests.length, 75);
    agree(lone, 1, first.batch.digest);
    agree(lone, 2, second.batch.digest);
    lone.answer();
    hearTogether(lone, 151, 225);
    const whole = single(sentOf(lone.take(), "pre-prepare"));
    assert.equal(whole.batch.requests.length, 75, "not in halves, though nothing else is pending");
    hearTogether(lone, 226, 265);
    assert.deepEqual(sentOf(lone.take(), "pre-prepare"), [], "more may come, and 75 are in flight");
    agree(lone, 3, whole.batch.digest);
    const half = single(sentOf(lone.answer(), "pre-prepare"));
    assert.equal(half.batch.requests.length, 40, "what waited for that batch waits no longer");
  });

  test("are divided again once what was pending before is forgotten", () => {
    const limits = { pendingPerClientMax: 400, batchRequestsMax: 300, windowSlots: 256 };
    const lone = new LoneReplica({ self: 0, ...limits });
    hearTogether(lone, 1, 400);
    let orders = sentOf(lone.take(), "pre-prepare");
    const sizes = (): number[] => orders.map(({ batch }) => batch.requests.length);
    for (let first = 401; !sizes().includes(70); first += 140) {
      assert.ok(first < 12_000, "it is forgotten within some dozens of batches");
      for (const { seq, batch } of orders) agree(lone, seq, batch.digest);
      orders = sentOf(lone.answer(), "pre-prepare");
      hearTogether(lone, first, first + 139);
      orders.push(...sentOf(lone.take(), "pre-prepare"));
    }
  });

  test("hold together what one turn brought, in two halves if that is much", () => {
    for (const [count, sizes] of [
      [3, [3]],
      [64, [64]],
      [95, [95]],
      [140, [70, 70]],
    ] as const) {
      const lone = new LoneReplica({ self: 0, pendingPerClientMax: count, batchRequestsMax: 200 });
      hearTogether(lone, 1, count);
      const orders = sentOf(lone.take(), "pre-prepare");
      assert.deepEqual(
        orders.map(({ batch }) => batch.requests.length),
        sizes,
      );
    }
  });

  test("wait while the pipeline is full, and then leave together (BA2)", () => {
    const lone = new LoneReplica({ self: 0, batchesInFlightMax: 1 });
    lone.hear(TELLER, requestOf({ session: 1 }));
    const first = single(sentOf(lone.take(), "pre-prepare"));
    for (const session of [2, 3, 4]) lone.hear(TELLER, requestOf({ session }));
    assert.deepEqual(sentOf(lone.take(), "pre-prepare"), []);
    agree(lone, 1, first.batch.digest);
    const second = single(sentOf(lone.answer(), "pre-prepare"));
    assert.deepEqual(
      second.batch.requests.map(({ session }) => session),
      [2, 3, 4],
    );
  });

  test("hold no more requests than allowed", () => {
    const lone = new LoneReplica({ self: 0, batchesInFlightMax: 1, batchRequestsMax: 2 });
    for (const session of [1, 2, 3, 4]) lone.hear(TELLER, requestOf({ session }));
    const first = single(sentOf(lone.take(), "pre-prepare"));
    agree(lone, 1, first.batch.digest);
    assert.equal(single(sentOf(lone.answer(), "pre-prepare")).batch.requests.length, 2);
  });

  test("hold no more bytes than allowed, but always one request", () => {
    const size = requestOf({ session: 1 }).bytes.length;
    for (const [batchBytesMax, count] of [
      [1, 1],
      [2 * size, 2],
      [3 * size - 1, 2],
    ] as const) {
      const lone = new LoneReplica({ self: 0, batchesInFlightMax: 1, batchBytesMax });
      for (const session of [1, 2, 3, 4]) lone.hear(TELLER, requestOf({ session }));
      const first = single(sentOf(lone.take(), "pre-prepare"));
      agree(lone, 1, first.batch.digest);
      assert.equal(single(sentOf(lone.answer(), "pre-prepare")).batch.requests.length, count);
    }
  });

  test("take clients in turn, so that a busy one starves nobody (BA5)", () => {
    const lone = new LoneReplica({ self: 0, batchesInFlightMax: 1, batchRequestsMax: 3 });
    for (let session = 1; session <= 6; session += 1) lone.hear(TELLER, requestOf({ session }));
    lone.hear(CUSTOMER, requestOf({ client: CUSTOMER, session: 7 }));
    const first = single(sentOf(lone.take(), "pre-prepare"));
    agree(lone, 1, first.batch.digest);
    const second = single(sentOf(lone.answer(), "pre-prepare"));
    assert.deepEqual(
      second.batch.requests.map(({ client }) => client),
      [TELLER, CUSTOMER, TELLER],
    );
  });

  test("never pass the high watermark", () => {
    const lone = new LoneReplica({ self: 0, batchesInFlightMax: 100 });
    for (let session = 1; session <= 20; session += 1) lone.hear(TELLER, requestOf({ session }));
    const seqs = sentOf(lone.take(), "pre-prepare").map(({ seq }) => seq);
    assert.deepEqual(seqs, [1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test("hold no request twice, however often it is sent (NC2)", () => {
    const lone = new LoneReplica({ self: 0 });
    for (let time = 0; time < 3; time += 1) lone.hear(TELLER, requestOf());
    assert.equal(sentOf(lone.take(), "pre-prepare").length, 1);
  });

  test("hold once more what an earlier view ordered and nobody executed (BA3)", () => {
    const cluster = new Cluster();
    cluster.carries = ({ message }) => message.kind !== "commit";
    const request = requestOf();
    cluster.submit(request, [0, 1, 2, 3]);
    cluster.run();
    cluster.crash(0);
    cluster.tick(21);
    cluster.carries = () => true;
    cluster.tick(10);
    for (const { lone } of cluster.up) {
      assert.equal(lone.replica.view, 1);
      assert.equal(lone.replica.executedSeq, 1, "carried over, and not ordered anew");
    }
  });
});
