import assert from "node:assert/strict";
import { test } from "node:test";
import { flowView } from "../../../src/cli/dashboard/flow-view.js";
import type { FlowEvent, RequestFlow } from "../../../src/io/flow-recorder.js";

type Seen = readonly [kind: FlowEvent["kind"], peer: FlowEvent["peer"], atMicros: number];

/** What a replica saw: first what it sent, then what arrived. */
function flowOf(sent: readonly Seen[], received: readonly Seen[], view = 0): RequestFlow {
  const event = ([kind, peer, atMicros]: Seen, isSent: boolean): FlowEvent => {
    return { kind, isSent, peer, atMicros };
  };
  const events = [
    ...sent.map((seen) => event(seen, true)),
    ...received.map((s) => event(s, false)),
  ];
  return { seq: 7, view, events };
}

const PRIMARY = flowOf([["pre-prepare", "others", 1_100]], [["request", "client", 1_020]]);

test("a message that one saw leave and another saw arrive is one arrow", () => {
  const backup = flowOf(
    [
      ["prepare", "others", 1_300],
      ["reply", "client", 1_900],
    ],
    [["pre-prepare", 0, 1_200]],
  );
  const client = { sentMicros: 1_000, arrivals: [{ replica: 1, atMicros: 1_950 }] };
  const flow = flowView(7, [PRIMARY, backup], client);
  assert.deepEqual(flow, {
    ...{ seq: 7, view: 0, primary: 0, durationMicros: 950 },
    arrows: [
      { kind: "request", from: -1, to: 0, sentMicros: 0, receivedMicros: 20 },
      { kind: "pre-prepare", from: 0, to: 1, sentMicros: 100, receivedMicros: 200 },
      { kind: "prepare", from: 1, to: 0, sentMicros: 300, receivedMicros: null },
      { kind: "reply", from: 1, to: -1, sentMicros: 900, receivedMicros: 950 },
    ],
  });
});

test("an end that nobody saw stays open: a replica away, a client that is not ours", () => {
  const flow = flowView(7, [PRIMARY, null], null);
  assert.deepEqual(flow?.arrows, [
    { kind: "request", from: -1, to: 0, sentMicros: null, receivedMicros: 0 },
    { kind: "pre-prepare", from: 0, to: 1, sentMicros: 80, receivedMicros: null },
  ]);
});

test("an arrival before the reply was sent is another message", () => {
  const backup = flowOf([["reply", "client", 1_900]], []);
  const client = { sentMicros: 1_000, arrivals: [{ replica: 1, atMicros: 1_500 }] };
  const reply = flowView(7, [PRIMARY, backup], client)?.arrows.find(({ kind }) => kind === "reply");
  assert.equal(reply?.receivedMicros, null);
});

test("of a batch that two views ordered, the later one is shown", () => {
  const late = flowOf([["prepare", "others", 5_000]], [], 1);
  const flow = flowView(7, [PRIMARY, late], null);
  assert.deepEqual([flow?.view, flow?.primary], [1, 1]);
  assert.ok(flow?.arrows.every(({ from }) => from === 1));
});

test("a batch that nobody saw is no flow", () => {
  assert.equal(flowView(7, [null, null], null), null);
});
