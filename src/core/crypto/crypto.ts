/*
 * What the system asks of a cryptography library. Two providers implement it, with the same result
 * for every input, bit for bit: src/workers/native-crypto.ts and
 * binding-free-src/portable-crypto.ts.
 *
 * One hash for everything: BLAKE2b-512 over a 128-byte prefix block and the bytes, cut to size. The
 * prefix block holds the domain, the cluster id and, for a MAC, the key. BLAKE2b is
 * indifferentiable from a random oracle and not open to length extension, so a secret first block
 * makes it a MAC.
 */

/** Which library does the work; `CRYPTO=portable` in the environment asks for the second. */
export type CryptoName = "sodium-native" | "portable";

/** Size of the block in front of everything hashed: one block of BLAKE2b. */
export const PREFIX_BYTES = 128;

/** Size of a full BLAKE2b-512 hash. */
export const HASH_BYTES = 64;

/** Size of a frame's authentication tag. */
export const MAC_BYTES = 16;

/** Size of an Ed25519 signature, R then S. */
export const SIGNATURE_BYTES = 64;

/** Size of an Ed25519 or X25519 public key, of their secret seeds, and of a MAC key. */
export const KEY_BYTES = 32;

/** A cryptography library. Synchronous; stateless but for what it keeps of keys and prefixes. */
export interface CryptoProvider {
  readonly name: CryptoName;

  /**
   * Writes the first `length` (1 to 64, included) bytes of BLAKE2b-512(`prefix` ‖ `bytes`[`start`,
   * `end`)) to `out` at `outOffset`. `prefix` is 128 bytes, and is never changed once something was
   * hashed behind it: what comes of it may be kept by the array.
   */
  hashInto(
    out: Uint8Array,
    outOffset: number,
    length: number,
    prefix: Uint8Array,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void;

  /**
   * Ed25519 signature (64 bytes, deterministic) of `message` with the key of the 32-byte `seed`.
   */
  sign(message: Uint8Array, seed: Uint8Array): Uint8Array;

  /**
   * Whether `signature` is an acceptable Ed25519 signature of `message`. Acceptable means the rule
   * of ed25519-acceptance.ts first, then the cofactorless equation. Never throws: any bytes may
   * come in.
   */
  verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean;

  /** Ed25519 public key of a 32-byte seed. */
  signPublicKey(seed: Uint8Array): Uint8Array;

  /** X25519 public key of a 32-byte secret. */
  exchangePublicKey(secret: Uint8Array): Uint8Array;

  /**
   * X25519 shared secret, 32 bytes, not yet hashed.
   * @throws Error when `peerPublicKey` is of small order (an all-zero secret): a broken genesis
   * file.
   */
  exchange(secret: Uint8Array, peerPublicKey: Uint8Array): Uint8Array;
}
