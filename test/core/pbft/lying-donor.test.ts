import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type StateData, StatePart } from "../../../src/core/message.js";
import { requestOf } from "./builders.js";
import { Cluster, type Packet } from "./cluster.js";

/** Where a summary has the number of pages: after the first digest. */
const PAGE_COUNT_OFFSET = 32;

/** The replica that lags, and the one that lies to it. */
const LAGGING = 3;
const LIAR = 1;

function isSummary(packet: Packet): packet is Packet & { readonly message: StateData } {
  const { message } = packet;
  return message.kind === "state-data" && message.part === StatePart.summary;
}

/** A summary that is right in all but the number of pages. */
function withPageCount(summary: StateData, pageCount: number): StateData {
  const data = summary.data.slice();
  new DataView(data.buffer).setUint32(PAGE_COUNT_OFFSET, pageCount);
  return { ...summary, data };
}

/** A cluster three of whose replicas are past a checkpoint that the fourth has to fetch. */
function clusterWithLaggard(): Cluster {
  const cluster = new Cluster();
  cluster.carries = ({ from, to }) => from !== LAGGING && to !== LAGGING;
  for (let timestamp = 1; timestamp <= 6; timestamp += 1) {
    cluster.submit(requestOf({ timestamp }));
    cluster.run();
  }
  cluster.carries = () => true;
  return cluster;
}

describe("a replica that fetches state from a liar", () => {
  for (const pageCount of [0, 2, 33, 0xffff_ffff]) {
    test(`takes no summary that tells of ${pageCount} pages where there is one (ST1)`, () => {
      const cluster = clusterWithLaggard();
      const rejects: unknown[] = [];
      cluster.carries = (packet) => {
        if (!isSummary(packet)) return true;
        // The liar is the fastest: whoever answers, its word comes first.
        rejects.push(cluster.inject(LIAR, LAGGING, withPageCount(packet.message, pageCount)));
        return packet.from !== LIAR;
      };
      cluster.tick(200);
      assert.deepEqual(rejects, ["state-data/wrong-digest"]);
      assert.equal(cluster.node(LAGGING).lone.replica.executedSeq, 6);
    });
  }
});
