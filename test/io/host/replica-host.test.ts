import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { JournalRecord } from "../../../src/core/message.js";
import { Replica } from "../../../src/core/pbft/replica.js";
import { ReplicaHost } from "../../../src/io/replica-host.js";
import {
  hasher,
  prePrepare,
  sampleBatch,
  sampleLedger,
  sampleOptions,
} from "../../core/pbft/builders.js";

/** A replica with a journal and a store that only take notes; nothing else of the world is used. */
class Fixture {
  readonly appended: JournalRecord["kind"][] = [];
  readonly durable: number[] = [];
  readonly host: ReplicaHost;

  constructor() {
    const replica = new Replica(sampleOptions({ self: 1 }), hasher, sampleLedger());
    const records = { append: (record: JournalRecord) => this.appended.push(record.kind) };
    const stores = { onDurable: (id: number) => this.durable.push(id) };
    const egress = { queue: () => undefined, flush: () => undefined };
    const world = { records, stores, egress, peers: [], rejects: { add: () => undefined } };
    type World = ConstructorParameters<typeof ReplicaHost>[1];
    this.host = new ReplicaHost(replica, world as unknown as World);
  }

  order(seq: number): void {
    const message = prePrepare(0, seq, sampleBatch(seq));
    this.host.dispatch({ kind: "received", from: { role: "replica", id: 0 }, message });
  }
}

describe("a replica's host", () => {
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
