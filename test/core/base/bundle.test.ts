import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InvariantError } from "../../../src/core/base/assert.js";
import {
  BundleReader,
  BundleWriter,
  bundleItems,
  bundleOf,
  isBundle,
} from "../../../src/core/base/bundle.js";

const items = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 12 });

test("items are copied together from one bundle to another", () => {
  fc.assert(
    fc.property(items, items, fc.nat(11), (before, from, skipped) => {
      const writer = new BundleWriter();
      for (const item of before) writer.append(item);
      const reader = new BundleReader(bundleOf(from));
      const left = from.slice(skipped);
      for (let count = 0; count < skipped && reader.next(); count += 1);
      if (reader.remaining > 0) assert.equal(reader.nextLength, left[0]?.length);
      writer.appendItems(reader.bytes, reader.end, reader.bytes.length, reader.remaining);
      assert.deepEqual(bundleItems(writer.finish()), [...before, ...left]);
    }),
  );
});

test("what is put into a bundle comes out of it, in order", () => {
  fc.assert(
    fc.property(items, (expected) => {
      const bundle = bundleOf(expected);
      assert(isBundle(bundle));
      assert.deepEqual(bundleItems(bundle), expected);
      const reader = new BundleReader(bundle);
      for (const [index, item] of expected.entries()) {
        assert.equal(reader.remaining, expected.length - index);
        assert(reader.next());
        assert.deepEqual(reader.item(), item);
      }
      assert.equal(reader.next(), false);
    }),
  );
});

test("the rest of a bundle is what its reader has not read, which reads on for itself", () => {
  const reader = new BundleReader(bundleOf([Uint8Array.of(1), Uint8Array.of(), Uint8Array.of(3)]));
  assert.equal(reader.next(), true);
  const rest = reader.rest();
  assert.deepEqual([rest.next(), rest.next(), rest.item()], [true, true, Uint8Array.of(3)]);
  assert.deepEqual([rest.next(), reader.remaining, reader.item()], [false, 2, Uint8Array.of(1)]);
});

test("a bundle can be written in place, and tells its size while it grows", () => {
  const writer = new BundleWriter(2);
  assert.equal(writer.byteLength, 2);
  for (const length of [0, 1, 300]) {
    const start = writer.reserve(length);
    writer.buffer().fill(length & 0xff, start, start + length);
  }
  assert.equal(writer.count, 3);
  assert.equal(writer.itemBytes, 301);
  const bundle = writer.finish();
  assert.equal(writer.byteLength, bundle.length);
  assert.deepEqual(bundleItems(bundle), [
    new Uint8Array(0),
    Uint8Array.of(1),
    new Uint8Array(300).fill(300 & 0xff),
  ]);
});

/** What its 16-bit length can say. */
const ITEM_BYTES_MAX = 65_535;

test("an item that does not fit its length field is our own mistake", () => {
  const writer = new BundleWriter();
  writer.append(new Uint8Array(ITEM_BYTES_MAX));
  assert.throws(() => writer.append(new Uint8Array(ITEM_BYTES_MAX + 1)), InvariantError);
});

test("arbitrary bytes are a bundle only if they are exactly what their items make", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      if (!isBundle(bytes)) return;
      assert.deepEqual(bundleOf(bundleItems(bytes)), bytes);
    }),
  );
});

test("no bundle is empty, cut short, or followed by anything", () => {
  assert.equal(isBundle(new Uint8Array(0)), false);
  assert.equal(isBundle(Uint8Array.of(0, 0)), false, "it has at least one item");
  fc.assert(
    fc.property(items, fc.nat(), (some, cut) => {
      const bundle = bundleOf(some);
      assert.equal(isBundle(bundle.subarray(0, cut % bundle.length)), false);
      assert.equal(isBundle(Uint8Array.of(...bundle, 0)), false);
    }),
  );
});

test("a writer that was cleared begins another bundle, and leaves the finished one alone", () => {
  fc.assert(
    fc.property(items, items, (first, second) => {
      const writer = new BundleWriter(2);
      for (const item of first) writer.append(item);
      const finished = writer.finish();
      writer.clear();
      assert.deepEqual([writer.count, writer.byteLength], [0, 2]);
      for (const item of second) writer.append(item);
      assert.deepEqual(bundleItems(writer.finish()), second);
      assert.deepEqual(bundleItems(finished), first);
    }),
  );
});
