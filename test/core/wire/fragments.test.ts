import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  MESSAGE_BYTES_MAX,
  REASSEMBLY_BYTES_PER_CLIENT_MAX,
  REASSEMBLY_BYTES_PER_PEER_MAX,
} from "../../../src/core/base/limits.js";
import {
  BODY_BYTES_MAX,
  chunkBytesOf,
  type Fragment,
  readFragment,
  Reassembler,
  writeFragmentFields,
} from "../../../src/core/wire/fragments.js";
import { HEADER_BYTES } from "../../../src/core/wire/layout.js";
import { client, replica } from "./sample-cluster.js";

const PEER = replica(1);
const AGE_TICKS_MAX = 3;

function bytesOf(size: number, first = 0): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (first + index * 7) % 251);
}

/** `body` cut into chunks, by the definition of the format. */
function cut(body: Uint8Array, chunkBytes: number, messageId = 1): Fragment[] {
  const count = Math.ceil(body.length / chunkBytes);
  return Array.from({ length: count }, (_, index) => {
    const chunk = body.subarray(index * chunkBytes, (index + 1) * chunkBytes);
    return { messageId, index, count, totalBytes: body.length, chunk };
  });
}

function frameOf(fragment: Fragment): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + 12 + fragment.chunk.length);
  writeFragmentFields(frame, HEADER_BYTES, fragment);
  frame.set(fragment.chunk, HEADER_BYTES + 12);
  return frame;
}

/** What a reassembler makes of `fragments`, without the nulls for what is still missing. */
function outcomes(reassembler: Reassembler, from: typeof PEER, fragments: readonly Fragment[]) {
  return fragments.map((one) => reassembler.accept(from, one)).filter((one) => one !== null);
}

const cutBody = fc
  .record({ size: fc.integer({ min: 2, max: 300 }), chunkBytes: fc.integer({ min: 1, max: 100 }) })
  .filter(({ size, chunkBytes }) => size > chunkBytes);

/** An order for as many fragments as there may be. */
const ranks = fc.array(fc.nat(), { minLength: 300, maxLength: 300 });

test("fragments in any order give the body that was cut, once", () => {
  fc.assert(
    fc.property(cutBody, ranks, ({ size, chunkBytes }, order) => {
      const body = bytesOf(size);
      const fragments = cut(body, chunkBytes);
      const shuffled = fragments
        .map((fragment, index) => ({ fragment, rank: order[index] ?? 0 }))
        .sort((left, right) => left.rank - right.rank)
        .map(({ fragment }) => fragment);
      const reassembler = new Reassembler(AGE_TICKS_MAX);
      assert.deepEqual(outcomes(reassembler, PEER, shuffled), [body]);
      assert.equal(reassembler.heldBytes(PEER), 0);
    }),
  );
});

test("a fragment is read as it was written", () => {
  fc.assert(
    fc.property(cutBody, ({ size, chunkBytes }) => {
      for (const fragment of cut(bytesOf(size), chunkBytes)) {
        assert.deepEqual(readFragment(frameOf(fragment), PEER), fragment);
      }
    }),
  );
});

test("duplicates are dropped and do no harm", () => {
  const body = bytesOf(100);
  const twice = cut(body, 30).flatMap((fragment) => [fragment, fragment]);
  const duplicate = "fragment/duplicate";
  const reassembler = new Reassembler(AGE_TICKS_MAX);
  assert.deepEqual(outcomes(reassembler, PEER, twice), [duplicate, duplicate, duplicate, body]);
});

test("two senders with the same message id do not mix", () => {
  const [mine, theirs, clients] = [bytesOf(90, 1), bytesOf(90, 2), bytesOf(90, 3)];
  const reassembler = new Reassembler(AGE_TICKS_MAX);
  const parts = [cut(mine, 40), cut(theirs, 40), cut(clients, 40)];
  const peers = [replica(1), replica(2), client(1)];
  const results = [0, 1, 2].map((index) => {
    return peers.map((peer, number) => {
      const fragment = parts[number]?.[index];
      assert.ok(fragment !== undefined);
      return reassembler.accept(peer, fragment);
    });
  });
  assert.deepEqual(results, [
    [null, null, null],
    [null, null, null],
    [mine, theirs, clients],
  ]);
});

test("fragments that disagree on count, total or chunk size are inconsistent", () => {
  const [first] = cut(bytesOf(100), 30);
  assert.ok(first !== undefined);
  const others = [cut(bytesOf(110), 30)[1], cut(bytesOf(100), 40)[1], cut(bytesOf(100), 26)[1]];
  for (const other of others) {
    const reassembler = new Reassembler(AGE_TICKS_MAX);
    assert.ok(other !== undefined);
    assert.equal(reassembler.accept(PEER, first), null);
    assert.equal(reassembler.accept(PEER, other), "fragment/inconsistent");
  }
});

test("a fragment whose numbers do not fit each other is none", () => {
  const good = { messageId: 1, index: 0, count: 3, totalBytes: 25, chunk: bytesOf(10) };
  assert.deepEqual(readFragment(frameOf(good), PEER), good);
  const wrong = [
    { count: 0 },
    { count: 1 },
    { count: 2 },
    { count: 4 },
    { index: 3 },
    { index: 2 },
    { totalBytes: 20 },
    { totalBytes: 31 },
    { totalBytes: 0 },
    { index: 2, chunk: bytesOf(25) },
    { index: 2, totalBytes: 24 },
  ];
  for (const change of wrong) {
    const fragment = { ...good, ...change };
    assert.equal(
      readFragment(frameOf(fragment), PEER),
      "fragment/bad-shape",
      JSON.stringify(change),
    );
  }
  const frame = frameOf(good);
  for (let length = HEADER_BYTES; length <= HEADER_BYTES + 12; length += 1) {
    assert.equal(readFragment(frame.subarray(0, length), PEER), "fragment/truncated");
  }
});

test("a body is bounded: by the largest message, and for clients by the largest request", () => {
  const claim = (totalBytes: number, from: typeof PEER): unknown => {
    const chunk = bytesOf(60_000);
    const count = Math.ceil(totalBytes / chunk.length);
    return readFragment(frameOf({ messageId: 1, index: 0, count, totalBytes, chunk }), from);
  };
  assert.equal(BODY_BYTES_MAX, MESSAGE_BYTES_MAX + 4);
  assert.equal(typeof claim(BODY_BYTES_MAX, PEER), "object");
  assert.equal(claim(BODY_BYTES_MAX + 1, PEER), "fragment/too-large");
  const authenticatorBytes = 16 * 31;
  assert.equal(typeof claim(60_004 + authenticatorBytes, client(0)), "object");
  assert.equal(claim(60_005 + authenticatorBytes, client(0)), "fragment/too-large");
});

test("one sender holds a bounded number of bytes: its oldest bodies give way, others' stay", () => {
  const reassembler = new Reassembler(AGE_TICKS_MAX);
  const totalBytes = Math.floor(0.95 * MESSAGE_BYTES_MAX);
  const chunk = bytesOf(Math.ceil(totalBytes / 4));
  const send = (messageId: number, index: number): unknown => {
    const last = chunk.subarray(0, totalBytes - 3 * chunk.length);
    const part = index === 3 ? last : chunk;
    return reassembler.accept(PEER, { messageId, index, count: 4, totalBytes, chunk: part });
  };
  const other = cut(bytesOf(90), 40);
  assert.deepEqual(outcomes(reassembler, replica(2), other.slice(0, 2)), []);
  for (let messageId = 1; messageId <= 100; messageId += 1) {
    for (let index = 0; index < 3; index += 1) {
      assert.equal(send(messageId, index), null);
      assert.ok(reassembler.heldBytes(PEER) <= REASSEMBLY_BYTES_PER_PEER_MAX);
    }
  }
  assert.ok(send(100, 3) instanceof Uint8Array, "the newest is still there");
  assert.equal(send(1, 3), null, "the oldest is gone");
  assert.deepEqual(outcomes(reassembler, replica(2), other.slice(2)), [bytesOf(90)]);
  assert.equal(reassembler.tick(), 98, "room for two unfinished bodies of three chunks");
});

test("tiny chunks are charged for what they cost beside their bytes", () => {
  const reassembler = new Reassembler(AGE_TICKS_MAX);
  const count = Math.ceil(REASSEMBLY_BYTES_PER_PEER_MAX / 256);
  for (let index = 0; index < count - 1; index += 1) {
    const fragment = { messageId: 1, index, count, totalBytes: count, chunk: bytesOf(1) };
    reassembler.accept(PEER, fragment);
    assert.ok(reassembler.heldBytes(PEER) <= REASSEMBLY_BYTES_PER_PEER_MAX);
  }
  assert.equal(reassembler.tick(), 1, "the body was given up and begun again");
});

test("a client is held to less than a replica", () => {
  const reassembler = new Reassembler(AGE_TICKS_MAX);
  for (let messageId = 0; messageId < 200; messageId += 1) {
    const chunk = bytesOf(30_000);
    reassembler.accept(client(0), { messageId, index: 0, count: 2, totalBytes: 60_000, chunk });
  }
  assert.ok(reassembler.heldBytes(client(0)) <= 1_000_000);
  assert.ok(reassembler.heldBytes(client(0)) >= 900_000);
});

test("what stays unfinished is dropped by age, and may then begin anew", () => {
  const reassembler = new Reassembler(AGE_TICKS_MAX);
  const body = bytesOf(90);
  const [first, second, third] = cut(body, 40);
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  reassembler.accept(PEER, first);
  for (let tick = 0; tick < AGE_TICKS_MAX; tick += 1) assert.equal(reassembler.tick(), 0);
  assert.equal(reassembler.tick(), 1);
  assert.equal(reassembler.heldBytes(PEER), 0);
  assert.deepEqual(outcomes(reassembler, PEER, [second, third]), []);
  assert.deepEqual(outcomes(reassembler, PEER, [first]), [body]);
});

test("a chunk and its headers fill a datagram", () => {
  assert.equal(chunkBytesOf(1_472) + 36 + 12, 1_472);
});

test("whatever fragments come, what is held is bounded by sender and by age (I11)", () => {
  const hostile = fc.record({
    from: fc.constantFrom(client(0), client(1), replica(1)),
    messageId: fc.nat(40),
    index: fc.nat(3),
    count: fc.integer({ min: 2, max: 40 }),
    size: fc.constantFrom(1, 2_000, 30_000),
    ticks: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
  });
  fc.assert(
    fc.property(fc.array(hostile, { minLength: 50, maxLength: 400 }), (flood) => {
      const reassembler = new Reassembler(AGE_TICKS_MAX);
      for (const { from, messageId, index, count, size, ticks } of flood) {
        const totalBytes = count * size;
        const frame = frameOf({ messageId, index, count, totalBytes, chunk: bytesOf(size) });
        const fragment = readFragment(frame, from);
        if (typeof fragment === "object") reassembler.accept(from, fragment);
        for (let tick = 0; tick < ticks; tick += 1) reassembler.tick();
        const { ofReplicaBytes, ofClientBytes, ageTicks } = reassembler.held;
        assert.ok(ofReplicaBytes <= REASSEMBLY_BYTES_PER_PEER_MAX);
        assert.ok(ofClientBytes <= REASSEMBLY_BYTES_PER_CLIENT_MAX);
        assert.ok(ageTicks <= AGE_TICKS_MAX);
        assert.equal(ofReplicaBytes, reassembler.heldBytes(replica(1)));
      }
    }),
    { numRuns: 50 },
  );
});
