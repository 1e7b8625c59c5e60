/** A BLAKE2b-512 hash cut to its first 32 bytes. Never written to after it was made. */
export type Digest = Uint8Array;

/** Size of a `Digest`. */
export const DIGEST_BYTES = 32;

/**
 * What kind of thing is hashed. Every hash starts with the domain and the cluster id, so that no
 * digest, signature or MAC can be replayed as another type or in another cluster (AU1).
 */
export const Domain = {
  mac: 1,
  request: 2,
  batch: 3,
  checkpoint: 4,
  viewChange: 5,
  newView: 6,
  state: 7,
  page: 8,
  node: 9,
  clientTable: 10,
  macKey: 11,
  journal: 12,
  authenticator: 13,
} as const;
export type Domain = (typeof Domain)[keyof typeof Domain];

/** The one hash of the system, as the pure core sees it. */
export interface Hasher {
  /** Digest of `bytes` under `domain`, 32 bytes, freshly allocated. */
  digest(domain: Domain, bytes: Uint8Array): Digest;
}
