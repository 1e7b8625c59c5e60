import {
  crypto_generichash,
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
import { HASH_BYTES, KEY_BYTES, PREFIX_BYTES, SIGNATURE_BYTES } from "../core/crypto/crypto.js";
import type { CryptoProvider } from "../core/crypto/crypto.js";
import { isAcceptableSignature } from "../core/crypto/ed25519-acceptance.js";

/** Keys kept expanded; a process signs with one, or with those of all clients that it runs. */
const SIGNING_KEYS_MAX = 1_024;

/**
 * Longest input hashed by libsodium, in bytes. Measured on Node 20, x64, with the prefix:
 *
 *     bytes            0       64      200    1,024    8,192    65,536
 *     libsodium     0.41     0.58     0.76     1.77     11.4      88    µs, copied together
 *     (streaming)   0.97     1.09     1.25     2.26     11.5      87    µs, fed twice
 *     (batch)       0.43     0.59     0.77     1.78     11.1      87    µs, an array of both parts
 *     OpenSSL       0.49     0.58     0.68     1.17      5.9      45    µs, through node:crypto
 *
 * What is long goes to OpenSSL: it is the same hash at half the price, and a bundle of requests is
 * all length. What is short does not, though the table is a draw: the call through node:crypto runs
 * through more code, and where five processes share two processors that is seldom in their caches.
 */
const SODIUM_HASH_BYTES_MAX = 512;

/** The provider on libsodium: verifies signatures in about half the time of OpenSSL. */
export class NativeCrypto implements CryptoProvider {
  readonly name = "sodium-native";

  readonly #portable = new PortableCrypto();
  readonly #scratch = new Uint8Array(PREFIX_BYTES + SODIUM_HASH_BYTES_MAX);
  /** The first bytes of `#scratch`, by how many; made when first asked for. */
  readonly #inputs: (Uint8Array | undefined)[] = [];
  readonly #hash = outsideHeap(HASH_BYTES);
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
    if (end - start > SODIUM_HASH_BYTES_MAX) {
      this.#portable.hashInto(out, outOffset, length, prefix, bytes, start, end);
      return;
    }
    assert(length >= 1 && length <= HASH_BYTES, "a hash has 1 to 64 bytes");
    assert(prefix.length === PREFIX_BYTES, "a prefix is one block");
    assert(start >= 0 && start <= end && end <= bytes.length, "the range lies in the bytes");
    assert(outOffset + length <= out.length, "the hash fits its place");
    this.#scratch.set(prefix);
    const isWhole = start === 0 && end === bytes.length;
    this.#scratch.set(isWhole ? bytes : bytes.subarray(start, end), PREFIX_BYTES);
    crypto_generichash(this.#hash, this.#inputOf(PREFIX_BYTES + end - start));
    for (let index = 0; index < length; index += 1) {
      out[outOffset + index] = this.#hash[index] ?? 0;
    }
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

  #inputOf(length: number): Uint8Array {
    return (this.#inputs[length] ??= this.#scratch.subarray(0, length));
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
  return new Uint8Array(new ArrayBuffer(PREFIX_BYTES), 0, length);
}

function keyPairOf(seed: Uint8Array): { publicKey: Uint8Array; secretKey: Uint8Array } {
  assert(seed.length === KEY_BYTES, "a secret key has 32 bytes");
  const publicKey = new Uint8Array(KEY_BYTES);
  const secretKey = new Uint8Array(SIGNATURE_BYTES);
  crypto_sign_seed_keypair(publicKey, secretKey, seed);
  return { publicKey, secretKey };
}
