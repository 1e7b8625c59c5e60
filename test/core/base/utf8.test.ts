import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeUtf8, encodeUtf8 } from "../../../src/core/base/utf8.js";

/** Node's own strict decoder is the oracle. */
function oracle(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

test("every text is what it was after encoding and decoding, and its bytes are Node's", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const bytes = encodeUtf8(text);
      assert.deepEqual(bytes, new Uint8Array(Buffer.from(text)));
      assert.equal(decodeUtf8(bytes, 0, bytes.length), text);
    }),
  );
});

test("arbitrary bytes are decoded exactly when Node's strict decoder does", () => {
  const tricky = fc.constantFrom(0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1);
  const leads = fc.constantFrom(0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf4, 0xf5);
  const byte = fc.oneof(tricky, leads, fc.nat(255));
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 6 }), (values) => {
      const bytes = Uint8Array.from(values);
      assert.equal(decodeUtf8(bytes, 0, bytes.length), oracle(bytes));
    }),
    { numRuns: 20_000 },
  );
});

const NOT_UTF8: readonly (readonly [why: string, bytes: readonly number[]])[] = [
  ["a continuation byte alone", [0x80]],
  ["an overlong slash of two bytes", [0xc0, 0xaf]],
  ["an overlong slash of three bytes", [0xe0, 0x80, 0xaf]],
  ["an overlong form of four bytes", [0xf0, 0x8f, 0xbf, 0xbf]],
  ["a surrogate", [0xed, 0xa0, 0x80]],
  ["a code point above U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
  ["a sequence cut short", [0xe2, 0x82]],
  ["a sequence of five bytes", [0xf8, 0x88, 0x80, 0x80, 0x80]],
];

for (const [why, bytes] of NOT_UTF8) {
  test(`${why} is not UTF-8`, () => {
    assert.equal(decodeUtf8(Uint8Array.from(bytes), 0, bytes.length), null);
  });
}

test("half of a surrogate pair has no bytes", () => {
  assert.equal(encodeUtf8("a\ud800"), null);
  assert.equal(encodeUtf8("\udc00a"), null);
});

test("only the given range is decoded, and a sequence must end inside it", () => {
  const bytes = Uint8Array.from(Buffer.from("aéb"));
  assert.equal(decodeUtf8(bytes, 1, 3), "é");
  assert.equal(decodeUtf8(bytes, 1, 2), null);
  assert.equal(decodeUtf8(bytes, 2, 2), "");
});
