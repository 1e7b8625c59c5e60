import { assert } from "../base/assert.js";
import { asciiBytes } from "../base/bytes.js";
import { DIGEST_BYTES, Domain } from "../base/hasher.js";
import type { Digest, Hasher } from "../base/hasher.js";
import { KEY_BYTES, MAC_BYTES, PREFIX_BYTES } from "./crypto.js";
import type { CryptoProvider } from "./crypto.js";

/*
 * The block in front of everything hashed. Its fields have fixed places, so no two (domain,
 * cluster, key) share a block, and what follows it cannot be mistaken for a part of it (AU1).
 *
 *     0               16 17              32                  64                  96         128
 *    ┌──────────────────┬──┬───────────────┬───────────────────┬───────────────────┬───────────┐
 *    │ version tag      │d.│ zeros         │ cluster id        │ MAC key, or zeros │ zeros     │
 *    │ ASCII, zero-     │u8│               │ 32 bytes          │ 32 bytes          │           │
 *    │ padded           │  │               │                   │                   │           │
 *    └──────────────────┴──┴───────────────┴───────────────────┴───────────────────┴───────────┘
 *
 * It fills exactly one block of BLAKE2b: a secret key is compressed before the first byte of a
 * message.
 */

const VERSION_TAG = asciiBytes("pbft-ledger/1");
const DOMAIN_OFFSET = 16;
const CLUSTER_ID_OFFSET = 32;
const MAC_KEY_OFFSET = 64;

/** Cluster ids are random numbers of the size of a digest. */
const CLUSTER_ID_BYTES = DIGEST_BYTES;

assert(VERSION_TAG.length <= DOMAIN_OFFSET, "the version tag fits its field");
assert(MAC_KEY_OFFSET + KEY_BYTES <= PREFIX_BYTES, "the MAC key fits the block");

/** What a MAC is of: a frame, or a request's digest in its authenticator. */
type MacDomain = typeof Domain.mac | typeof Domain.authenticator;

/**
 * The prefix block (128 bytes, fresh, as secret as its key) of MACs.
 * @param clusterId 32 bytes.
 * @param key 32 bytes, from `deriveMacKey`; no MAC of one domain is one of the other under it.
 */
export function macPrefix(
  clusterId: Uint8Array,
  key: Uint8Array,
  domain: MacDomain = Domain.mac,
): Uint8Array {
  assert(key.length === KEY_BYTES, "a MAC key has 32 bytes");
  const block = prefixBlock(domain, clusterId);
  block.set(key, MAC_KEY_OFFSET);
  return block;
}

/**
 * MACs of `digest` under one prefix block after the other, 16 bytes each: an authenticator.
 * @param prefixes of `macPrefix` for `Domain.authenticator`, by replica.
 */
export function authenticatorOf(
  provider: CryptoProvider,
  prefixes: readonly Uint8Array[],
  digest: Digest,
): Uint8Array {
  const authenticator = new Uint8Array(MAC_BYTES * prefixes.length);
  for (const [replica, prefix] of prefixes.entries()) {
    const tag = MAC_BYTES * replica;
    provider.hashInto(authenticator, tag, MAC_BYTES, prefix, digest, 0, digest.length);
  }
  return authenticator;
}

function prefixBlock(domain: Domain, clusterId: Uint8Array): Uint8Array {
  assert(clusterId.length === CLUSTER_ID_BYTES, "a cluster id has 32 bytes");
  const block = new Uint8Array(PREFIX_BYTES);
  block.set(VERSION_TAG);
  block[DOMAIN_OFFSET] = domain;
  block.set(clusterId, CLUSTER_ID_OFFSET);
  return block;
}

/** The `Hasher` of one cluster: a provider and its prefix blocks, made once. */
export class ClusterHasher implements Hasher {
  readonly #provider: CryptoProvider;
  readonly #prefixes: readonly (Uint8Array | undefined)[];

  /** @param clusterId 32 bytes; copied. */
  constructor(provider: CryptoProvider, clusterId: Uint8Array) {
    this.#provider = provider;
    const prefixes: (Uint8Array | undefined)[] = [];
    for (const domain of Object.values(Domain)) {
      const hasKey = domain === Domain.mac || domain === Domain.authenticator;
      if (!hasKey) prefixes[domain] = prefixBlock(domain, clusterId);
    }
    this.#prefixes = prefixes;
  }

  /** Digest of `bytes` under `domain`; @throws InvariantError for a domain of MACs. */
  digest(domain: Domain, bytes: Uint8Array): Digest {
    return this.digestRange(domain, bytes, 0, bytes.length);
  }

  /** Digest of `bytes`[`start`, `end`) under `domain`; @throws InvariantError for one of MACs. */
  digestRange(domain: Domain, bytes: Uint8Array, start: number, end: number): Digest {
    const prefix = this.#prefixes[domain];
    assert(prefix !== undefined, "digests have a domain of their own, and it is not that of MACs");
    const digest = new Uint8Array(DIGEST_BYTES);
    this.#provider.hashInto(digest, 0, DIGEST_BYTES, prefix, bytes, start, end);
    return digest;
  }
}
