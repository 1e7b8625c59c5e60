import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { PLACES_PER_CLIENT_MAX } from "../../../src/core/base/limits.js";
import type { Hello } from "../../../src/core/message.js";
import { AddressBook } from "../../../src/io/address-book.js";
import { readOf, requestOf } from "../../core/pbft/builders.js";

const PLACES_MAX = PLACES_PER_CLIENT_MAX;

function at(port: number): { address: string; port: number } {
  return { address: "127.0.0.1", port };
}

function hello(session: number, nonce = 1): Hello {
  return { kind: "hello", session, nonce };
}

test("a session is found where it was heard of last", () => {
  const book = new AddressBook();
  assert.equal(book.find(0, 1), null);
  book.saw(0, hello(1, 1), at(7000));
  const place = book.find(0, 1);
  assert.deepEqual(place?.address, at(7000));
  assert.deepEqual(place.principal, { role: "client", id: 0 });
  book.saw(0, hello(1, 2), at(7001));
  assert.equal(book.find(0, 1), place, "what is queued for it goes along");
  assert.deepEqual(place.address, at(7001));
});

describe("what was recorded and is played back from elsewhere moves no session", () => {
  const messages = {
    hello: (count: number) => hello(1, count),
    request: (count: number) => requestOf({ session: 1, timestamp: count }),
    read: (count: number) => readOf(count),
  };
  for (const [kind, of] of Object.entries(messages)) {
    test(`a ${kind}`, () => {
      const book = new AddressBook();
      book.saw(0, of(1), at(7000));
      book.saw(0, of(2), at(7000));
      book.saw(0, of(1), at(666));
      assert.deepEqual(book.find(0, 1)?.address, at(7000));
      book.saw(0, of(3), at(7001));
      assert.deepEqual(book.find(0, 1)?.address, at(7001), "a new one does");
    });
  }

  test("and who was faster with the newest loses it to the client that repeats it", () => {
    const book = new AddressBook();
    book.saw(0, requestOf({ session: 1, timestamp: 2 }), at(666));
    book.saw(0, requestOf({ session: 1, timestamp: 2 }), at(7000));
    assert.deepEqual(book.find(0, 1)?.address, at(7000));
  });

  test("and what is of no session tells no place", () => {
    const book = new AddressBook();
    book.saw(0, { kind: "inspect", nonce: 9 }, at(666));
    assert.equal(book.find(0, 1), null);
  });
});

test("sessions of different clients are different", () => {
  const book = new AddressBook();
  book.saw(0, hello(1), at(7000));
  book.saw(1, hello(1), at(7001));
  assert.deepEqual(book.find(0, 1)?.address, at(7000));
  assert.deepEqual(book.find(1, 1)?.address, at(7001));
});

test("the session that started first is forgotten first, and only that of a busy client", () => {
  const book = new AddressBook();
  book.saw(1, hello(5), at(6000));
  for (let session = 2; session <= PLACES_MAX + 1; session += 1) {
    book.saw(0, hello(session), at(7000));
  }
  book.saw(0, hello(2, 2), at(7000));
  book.saw(0, hello(PLACES_MAX + 2), at(7000));
  assert.equal(book.find(0, 2), null);
  assert.notEqual(book.find(0, 3), null);
  book.saw(0, hello(1), at(666));
  assert.equal(book.find(0, 1), null, "an older one pushes no newer one out");
  assert.notEqual(book.find(0, 3), null);
  assert.notEqual(book.find(1, 5), null);
});

test("whatever clients say, each has a bounded number of places (I11)", () => {
  const spoken = fc.record({
    client: fc.nat(2),
    session: fc.oneof(fc.nat(3 * PLACES_MAX), fc.nat(Number.MAX_SAFE_INTEGER)),
    count: fc.nat(3),
    port: fc.nat(65_535),
  });
  const floods = fc.array(spoken, { minLength: 2 * PLACES_MAX, maxLength: 8 * PLACES_MAX });
  fc.assert(
    fc.property(floods, (flood) => {
      const book = new AddressBook();
      const seen = new Map<number, Set<number>>();
      for (const { client, session, count, port } of flood) {
        book.saw(client, hello(session, count), at(port));
        seen.set(client, (seen.get(client) ?? new Set()).add(session));
        const most = Math.max(...[...seen.values()].map(({ size }) => size));
        assert.equal(book.ofClientMost, Math.min(most, PLACES_MAX));
      }
    }),
    { numRuns: 30 },
  );
});
