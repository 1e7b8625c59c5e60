import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { prePrepare, requestOf, batchOf, TELLER } from "./builders.js";
import { Cluster } from "./cluster.js";
import { LoneReplica, sentOf } from "./lone-replica.js";

/** Longer than any view change of the tests takes. */
const LONG_TICKS = 200;

describe("a request whose client is gone", () => {
  test("reaches the primary although the first relay was lost", () => {
    const cluster = new Cluster();
    cluster.carries = ({ message }) => message.kind !== "request";
    cluster.submit(requestOf(), [2]);
    cluster.run();
    cluster.carries = () => true;
    cluster.tick(LONG_TICKS);
    for (const { lone } of cluster.nodes) {
      assert.deepEqual([lone.replica.view, lone.replica.executedSeq], [0, 1]);
    }
  });

  test("reaches the primary of the next view, which never heard of it (VC8)", () => {
    const cluster = new Cluster();
    cluster.crash(0);
    cluster.submit(requestOf(), [2, 3]);
    cluster.tick(LONG_TICKS);
    for (const { lone } of cluster.up) {
      assert.deepEqual([lone.replica.view, lone.replica.executedSeq], [1, 1]);
    }
  });

  test("reaches the primary at once from a backup that has it of another (VT1)", () => {
    const lone = new LoneReplica({ self: 2 });
    const requests = [1, 2, 3].map((session) => requestOf({ session }));
    for (const request of requests) assert.equal(lone.receive(3, request), null);
    const relayed = { kind: "send", to: { kind: "replica", id: 0 }, after: null } as const;
    assert.deepEqual(
      lone.take(),
      requests.map((message) => ({ ...relayed, message })),
    );
    for (const request of requests) lone.receive(3, request);
    lone.receive(0, requestOf({ session: 4 }));
    assert.deepEqual(lone.take(), [], "once each, and not back to the primary");
  });

  test("that a liar tells only backups of does not cost a correct primary its view", () => {
    const cluster = new Cluster();
    for (let session = 1; session <= 40; session += 1) {
      for (const to of [1, 2]) cluster.inject(3, to, requestOf({ session }));
    }
    cluster.tick(LONG_TICKS);
    for (const { lone } of cluster.nodes) {
      assert.deepEqual([lone.replica.view, lone.replica.pendingCount], [0, 0]);
    }
  });

  test("is not relayed again once the primary ordered it", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.hear(TELLER, requestOf());
    lone.receive(0, prePrepare(0, 1, batchOf(requestOf())));
    lone.take();
    lone.tick(lone.options.viewChangeTicks - 1);
    const effects = lone.take();
    assert(sentOf(effects, "status").length > 0);
    assert.deepEqual(sentOf(effects, "request"), []);
  });
});
