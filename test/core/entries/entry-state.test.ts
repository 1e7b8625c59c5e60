import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { InvariantError } from "../../../src/core/base/assert.js";
import { decodePage, encodePage } from "../../../src/core/entries/entry-page.js";
import { type EntryRow, EntryRowError } from "../../../src/core/entries/entry-row.js";
import { rootOfEntries } from "../../../src/core/entries/entry-table.js";
import { FreeSlots } from "../../../src/core/entries/free-slots.js";
import { hasher } from "../pbft/builders.js";
import { bytesOf, Fixture } from "./fixture.js";

const key = fc.integer({ min: 0, max: 25 }).map((index) => `k${index}`);
const operation = fc.oneof(
  fc.tuple(key, fc.integer({ min: 0, max: 99 })).map(([name, value]) => `set ${name} ${value}`),
  key.map((name) => `delete ${name}`),
);
const history = fc.array(operation, { maxLength: 60 });

/** All pages of checkpoint `seq`. */
function pagesAt({ machine }: Fixture, seq: number): Uint8Array[] {
  const count = machine.pageCount(seq);
  assert(count !== null);
  return Array.from({ length: count }, (_, index) => machine.page(seq, index) ?? assert.fail());
}

describe("the state of a service of one's own", () => {
  test("is what a plain map says, and the same from pages, rows and changes (ST2, BK5)", () => {
    fc.assert(
      fc.property(history, history, (before, after) => {
        const one = new Fixture();
        const model = new Map<string, string>();
        const stored = new Map<number, EntryRow>();
        for (const text of [...before, ...after]) {
          one.execute(text);
          const [verb, name = "", value = ""] = text.split(" ");
          if (verb === "set") model.set(name, value);
          else model.delete(name);
          if (one.rows().length % 3 > 0) continue;
          for (const row of [...one.machine.takeChangedRows()].flat()) stored.set(row.slot, row);
        }
        for (const row of [...one.machine.takeChangedRows()].flat()) stored.set(row.slot, row);
        const held = one.slots().filter((slot) => slot !== null);
        assert.deepEqual(held.sort(), [...model].map((pair) => pair.join(" ")).sort());
        const rows = [...stored.values()].sort((left, right) => left.slot - right.slot);
        assert.deepEqual(rows, one.rows());
        assert.deepEqual(rootOfEntries(hasher, rows), one.machine.root());
        one.machine.pin(1);
        const [other, loaded] = [new Fixture(), new Fixture()];
        other.machine.restore(pagesAt(one, 1));
        loaded.machine.load(rows);
        for (const fixture of [one, other, loaded])
          for (const text of before) fixture.execute(text);
        assert.deepEqual(other.machine.root(), one.machine.root());
        assert.deepEqual(loaded.machine.root(), one.machine.root());
      }),
      { numRuns: 60 },
    );
  });

  test("stays readable as it was at a checkpoint, whatever comes after (ST3)", () => {
    fc.assert(
      fc.property(history, history, history, (first, second, third) => {
        const fixture = new Fixture();
        for (const text of first) fixture.execute(text);
        fixture.machine.pin(1);
        const before = [pagesAt(fixture, 1), fixture.machine.root()];
        for (const text of second) fixture.execute(text);
        fixture.machine.pin(2);
        const middle = pagesAt(fixture, 2);
        for (const text of third) fixture.execute(text);
        assert.deepEqual(pagesAt(fixture, 1), before[0]);
        assert.deepEqual(pagesAt(fixture, 2), middle);
        const copy = new Fixture();
        copy.machine.restore(pagesAt(fixture, 1));
        assert.deepEqual(copy.machine.root(), before[1]);
      }),
      { numRuns: 60 },
    );
  });

  test("is hashed as its pages say, so that a fetcher can check them", () => {
    const fixture = new Fixture();
    for (let index = 0; index < 20; index += 1) fixture.execute(`set key${index} ${index}`);
    fixture.machine.pin(1);
    const digests = fixture.machine.treeNode(1, 0, 0);
    const pages = pagesAt(fixture, 1);
    assert.equal(pages.length, 3);
    for (const [index, page] of pages.entries()) {
      const digest = digests?.subarray(32 * index, 32 * index + 32);
      assert.deepEqual(fixture.machine.digestOf(-1, page), digest);
    }
    const top = fixture.machine.digestOf(0, digests ?? assert.fail());
    assert.deepEqual(fixture.machine.rootOf(3, top), fixture.machine.root());
  });

  test("is not read from pages that nobody can have agreed on", () => {
    const { machine } = new Fixture();
    const slots = (...names: string[]) => names.map((name) => ({ key: name, value: bytesOf("1") }));
    assert.throws(() => machine.restore([Uint8Array.of(1)]), InvariantError);
    assert.throws(() => machine.restore([new Uint8Array(0)]), InvariantError);
    const short = encodePage(slots("a"));
    assert.throws(() => machine.restore([short, encodePage(slots("b"))]), InvariantError);
    assert.throws(() => machine.restore([encodePage(slots("a", "a"))]), EntryRowError);
  });

  test("is not read from rows that can't be one", () => {
    const { machine } = new Fixture();
    const row = (slot: number, name: string): EntryRow => ({
      slot,
      key: name,
      value: bytesOf("1"),
    });
    assert.throws(() => machine.load([row(1, "a")]), EntryRowError);
    assert.throws(() => machine.load([row(0, "a"), row(1, "a")]), EntryRowError);
    for (const key of ["a\u0001", "x".repeat(256), "\ud800", ""]) {
      assert.throws(() => machine.load([row(0, key)]), EntryRowError, JSON.stringify(key));
    }
    const large = { slot: 0, key: "a", value: new Uint8Array(8_193) };
    assert.throws(() => machine.load([large]), EntryRowError);
    machine.load([{ slot: 0, key: "", value: new Uint8Array(0) }, row(1, "x".repeat(255))]);
  });
});

test("a page of a service is read back, and anything else is no page", () => {
  const slot = fc.record({
    key: fc.constantFrom("", "a", "é", "x".repeat(255)),
    value: fc.uint8Array({ maxLength: 300 }),
  });
  fc.assert(
    fc.property(fc.array(slot, { maxLength: 9 }), fc.nat(), (drawn, cut) => {
      const slots = drawn.map(({ key, value }) => ({
        key,
        value: key === "" ? new Uint8Array(0) : new Uint8Array(value),
      }));
      const bytes = encodePage(slots);
      assert.deepEqual(decodePage(bytes), slots.length > 8 ? null : slots);
      const part = bytes.subarray(0, cut % (bytes.length + 1));
      const read = decodePage(part);
      if (read !== null) assert.deepEqual(encodePage(read), new Uint8Array(part));
    }),
  );
  const page = Buffer.from(encodePage([{ key: "a", value: bytesOf("1") }]));
  const [read] = decodePage(page) ?? assert.fail();
  page.fill(0);
  assert.deepEqual(read?.value, bytesOf("1"), "what is read is a copy");
  assert.equal(decodePage(Uint8Array.of(0, 0, 1, 7)), null, "a free slot has no value");
  assert.equal(decodePage(Uint8Array.of(1, 10, 0, 0)), null, "a key is plain text");
});

test("the lowest free slot comes first", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(1_000))), (steps) => {
      const free = new FreeSlots();
      const model = new Set<number>();
      for (const step of steps) {
        if (step === null) {
          const lowest = model.size === 0 ? null : Math.min(...model);
          assert.equal(free.take(), lowest);
          if (lowest !== null) model.delete(lowest);
        } else if (!model.has(step)) {
          free.add(step);
          model.add(step);
        }
        assert.equal(free.count, model.size);
      }
    }),
  );
});
