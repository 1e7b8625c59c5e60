import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Company, DatagramPacker } from "../../../src/io/datagram-packer.js";
import { Tally } from "../../../src/io/tally.js";
import { HeldSocket } from "./sample-link.js";

const THERE = { address: "127.0.0.1", port: 7_000 };
const SIZE = 10;

/** A packer whose turns end when the test says so, and what it sent, by the frames' first bytes. */
function sharedPacker(datagramBytesMax = 65_507): {
  write: (company: Company, count: number, to?: typeof THERE) => void;
  sent: () => number[][];
  endTurn: () => void;
} {
  const socket = new HeldSocket();
  const atEnd: (() => void)[] = [];
  const packer = new DatagramPacker({
    ...{ socket, datagramBytesMax, drops: new Tally() },
    atEndOfTurn: (flush) => void atEnd.push(flush),
  });
  let number = 0;
  return {
    write: (company, count, to = THERE) => {
      for (let frame = 0; frame < count; frame += 1) {
        const bytes = packer.reserve(to, SIZE, company);
        assert(bytes !== null);
        assert.equal(bytes.length, SIZE);
        bytes.fill(number);
        number += 1;
        packer.endTurn();
      }
    },
    sent: () => {
      socket.settle();
      return socket
        .take()
        .map((bytes) =>
          Array.from({ length: bytes.length / SIZE }, (_, index) => bytes[index * SIZE] ?? -1),
        );
    },
    endTurn: () => {
      for (const flush of atEnd.splice(0)) flush();
    },
  };
}

function numbers(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, index) => start + index);
}

describe("a port that many write to in a turn", () => {
  test("sends what it holds of 32 frames once more come, then of 64, and so on", () => {
    const { write, sent, endTurn } = sharedPacker();
    write("some", 32);
    assert.deepEqual(sent(), [], "more may come, or nothing");
    write("some", 1);
    assert.deepEqual(sent(), [numbers(0, 32)]);
    write("some", 64);
    assert.deepEqual(sent(), [numbers(32, 96)]);
    write("some", 10);
    endTurn();
    assert.deepEqual(sent(), [numbers(96, 107)]);
    write("some", 33);
    assert.deepEqual(sent(), [numbers(107, 139)], "the next turn begins anew");
  });

  test("sends together what is to leave together, and what came before it", () => {
    const { write, sent, endTurn } = sharedPacker();
    write("some", 10);
    write("all", 60);
    write("some", 60);
    assert.deepEqual(sent(), []);
    endTurn();
    assert.deepEqual(sent(), [numbers(0, 130)]);
  });

  test("fills the datagram up where the system takes no more", () => {
    const { write, sent, endTurn } = sharedPacker();
    const countMax = Math.floor((64 * 1024 * 1024) / 65_507);
    write("none", countMax - 1);
    write("some", 40);
    endTurn();
    const datagrams = sent();
    assert.equal(datagrams.length, countMax);
    assert.equal(datagrams.at(-1)?.length, 40);
  });

  test("counts for each address by itself, and fills no datagram above its bound", () => {
    const { write, sent, endTurn } = sharedPacker(20 * SIZE);
    const elsewhere = { ...THERE, port: 7_001 };
    write("some", 25);
    write("some", 20, elsewhere);
    assert.deepEqual(sent(), [numbers(0, 20)]);
    write("none", 1);
    endTurn();
    assert.deepEqual(sent(), [numbers(20, 25), [45], numbers(25, 45)]);
  });
});

test("a port whose turn ends when its frames are written sends them in one datagram", () => {
  const socket = new HeldSocket();
  const packer = new DatagramPacker({
    ...{ socket, datagramBytesMax: 65_507, drops: new Tally() },
  });
  for (let frame = 0; frame < 200; frame += 1) packer.reserve(THERE, SIZE, "some");
  packer.endTurn();
  socket.settle();
  assert.deepEqual(
    socket.take().map(({ length }) => length),
    [200 * SIZE],
  );
});
