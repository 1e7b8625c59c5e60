/*
 * Whole clusters under a network that loses, repeats and reorders, with replicas that are killed
 * and start again: never two batches under one number (the cluster checks that at every execution),
 * and once the network delivers, everything that was asked is done exactly once.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { balanceOf, requestOf } from "./builders.js";
import { Cluster } from "./cluster.js";

type Step =
  | { readonly kind: "deliver" | "repeat" | "lose"; readonly at: number }
  | { readonly kind: "submit"; readonly session: number; readonly to: number }
  | { readonly kind: "tick" | "kill" | "sync"; readonly id: number };

const place = fc.nat(10_000);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 60, arbitrary: place.map((at) => ({ kind: "deliver" as const, at })) },
  { weight: 6, arbitrary: place.map((at) => ({ kind: "repeat" as const, at })) },
  { weight: 6, arbitrary: place.map((at) => ({ kind: "lose" as const, at })) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("submit" as const),
      session: fc.integer({ min: 1, max: 12 }),
      to: place,
    }),
  },
  { weight: 12, arbitrary: place.map((id) => ({ kind: "tick" as const, id })) },
  { weight: 3, arbitrary: place.map((id) => ({ kind: "sync" as const, id })) },
  { weight: 1, arbitrary: place.map((id) => ({ kind: "kill" as const, id })) },
);

/** A cluster, what was asked of it, and how to disturb it. */
class Disturbed {
  readonly cluster: Cluster;
  readonly asked = new Set<number>();
  readonly #replicaCount: number;

  constructor(replicaCount: number) {
    this.cluster = new Cluster({ replicaCount });
    this.#replicaCount = replicaCount;
    // One disk is slow: what it was told is in danger until it is synced.
    this.cluster.node(replicaCount - 1).syncs = false;
  }

  take(one: Step): void {
    const { packets } = this.cluster;
    switch (one.kind) {
      case "deliver":
        if (packets.length > 0) this.cluster.deliver(one.at % packets.length);
        break;
      case "repeat": {
        const packet = packets[one.at % packets.length];
        if (packet !== undefined) packets.push(packet);
        break;
      }
      case "lose":
        if (packets.length > 0) packets.splice(one.at % packets.length, 1);
        break;
      case "submit":
        this.asked.add(one.session);
        this.cluster.submit(requestOf({ session: one.session }), [one.to % this.#replicaCount]);
        break;
      case "tick":
        this.cluster.tickOne(one.id % this.#replicaCount);
        break;
      case "sync":
        this.cluster.sync(this.#replicaCount - 1);
        break;
      case "kill":
        this.cluster.crash(one.id % this.#replicaCount);
        this.cluster.restart(one.id % this.#replicaCount);
        break;
    }
  }

  /** From now on everything arrives, and clients ask again as they do. */
  settle(): void {
    const all = this.cluster.nodes.map(({ id }) => id);
    for (const node of this.cluster.nodes) node.syncs = true;
    this.cluster.run();
    for (let round = 0; round < 12; round += 1) {
      for (const session of this.asked) this.cluster.submit(requestOf({ session }), all);
      this.cluster.tick(60);
    }
  }
}

for (const [replicaCount, numRuns] of [
  [4, 60],
  [7, 20],
] as const) {
  test(`${replicaCount} replicas agree and do everything once, whatever the network does`, () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 100, maxLength: 700 }), (steps) => {
        const disturbed = new Disturbed(replicaCount);
        for (const one of steps) disturbed.take(one);
        disturbed.settle();
        const { cluster, asked } = disturbed;
        const [first] = cluster.nodes.map(({ lone }) => lone.replica.executedSeq);
        for (const { lone } of cluster.nodes) {
          assert.equal(balanceOf(lone.ledger), 1_000n + BigInt(asked.size));
          assert.equal(lone.replica.executedSeq, first);
          assert.equal(lone.replica.pendingCount, 0);
          assert.equal(lone.replica.diverged, false);
        }
      }),
      { numRuns },
    );
  });
}
