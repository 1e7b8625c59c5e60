/**
 * Which half of a 64-bit integer in memory is the upper one: 1 where the lower comes first.
 * Balances are read and moved as halves: as a `BigInt` each would be an object.
 */
export const HIGH_HALF = new Uint8Array(Uint16Array.of(1).buffer)[0] ?? 0;
