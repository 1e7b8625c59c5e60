import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InvariantError, unreachable } from "../../../src/core/base/assert.js";
import { asciiBytes, bytesConcat, bytesEqual, hexOf } from "../../../src/core/base/bytes.js";

const bytes = fc.uint8Array({ maxLength: 6, max: 3 });

test("bytes are equal when Node's own are", () => {
  fc.assert(
    fc.property(bytes, bytes, (left, right) => {
      assert.equal(bytesEqual(left, right), Buffer.compare(left, right) === 0);
    }),
  );
});

test("bytes are joined and shown as Node's own are", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 9 })), (parts) => {
      const whole = bytesConcat(parts);
      assert.deepEqual(whole, Uint8Array.from(Buffer.concat(parts)));
      assert.equal(hexOf(whole), Buffer.from(whole).toString("hex"));
    }),
  );
});

test("ASCII text is its bytes; any other text is our own mistake", () => {
  assert.deepEqual(asciiBytes("pbft\x7f"), Uint8Array.of(0x70, 0x62, 0x66, 0x74, 0x7f));
  assert.throws(() => asciiBytes("é"), InvariantError);
});

test("a union member that a switch forgot stops the process", () => {
  assert.throws(() => unreachable("new-kind" as never), InvariantError);
});
