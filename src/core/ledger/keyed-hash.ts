const FINAL_ROUNDS = 3;

/**
 * HalfSipHash-1-3 (Aumasson and Bernstein; the variant of Linux' hsiphash) of `bytes`[`start`,
 * `end`), an unsigned 32-bit integer. Whoever does not know the key cannot choose inputs that
 * collide, which is what a hash table needs whose keys come from clients. Never for signatures,
 * tags or digests.
 */
export function halfSipHash(
  keyLow: number,
  keyHigh: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  let v0 = keyLow;
  let v1 = keyHigh;
  let v2 = 0x6c796765 ^ keyLow;
  let v3 = 0x74656462 ^ keyHigh;
  const wordCount = wordCountOf(start, end);
  for (let step = 0; step < wordCount + FINAL_ROUNDS; step += 1) {
    if (step === wordCount) v2 ^= 0xff;
    const word = step < wordCount ? wordAt(bytes, start, end, step) : 0;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return (v1 ^ v3) >>> 0;
}

/** How many words stand for `bytes`[`start`, `end`): 1 and up. */
export function wordCountOf(start: number, end: number): number {
  return ((end - start) >>> 2) + 1;
}

/**
 * Word `index` of those that stand for `bytes`[`start`, `end`): 4 bytes, little endian, as a signed
 * integer; the last word holds the bytes that are left over and, on top, the length modulo 256. No
 * two strings of up to 255 bytes have the same words.
 */
export function wordAt(bytes: Uint8Array, start: number, end: number, index: number): number {
  const offset = start + 4 * index;
  if (offset + 4 <= end) {
    return (
      (bytes[offset] ?? 0) |
      ((bytes[offset + 1] ?? 0) << 8) |
      ((bytes[offset + 2] ?? 0) << 16) |
      ((bytes[offset + 3] ?? 0) << 24)
    );
  }
  let word = (end - start) << 24;
  for (let at = offset; at < end; at += 1) word |= (bytes[at] ?? 0) << (8 * (at - offset));
  return word;
}
