import {
  crypto_scalarmult,
  crypto_scalarmult_base,
  crypto_sign_detached,
  crypto_sign_seed_keypair,
  crypto_sign_verify_detached,
} from "sodium-native";
import { PortableCrypto } from "../../binding-free-src/portable-crypto.js";
import { RecentlyUsed } from "../../binding-free-src/recently-used.js";
import { assert } from "../core/base/assert.js";
import { DIGEST_BYTES } from "../core/base/hasher.js";
import { KEY_BYTES, SIGNATURE_BYTES } from "../core/crypto/crypto.js";
import type { CryptoProvider } from "../core/crypto/crypto.js";
import { isAcceptableSignature } from "../core/crypto/ed25519-acceptance.js";

/** Keys kept expanded; a process signs with one, or with those of all clients that it runs. */
const SIGNING_KEYS_MAX = 1_024;

/**
 * The provider on libsodium: verifies signatures in about half the time of OpenSSL. Hashes are the
 * other provider's.
 */
export class NativeCrypto implements CryptoProvider {
  readonly name = "sodium-native";

  readonly #portable = new PortableCrypto();
  readonly #digest = outsideHeap(DIGEST_BYTES);
  readonly #signature = outsideHeap(SIGNATURE_BYTES);
  readonly #signingKeys = new RecentlyUsed(SIGNING_KEYS_MAX, keyPairOf);

  hashInto(
    out: Uint8Array,
    outOffset: number,
    length: number,
    prefix: Uint8Array,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#portable.hashInto(out, outOffset, length, prefix, bytes, start, end);
  }

  sign(message: Uint8Array, seed: Uint8Array): Uint8Array {
    const { secretKey } = this.#signingKeys.get(seed);
    crypto_sign_detached(this.#signature, this.#messageOf(message), secretKey);
    return this.#signature.slice();
  }

  verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
    if (!isAcceptableSignature(signature, publicKey)) return false;
    return crypto_sign_verify_detached(signature, this.#messageOf(message), publicKey);
  }

  signPublicKey(seed: Uint8Array): Uint8Array {
    return this.#signingKeys.get(seed).publicKey.slice();
  }

  exchangePublicKey(secret: Uint8Array): Uint8Array {
    assert(secret.length === KEY_BYTES, "a secret key has 32 bytes");
    const publicKey = new Uint8Array(KEY_BYTES);
    crypto_scalarmult_base(publicKey, secret);
    return publicKey;
  }

  exchange(secret: Uint8Array, peerPublicKey: Uint8Array): Uint8Array {
    assert(secret.length === KEY_BYTES, "a secret key has 32 bytes");
    assert(peerPublicKey.length === KEY_BYTES, "a public key has 32 bytes");
    const shared = new Uint8Array(KEY_BYTES);
    try {
      crypto_scalarmult(shared, secret, peerPublicKey);
    } catch (cause) {
      throw new Error("an X25519 public key is of small order: it shares no secret", { cause });
    }
    return shared;
  }

  /** The addon asks for an array's buffer, which a digest has none of until somebody does. */
  #messageOf(message: Uint8Array): Uint8Array {
    if (message.length !== DIGEST_BYTES) return message;
    this.#digest.set(message);
    return this.#digest;
  }
}

/**
 * An array whose bytes are outside of V8's heap, as those of large ones are. Of a small one of its
 * heap V8 makes such an array, to be collected some day, as soon as its buffer is asked for: 0.7 µs
 * for each.
 */
function outsideHeap(length: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(length));
}

function keyPairOf(seed: Uint8Array): { publicKey: Uint8Array; secretKey: Uint8Array } {
  assert(seed.length === KEY_BYTES, "a secret key has 32 bytes");
  const publicKey = new Uint8Array(KEY_BYTES);
  const secretKey = new Uint8Array(SIGNATURE_BYTES);
  crypto_sign_seed_keypair(publicKey, secretKey, seed);
  return { publicKey, secretKey };
}
