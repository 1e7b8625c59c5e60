import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MESSAGE_BYTES_MAX } from "../../../src/core/base/limits.js";
import type { Message } from "../../../src/core/message.js";
import { encodeMessage } from "../../../src/core/wire/encode.js";
import { readFragment } from "../../../src/core/wire/fragments.js";
import { Destination } from "../../../src/io/egress.js";
import { EXAMPLES } from "../../core/wire/examples.js";
import { messageOfKind } from "../../core/wire/message-arbitraries.js";
import { client, replica } from "../../core/wire/sample-cluster.js";
import { SampleLink } from "./sample-link.js";

const { prepare, commit } = EXAMPLES;

function dataOf(bytes: number): Message {
  return { ...EXAMPLES["state-data"], data: new Uint8Array(bytes).fill(7) };
}

/** A state-data whose encoding has `size` bytes. */
function messageOfSize(size: number): Message {
  const fixed = encodeMessage(dataOf(0)).length;
  return dataOf(size - fixed);
}

test("all messages of a turn for one destination travel in one datagram, in order", () => {
  const link = new SampleLink(replica(1), replica(0));
  const datagrams = link.send(prepare, commit, EXAMPLES.checkpoint);
  assert.equal(datagrams.length, 1);
  assert.equal(datagrams[0]?.length, 36 + 4 + 49 + 4 + 49 + 4 + EXAMPLES.checkpoint.bytes.length);
  link.deliver(datagrams);
  const kinds = link.takeArrived().map(({ kind }) => kind);
  assert.deepEqual(kinds, ["prepare", "commit"]);
  // The examples carry a constant in place of a signature.
  assert.deepEqual(link.dropped(), { "checkpoint/bad-signature": 1 });
});

test("a turn without messages sends nothing", () => {
  const link = new SampleLink(replica(1), replica(0));
  assert.deepEqual(link.send(), []);
});

test("each destination gets its own frame, with its own MAC, at its own address", () => {
  const link = new SampleLink(replica(1), replica(0));
  const other = new Destination(replica(2), { address: "127.0.0.1", port: 7002 });
  link.egress.queue(prepare, [link.destination, other]);
  link.egress.queue(commit, [other]);
  link.egress.flush();
  link.socket.settle();
  const ports = link.socket.sent.map(({ to }) => to.port);
  assert.deepEqual(ports, [7001, 7002]);
  const [mine = new Uint8Array(0), theirs = new Uint8Array(0)] = link.socket.take();
  link.deliver([mine, theirs]);
  assert.deepEqual(link.takeArrived(), [prepare]);
  assert.deepEqual(link.dropped(), { "frame/wrong-receiver": 1 });
});

test("frames for several at one address share a datagram, as far as they fit (RB1)", () => {
  const link = new SampleLink(replica(1), replica(0));
  const there = { address: "127.0.0.1", port: 9_000 };
  const others = [0, 1, 2].map((id) => new Destination(client(id), { ...there }));
  const elsewhere = new Destination(client(3), { address: "127.0.0.2", port: 9_000 });
  link.egress.queue(EXAMPLES.reply, [...others, elsewhere]);
  link.egress.flush();
  link.socket.settle();
  const sent = link.socket.sent.map(({ bytes, to }) => [to.address, bytes.length]);
  const size = 36 + 4 + encodeMessage(EXAMPLES.reply).length;
  assert.deepEqual(sent, [
    ["127.0.0.1", 3 * size],
    ["127.0.0.2", size],
  ]);
  const [datagram = new Uint8Array(0)] = link.socket.take();
  const second = new SampleLink(replica(1), client(1));
  second.deliver([datagram.subarray(size, 2 * size)]);
  assert.deepEqual(second.takeArrived(), [EXAMPLES.reply]);
  const large = messageOfSize(800);
  link.egress.queue(large, others);
  link.egress.flush();
  link.socket.settle();
  assert.equal(link.socket.take().length, 3);
});

test("a datagram is filled to its last byte, and no further", () => {
  const capacity = 1_472 - 36;
  const half = messageOfSize(capacity / 2 - 4);
  const link = new SampleLink(replica(1), replica(0));
  const full = link.send(half, half);
  assert.deepEqual(
    full.map(({ length }) => length),
    [1_472],
  );
  const bit = messageOfSize(capacity / 2 - 3);
  const two = link.send(half, bit);
  assert.equal(two.length, 2);
  link.deliver([...full, ...two]);
  assert.deepEqual(link.takeArrived(), [half, half, half, bit]);
});

test("a message that fills a datagram is not fragmented, one byte more is", () => {
  const link = new SampleLink(replica(1), replica(0));
  const largest = messageOfSize(1_472 - 36 - 4);
  const larger = messageOfSize(1_472 - 36 - 3);
  assert.equal(link.send(largest).length, 1);
  const fragments = link.send(larger);
  assert.equal(fragments.length, 2);
  link.deliver(fragments);
  assert.deepEqual(link.takeArrived(), [larger]);
});

test("small messages share a datagram although a fragmented one comes between them", () => {
  const link = new SampleLink(replica(1), replica(0));
  const large = messageOfSize(10_000);
  const datagrams = link.send(prepare, large, commit);
  assert.equal(datagrams.length, Math.ceil(10_004 / (1_472 - 48)) + 1);
  link.deliver(datagrams);
  assert.deepEqual(link.takeArrived(), [large, prepare, commit]);
});

test("fragmented messages are numbered on, from where the egress started, and around", () => {
  const link = new SampleLink(replica(1), replica(0), 1_472, 2 ** 32 - 1);
  const ids = [messageOfSize(2_000), messageOfSize(2_000)].map((message) => {
    const [first = new Uint8Array(0)] = link.send(message);
    const fragment = readFragment(first, replica(1));
    return typeof fragment === "string" ? fragment : fragment.messageId;
  });
  assert.deepEqual(ids, [2 ** 32 - 1, 0]);
});

test("the largest message passes, a larger one is counted and dropped", () => {
  const link = new SampleLink(replica(1), replica(0), 65_507);
  const largest = messageOfSize(MESSAGE_BYTES_MAX);
  link.deliver(link.send(largest));
  assert.deepEqual(link.takeArrived(), [largest]);
  assert.deepEqual(link.send(messageOfSize(MESSAGE_BYTES_MAX + 1)), []);
  assert.deepEqual(link.dropped(), { "egress/too-large": 1 });
});

test("what the socket does not let go of is bounded; the rest is counted and dropped", () => {
  const link = new SampleLink(replica(1), replica(0), 65_507);
  const boundCount = Math.floor((64 * 1024 * 1024) / 65_507);
  for (let turn = 0; turn < boundCount + 3; turn += 1) {
    link.egress.queue(prepare, [link.destination]);
    link.egress.flush();
  }
  assert.deepEqual(link.dropped(), { "egress/overloaded": 3 });
  link.socket.settle();
  assert.equal(link.socket.take().length, boundCount);
  assert.equal(link.send(prepare).length, 1, "and it goes on once the socket has caught up");
});

test("a buffer is reused only after the socket let go of it", () => {
  const link = new SampleLink(replica(1), replica(0));
  for (let turn = 0; turn < 5; turn += 1) {
    link.egress.queue({ ...prepare, seq: turn }, [link.destination]);
    link.egress.flush();
  }
  link.socket.settle();
  link.deliver(link.socket.take());
  const seqs = link.takeArrived().map((message) => message.kind === "prepare" && message.seq);
  assert.deepEqual(seqs, [0, 1, 2, 3, 4]);
});

test("any messages in any turns arrive whole, in datagrams within the bound", () => {
  const size = fc.oneof(fc.nat(200), fc.nat(5_000)).map((bytes) => dataOf(bytes));
  const turns = fc.array(fc.array(fc.oneof(size, messageOfKind.request, messageOfKind.commit)));
  fc.assert(
    fc.property(turns, fc.integer({ min: 300, max: 3_000 }), (sent, datagramBytesMax) => {
      const link = new SampleLink(replica(1), replica(0), datagramBytesMax);
      for (const messages of sent) {
        const datagrams = link.send(...messages);
        assert.ok(datagrams.every(({ length }) => length <= datagramBytesMax));
        link.deliver(datagrams);
        const arrived = link.takeArrived();
        assert.equal(arrived.length, messages.length);
        for (const message of messages) assert.ok(arrived.some((one) => isSame(one, message)));
      }
    }),
  );
});

function isSame(left: Message, right: Message): boolean {
  return Buffer.compare(encodeMessage(left), encodeMessage(right)) === 0;
}
