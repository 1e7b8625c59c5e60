import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32c } from "../../../src/core/journal/crc32c.js";

test("CRC-32C gives the values of RFC 3720, appendix B.4", () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, index) => index);
  const descending = ascending.slice().reverse();
  assert.equal(crc32c(new Uint8Array(32), 0, 32), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff), 0, 32), 0x62a8ab43);
  assert.equal(crc32c(ascending, 0, 32), 0x46dd794e);
  assert.equal(crc32c(descending, 0, 32), 0x113fdb5c);
});

test("CRC-32C covers exactly the range at any alignment, and goes on from a seed", () => {
  const bytes = Uint8Array.from({ length: 41 }, (_, index) => (index * 37) & 0xff);
  for (let start = 0; start < 9; start += 1) {
    for (let end = start; end <= bytes.length; end += 1) {
      const middle = start + ((end - start) >> 1);
      const whole = crc32c(bytes, start, end);
      assert.equal(crc32c(bytes.slice(start, end), 0, end - start), whole);
      assert.equal(crc32c(bytes, middle, end, crc32c(bytes, start, middle)), whole);
    }
  }
});
