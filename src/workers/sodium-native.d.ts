/**
 * The part of sodium-native that we call; the package brings no types. All throw on wrong sizes.
 */
declare module "sodium-native" {
  /** Writes the 32-byte public key and the 64-byte secret key of a 32-byte seed. */
  export function crypto_sign_seed_keypair(
    publicKey: Uint8Array,
    secretKey: Uint8Array,
    seed: Uint8Array,
  ): void;
  /** Writes the 64-byte signature. */
  export function crypto_sign_detached(
    signature: Uint8Array,
    message: Uint8Array,
    secretKey: Uint8Array,
  ): void;
  /** Whether the signature is valid. */
  export function crypto_sign_verify_detached(
    signature: Uint8Array,
    message: Uint8Array,
    publicKey: Uint8Array,
  ): boolean;
  /** Writes the X25519 public key. */
  export function crypto_scalarmult_base(publicKey: Uint8Array, secret: Uint8Array): void;
  /** Writes the X25519 shared secret; throws when it is all zeros. */
  export function crypto_scalarmult(
    shared: Uint8Array,
    secret: Uint8Array,
    publicKey: Uint8Array,
  ): void;
}
