import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Principal } from "../../../src/core/base/ids.js";
import {
  clientOfFrame,
  endOfFrame,
  readHeader,
  writeHeader,
} from "../../../src/core/wire/header.js";
import { FrameKind, HEADER_BYTES } from "../../../src/core/wire/layout.js";
import {
  altered,
  client,
  CLIENT_COUNT,
  replica,
  REPLICA_COUNT,
  rosterOf,
} from "./sample-cluster.js";

/** Offsets as the golden frames have them. */
const AT = { magic: 16, version: 18, kind: 19, tag: 20, sender: 24, receiver: 27, length: 30 };

const ME = replica(0);
const ROSTER = rosterOf(ME);

function headerOf(from: Principal, to: Principal): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  writeHeader(bytes, FrameKind.packed, rosterOf(from), to, 7);
  return bytes;
}

const VALID = headerOf(replica(1), ME);

test("a header names its kind, its sender and the key epoch", () => {
  const header = readHeader(VALID, ROSTER);
  assert.deepEqual(header, { kind: FrameKind.packed, from: replica(1), epoch: 7 });
});

test("a datagram shorter than a header is dropped", () => {
  for (let length = 0; length < HEADER_BYTES; length += 1) {
    assert.equal(readHeader(VALID.subarray(0, length), ROSTER), "frame/too-short");
  }
});

test("each field of the header that is not ours drops the frame by its own name (AU7)", () => {
  const reject = (at: number, ...values: number[]): unknown => {
    return readHeader(altered(VALID, at, ...values), ROSTER);
  };
  assert.equal(reject(AT.magic, 0x51), "frame/bad-magic");
  assert.equal(reject(AT.version, 1), "frame/bad-version");
  assert.equal(reject(AT.kind, 2), "frame/bad-kind");
  assert.equal(reject(AT.tag, 0), "frame/wrong-cluster");
  assert.equal(reject(AT.receiver, 1), "frame/wrong-receiver");
  assert.equal(reject(AT.receiver, 0, 0, 1), "frame/wrong-receiver");
  assert.equal(reject(AT.length, 0, HEADER_BYTES + 1), "frame/bad-length");
  assert.equal(reject(AT.length, 0, HEADER_BYTES - 1), "frame/bad-length");
});

test("frames follow one another in a datagram; what cannot end in it ends with it", () => {
  const second = headerOf(replica(1), client(2));
  const datagram = new Uint8Array([...VALID, ...second]);
  assert.equal(endOfFrame(datagram, 0), HEADER_BYTES);
  assert.equal(endOfFrame(datagram, HEADER_BYTES), datagram.length);
  assert.deepEqual(
    [0, HEADER_BYTES, HEADER_BYTES + 1].map((start) => clientOfFrame(datagram, start)),
    [null, 2, null],
  );
  for (const length of [0, HEADER_BYTES - 1, 2 * HEADER_BYTES + 1, 0xffff]) {
    const altogether = altered(datagram, AT.length, length >> 8, length & 0xff);
    assert.equal(endOfFrame(altogether, 0), datagram.length);
  }
  assert.equal(endOfFrame(datagram, datagram.length - 1), datagram.length);
});

test("a sender that does not take part is unknown", () => {
  const reject = (...sender: number[]): unknown => {
    return readHeader(altered(VALID, AT.sender, ...sender), ROSTER);
  };
  assert.equal(reject(0, 0, REPLICA_COUNT), "frame/unknown-sender");
  assert.equal(reject(1, 0, CLIENT_COUNT), "frame/unknown-sender");
  assert.equal(reject(1, 1, 0), "frame/unknown-sender");
  assert.equal(reject(2, 0, 0), "frame/unknown-sender");
});

test("nobody hears itself, and clients do not hear clients", () => {
  assert.equal(readHeader(headerOf(ME, ME), ROSTER), "frame/unknown-sender");
  const betweenClients = headerOf(client(1), client(2));
  assert.equal(readHeader(betweenClients, rosterOf(client(2))), "frame/unknown-sender");
});

test("any bytes are a header or a reject, and a header is only what was written", () => {
  fc.assert(
    fc.property(fc.nat(HEADER_BYTES - 1), fc.nat(255), (at, value) => {
      const bytes = altered(VALID, at, value);
      const header = readHeader(bytes, ROSTER);
      if (typeof header === "string") return;
      const written = new Uint8Array(HEADER_BYTES);
      writeHeader(written, header.kind, rosterOf(header.from), ME, header.epoch);
      assert.deepEqual(written.subarray(AT.magic), bytes.subarray(AT.magic));
    }),
    { numRuns: 2_000 },
  );
});
