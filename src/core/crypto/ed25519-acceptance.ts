import { KEY_BYTES, SIGNATURE_BYTES } from "./crypto.js";

/*
 * Which signatures may be valid at all: part of the protocol, and the same for every provider.
 *
 * Libraries agree on honest signatures only. RFC 8032 leaves open how strictly points are decoded
 * and which equation is checked, and "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko; SSR
 * 2020) shows how far implementations drift apart. Two correct replicas that disagree on one
 * signature execute different batches, so whatever a library may decide either way is refused here,
 * before it is asked:
 *
 *   S ≥ L                 S and S + L satisfy the same equation: a third party could turn one
 *                         valid signature into another (RFC 8032, 5.1.7).
 *   y ≥ p in A or R       A second spelling of a point. Some decoders reduce it, some refuse it,
 *                         some hash the bytes and some the reduced point (RFC 8032, 5.1.3).
 *   x = 0, sign bit set   The other second spelling, "minus zero". Only y = 1 and y = -1 have x = 0
 *                         and both are of small order, so the rules below cover it.
 *   A of small order      Such a key "signs" every message: with S = 0 and R = identity its
 *                         equation holds for an eighth of all messages, or for all of them.
 *   R of small order      An honest R is a nonce times the base point. libsodium refuses these and
 *                         OpenSSL accepts them: a Byzantine signer could split the replicas.
 *
 * Points of mixed order (a prime-order part plus a torsion part) pass: telling them apart costs a
 * scalar multiplication, and the cofactorless equation, compared as bytes, decides them the same
 * way everywhere. A library that checks the cofactored equation would not: `providerDefect` finds
 * that out when the program starts.
 */

/** Order L of the base point, 2^252 + 27742317777372353535851937790883648493, little endian. */
const GROUP_ORDER = Uint8Array.of(
  ...[0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58],
  ...[0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14],
  ...[0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
  ...[0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10],
);

/** Field prime p = 2^255 - 19, little endian. */
const FIELD_PRIME = Uint8Array.from({ length: KEY_BYTES }, (_, index) => {
  if (index === 0) return 0xed;
  return index === KEY_BYTES - 1 ? 0x7f : 0xff;
});

/**
 * The y-coordinates of the eight points whose order divides the cofactor 8, little endian. Both
 * signs of x belong to each, so the sign bit does not matter.
 */
const SMALL_ORDER_Y: readonly Uint8Array[] = [
  /* 1: the identity */ Uint8Array.from({ length: KEY_BYTES }, (_, index) => (index === 0 ? 1 : 0)),
  /* p - 1: order 2 */ FIELD_PRIME.map((byte, index) => (index === 0 ? byte - 1 : byte)),
  /* 0: order 4, both of them */ new Uint8Array(KEY_BYTES),
  /* order 8, two of the four */ Uint8Array.of(
    ...[0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f],
    ...[0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f],
    ...[0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6],
    ...[0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a],
  ),
  /* order 8, the other two */ Uint8Array.of(
    ...[0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0],
    ...[0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0],
    ...[0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39],
    ...[0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05],
  ),
];

const SIGN_BIT = 0x80;

/**
 * Whether an Ed25519 signature may be looked at: A and R canonical and not of small order, S
 * canonical, and both of the right size. False is final; true leaves the equation to the provider.
 * Never throws; all inputs are public, so it need not run in constant time.
 */
export function isAcceptableSignature(signature: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES || publicKey.length !== KEY_BYTES) return false;
  if (!isLess(signature, KEY_BYTES, GROUP_ORDER)) return false;
  return isAcceptablePoint(signature) && isAcceptablePoint(publicKey);
}

/** Judges the encoded point in the first 32 bytes. */
function isAcceptablePoint(bytes: Uint8Array): boolean {
  if (!isLess(bytes, 0, FIELD_PRIME, SIGN_BIT)) return false;
  for (const y of SMALL_ORDER_Y) {
    if (hasCoordinate(bytes, y)) return false;
  }
  return true;
}

/**
 * Whether the 32 bytes at `offset`, a little-endian number without the bits of `topMask` in its top
 * byte, are below `limit`.
 */
function isLess(bytes: Uint8Array, offset: number, limit: Uint8Array, topMask = 0): boolean {
  for (let index = KEY_BYTES - 1; index >= 0; index -= 1) {
    const mask = index === KEY_BYTES - 1 ? topMask : 0;
    const difference = ((bytes[offset + index] ?? 0) & ~mask) - (limit[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** Whether the encoded point in the first 32 bytes has this y-coordinate, whatever its sign bit. */
function hasCoordinate(bytes: Uint8Array, y: Uint8Array): boolean {
  for (let index = 0; index < KEY_BYTES - 1; index += 1) {
    if (bytes[index] !== y[index]) return false;
  }
  return ((bytes[KEY_BYTES - 1] ?? 0) & ~SIGN_BIT) === y[KEY_BYTES - 1];
}
