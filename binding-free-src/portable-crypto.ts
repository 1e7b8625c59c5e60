import * as nodeCrypto from "node:crypto";
import type { KeyObject } from "node:crypto";
import { assert } from "../src/core/base/assert.js";
import { HASH_BYTES, KEY_BYTES, PREFIX_BYTES } from "../src/core/crypto/crypto.js";
import type { CryptoProvider } from "../src/core/crypto/crypto.js";
import { isAcceptableSignature } from "../src/core/crypto/ed25519-acceptance.js";
import { RecentlyUsed } from "./recently-used.js";
import { ShortBlake2b } from "./short-blake2b.js";

const HASH_NAME = "blake2b512";

/** Public keys kept parsed: every replica and the busiest clients of a large cluster. */
const KEYS_MAX = 4_096;

/** Secret keys kept parsed; a process has one of a kind, or those of all clients that it runs. */
const SECRETS_MAX = 1_024;

/**
 * The one-call hash that Node.js has from 20.12 and 21.7 on. A namespace import, because a named
 * one would not even load where it is missing.
 */
const hashAtOnce: typeof nodeCrypto.hash | undefined = nodeCrypto.hash;

/**
 * Longest input, without its prefix, that the module of short-blake2b.ts hashes. Measured on Node
 * 20, x64, a slow processor, with a prefix that was used before, in turns, the best of 25 loops
 * each:
 *
 *     bytes                  0      64     200     512   1,024
 *     that module         0.29    0.46    0.63    1.09    2.04   µs
 *     sodium-native       0.62    0.81    0.95    1.30    1.94   µs, copied together
 *     OpenSSL             0.81    0.98    1.11    1.50    2.10   µs, copied together
 *
 * In a loop, that is. What counts more is how little code it runs through: even when it still
 * hashed each prefix anew (0.68 µs for 64 bytes), 64 clients that wrote got 1.04 to 1.07 times as
 * much done with it as with sodium-native. The packages hash-wasm and blake2b-wasm take 1.3 to
 * 2.8 µs for 32 to 200 bytes by their interfaces.
 */
const SHORT_BYTES_MAX = 512;

/** One for all of this thread: no hash depends on the one before it. */
const shortHash = shortHashIfAny();

/** Not every process may compile such a module, or reserve its memory: then OpenSSL does it. */
function shortHashIfAny(): ShortBlake2b | null {
  try {
    return new ShortBlake2b();
  } catch {
    return null;
  }
}

/**
 * Up to here it is cheaper to copy prefix and bytes together and hash them in one call; from here
 * on a hash object fed twice costs the same and copies nothing.
 */
const COPY_BYTES_MAX = 8 * 1024;

/**
 * DER of a private key (RFC 8410) up to its 32 raw bytes. The last byte of the object identifier
 * tells X25519 (1.3.101.110) from Ed25519 (1.3.101.112).
 */
const DER_PREFIX_X25519 = Buffer.from("302e020100300506032b656e04220420", "hex");
const DER_PREFIX_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");

/** The provider that needs nothing but Node.js itself. */
export class PortableCrypto implements CryptoProvider {
  readonly name = "portable";

  readonly #scratch = new Uint8Array(PREFIX_BYTES + COPY_BYTES_MAX);
  readonly #signingKeys = new RecentlyUsed(SECRETS_MAX, (seed) =>
    privateKeyOf(DER_PREFIX_ED25519, seed),
  );
  readonly #exchangeKeys = new RecentlyUsed(SECRETS_MAX, (secret) =>
    privateKeyOf(DER_PREFIX_X25519, secret),
  );
  readonly #verifyingKeys = new RecentlyUsed(KEYS_MAX, (key) => publicKeyOf("Ed25519", key));

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
    assert(prefix.length === PREFIX_BYTES, "a prefix is one block");
    assert(start >= 0 && start <= end && end <= bytes.length, "the range lies in the bytes");
    assert(outOffset + length <= out.length, "the hash fits its place");
    if (shortHash !== null && end - start <= SHORT_BYTES_MAX) {
      shortHash.hashInto(out, outOffset, length, prefix, bytes, start, end);
      return;
    }
    const hash =
      hashAtOnce !== undefined && end - start <= COPY_BYTES_MAX
        ? hashAtOnce(HASH_NAME, this.#gather(prefix, bytes, start, end), "binary")
        : hashTwice(prefix, bytes.subarray(start, end));
    for (let index = 0; index < length; index += 1) {
      out[outOffset + index] = hash.charCodeAt(index);
    }
  }

  sign(message: Uint8Array, seed: Uint8Array): Uint8Array {
    return new Uint8Array(nodeCrypto.sign(null, message, this.#signingKeys.get(seed)));
  }

  verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
    if (!isAcceptableSignature(signature, publicKey)) return false;
    return nodeCrypto.verify(null, message, this.#verifyingKeys.get(publicKey), signature);
  }

  signPublicKey(seed: Uint8Array): Uint8Array {
    return rawPublicKeyOf(this.#signingKeys.get(seed));
  }

  exchangePublicKey(secret: Uint8Array): Uint8Array {
    return rawPublicKeyOf(this.#exchangeKeys.get(secret));
  }

  exchange(secret: Uint8Array, peerPublicKey: Uint8Array): Uint8Array {
    const privateKey = this.#exchangeKeys.get(secret);
    const publicKey = publicKeyOf("X25519", peerPublicKey);
    try {
      return new Uint8Array(nodeCrypto.diffieHellman({ privateKey, publicKey }));
    } catch (cause) {
      throw new Error("an X25519 public key is of small order: it shares no secret", { cause });
    }
  }

  /** Prefix and bytes one after the other; valid until the next call. */
  #gather(prefix: Uint8Array, bytes: Uint8Array, start: number, end: number): Uint8Array {
    this.#scratch.set(prefix);
    this.#scratch.set(bytes.subarray(start, end), PREFIX_BYTES);
    return this.#scratch.subarray(0, PREFIX_BYTES + end - start);
  }
}

/**
 * One character per byte, which is what the other way to hash gives too: a string of 64 characters
 * is made in half the time of a Buffer.
 */
function hashTwice(prefix: Uint8Array, bytes: Uint8Array): string {
  return nodeCrypto.createHash(HASH_NAME).update(prefix).update(bytes).digest("binary");
}

function privateKeyOf(derPrefix: Uint8Array, raw: Uint8Array): KeyObject {
  assert(raw.length === KEY_BYTES, "a secret key has 32 bytes");
  const key = Buffer.concat([derPrefix, raw]);
  return nodeCrypto.createPrivateKey({ key, format: "der", type: "pkcs8" });
}

/** Public keys go in as JWK: OpenSSL needs 60 µs for the DER of one, 4 µs for its raw bytes. */
function publicKeyOf(curve: "Ed25519" | "X25519", raw: Uint8Array): KeyObject {
  assert(raw.length === KEY_BYTES, "a public key has 32 bytes");
  const x = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString("base64url");
  return nodeCrypto.createPublicKey({ key: { kty: "OKP", crv: curve, x }, format: "jwk" });
}

function rawPublicKeyOf(privateKey: KeyObject): Uint8Array {
  const der = nodeCrypto.createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return new Uint8Array(der.subarray(der.length - KEY_BYTES));
}
