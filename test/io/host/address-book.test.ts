import assert from "node:assert/strict";
import { test } from "node:test";
import { SESSIONS_PER_CLIENT_MAX } from "../../../src/core/base/limits.js";
import { AddressBook } from "../../../src/io/address-book.js";

const PLACES_MAX = 2 * SESSIONS_PER_CLIENT_MAX;

function at(port: number): { address: string; port: number } {
  return { address: "127.0.0.1", port };
}

test("a session is found where it was heard of last", () => {
  const book = new AddressBook();
  assert.equal(book.find(0, 1), null);
  book.saw(0, 1, at(7000));
  const place = book.find(0, 1);
  assert.deepEqual(place?.address, at(7000));
  assert.deepEqual(place.principal, { role: "client", id: 0 });
  book.saw(0, 1, at(7001));
  assert.equal(book.find(0, 1), place, "what is queued for it goes along");
  assert.deepEqual(place.address, at(7001));
});

test("sessions of different clients are different", () => {
  const book = new AddressBook();
  book.saw(0, 1, at(7000));
  book.saw(1, 1, at(7001));
  assert.deepEqual(book.find(0, 1)?.address, at(7000));
  assert.deepEqual(book.find(1, 1)?.address, at(7001));
});

test("the session heard of longest ago is forgotten first, and only that of a busy client", () => {
  const book = new AddressBook();
  book.saw(1, 5, at(6000));
  for (let session = 1; session <= PLACES_MAX; session += 1) book.saw(0, session, at(7000));
  book.saw(0, 1, at(7000));
  book.saw(0, PLACES_MAX + 1, at(7000));
  assert.notEqual(book.find(0, 1), null, "it was just heard of");
  assert.equal(book.find(0, 2), null);
  assert.notEqual(book.find(0, 3), null);
  assert.notEqual(book.find(1, 5), null);
});
