import { assert } from "../../src/core/base/assert.js";
import { bytesConcat, bytesEqual, hexOf } from "../../src/core/base/bytes.js";
import {
  type CryptoProvider,
  HASH_BYTES,
  KEY_BYTES,
  SIGNATURE_BYTES,
} from "../../src/core/crypto/crypto.js";

const LANES = 4;
const HALF = SIGNATURE_BYTES / 2;

/** Fixed blocks for what is derived rather than hashed for the protocol. */
const PUBLIC_BLOCK = blockOf(1);
const SIGN_BLOCK = blockOf(2);
const SHARED_BLOCK = blockOf(3);

/**
 * Cryptography that is fast and keeps the rules that the protocol relies on. A MAC is a keyed hash,
 * so only the two who share the key can make or check it. A signature is a hash under the signer's
 * seed; anyone may check it, because `verify` looks the seed up in a book that nobody else can
 * read. No participant, Byzantine or not, can make a signature without handing in the seed.
 *
 * The hash is not cryptographic: nobody in a run looks for collisions.
 */
export class StubCrypto implements CryptoProvider {
  readonly name = "portable";
  /** The secret behind each public key, and the same by the very array that holds the key. */
  readonly #secrets = new Map<string, Uint8Array>();
  readonly #secretsByArray = new WeakMap<Uint8Array, Uint8Array>();
  readonly #prefixStates = new WeakMap<Uint8Array, Int32Array>();
  readonly #state = new Int32Array(LANES);

  hashInto(
    out: Uint8Array,
    outOffset: number,
    length: number,
    prefix: Uint8Array,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    assert(length >= 1 && length <= HASH_BYTES, "a hash has 1 to 64 bytes");
    let from = this.#prefixStates.get(prefix);
    if (from === undefined) {
      from = new Int32Array(LANES);
      absorb(from, prefix, 0, prefix.length);
      this.#prefixStates.set(prefix, from);
    }
    this.#state.set(from);
    absorb(this.#state, bytes, start, end);
    squeeze(this.#state, out, outOffset, length);
  }

  sign(message: Uint8Array, seed: Uint8Array): Uint8Array {
    const signed = bytesConcat([seed, message]);
    const signature = new Uint8Array(SIGNATURE_BYTES);
    this.hashInto(signature, 0, HALF, SIGN_BLOCK, signed, 0, signed.length);
    signature.copyWithin(HALF, 0, HALF);
    return signature;
  }

  verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
    const seed = this.#secretOf(publicKey);
    return seed !== undefined && bytesEqual(this.sign(message, seed), signature);
  }

  signPublicKey(seed: Uint8Array): Uint8Array {
    return this.#publicKey(seed);
  }

  exchangePublicKey(secret: Uint8Array): Uint8Array {
    return this.#publicKey(secret);
  }

  exchange(secret: Uint8Array, peerPublicKey: Uint8Array): Uint8Array {
    const peerSecret = this.#secretOf(peerPublicKey);
    assert(peerSecret !== undefined, "every key of a run was made by this provider");
    const both = secret.map((byte, index) => byte ^ (peerSecret[index] ?? 0));
    return this.#derive(SHARED_BLOCK, both);
  }

  #secretOf(publicKey: Uint8Array): Uint8Array | undefined {
    const known = this.#secretsByArray.get(publicKey);
    if (known !== undefined) return known;
    const secret = this.#secrets.get(hexOf(publicKey));
    if (secret !== undefined) this.#secretsByArray.set(publicKey, secret);
    return secret;
  }

  #publicKey(secret: Uint8Array): Uint8Array {
    const publicKey = this.#derive(PUBLIC_BLOCK, secret);
    this.#secrets.set(hexOf(publicKey), secret.slice());
    return publicKey;
  }

  #derive(block: Uint8Array, bytes: Uint8Array): Uint8Array {
    const derived = new Uint8Array(KEY_BYTES);
    this.hashInto(derived, 0, KEY_BYTES, block, bytes, 0, bytes.length);
    return derived;
  }
}

function blockOf(number: number): Uint8Array {
  return new Uint8Array(128).fill(number);
}

/** Takes four bytes at a time into two multiplied, rotated lanes each; the length comes last. */
function absorb(state: Int32Array, bytes: Uint8Array, start: number, end: number): void {
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  for (let at = start; at < end; at += 4) {
    const word = wordAt(bytes, at, end);
    a = (Math.imul(a ^ word, 0x2c1b3c6d) + b) | 0;
    b = ((b ^ (a >>> 15)) << 7) | ((b ^ (a >>> 15)) >>> 25);
    c = Math.imul(c + word, 0x297a2d39) ^ d;
    d = (d + (c ^ (c >>> 13)) + a) | 0;
  }
  a ^= end - start;
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
}

function wordAt(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 <= end) {
    return (
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
    );
  }
  let word = 0x5a;
  for (let index = at; index < end; index += 1) word = (word << 8) | (bytes[index] as number);
  return word;
}

function squeeze(state: Int32Array, out: Uint8Array, offset: number, length: number): void {
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  for (let index = 0; index < length; index += 4) {
    a = Math.imul(a ^ (a >>> 16) ^ d, 0x85ebca6b) + index;
    b = Math.imul(b ^ (b >>> 13) ^ a, 0xc2b2ae35);
    c = Math.imul(c ^ (c >>> 15) ^ b, 0x27d4eb2f);
    d = Math.imul(d ^ (d >>> 16) ^ c, 0x165667b1);
    const word = a ^ b ^ c ^ d;
    for (let byte = 0; byte < 4 && index + byte < length; byte += 1) {
      out[offset + index + byte] = word >>> (8 * byte);
    }
  }
}
