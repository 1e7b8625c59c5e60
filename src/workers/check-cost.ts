import { unreachable } from "../core/base/assert.js";
import { DIGEST_BYTES } from "../core/base/hasher.js";
import type { Check } from "../core/crypto/check.js";
import type { CryptoName } from "../core/crypto/crypto.js";

/*
 * What checks cost, to decide where they run. Only the ratio to the price of a hop matters, and a
 * machine that is twice as fast is that in both; so these are constants, measured on Node 20 on one
 * core of a server (x64, 2024) with `bench/micro/crypto.bench.ts`.
 */

/** A hash of nothing: the call, and the block that holds the prefix. */
const HASH_NS = 500;

/** Every further byte hashed. */
const HASH_NS_PER_BYTE = 0.7;

/** One Ed25519 verification. */
const SIGNATURE_NS: Readonly<Record<CryptoName, number>> = {
  "sodium-native": 36_000,
  portable: 62_000,
};

/** Estimated time to run `checks`, in nanoseconds on one core. */
export function checkCostNs(checks: readonly Check[], cryptoName: CryptoName): number {
  let costNs = 0;
  for (const check of checks) costNs += singleCostNs(check, cryptoName);
  return costNs;
}

/** The same for one check. */
export function singleCostNs(check: Check, cryptoName: CryptoName): number {
  switch (check.kind) {
    case "mac":
    case "digest":
      return hashCostNs(check.end - check.start);
    case "digest-of-digests":
      return hashCostNs(DIGEST_BYTES * check.count);
    case "signature":
      return SIGNATURE_NS[cryptoName];
    case "digest-mac":
      return hashCostNs(DIGEST_BYTES);
    default:
      return unreachable(check);
  }
}

function hashCostNs(byteLength: number): number {
  return HASH_NS + HASH_NS_PER_BYTE * byteLength;
}
