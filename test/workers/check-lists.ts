import fc from "fast-check";
import { Domain } from "../../src/core/base/hasher.js";
import type { Check } from "../../src/core/crypto/check.js";
import { MAC_BYTES } from "../../src/core/crypto/crypto.js";
import { ClusterHasher, macPrefix } from "../../src/core/crypto/prefix.js";
import { PortableCrypto } from "../../binding-free-src/portable-crypto.js";
import type { CheckKeys } from "../../src/workers/run-checks.js";
import type { CheckList } from "../../src/workers/verify-job.js";

const portable = new PortableCrypto();
const SEEDS = [1, 2, 3].map((value) => new Uint8Array(32).fill(value));
const CLUSTER_ID = new Uint8Array(32).fill(0xc1);
const hasher = new ClusterHasher(portable, CLUSTER_ID);

/** Three MAC keys and three public keys of a made-up cluster. */
export const KEYS: CheckKeys = {
  clusterId: CLUSTER_ID,
  macPrefixes: SEEDS.map((seed) => macPrefix(CLUSTER_ID, seed)),
  publicKeys: SEEDS.map((seed) => portable.signPublicKey(seed)),
};

/*
 * A frame for tests: payload, its signature, and the MAC of both.
 *
 *   0         payloadBytes    + 64    + 16
 *   ┌─────────┬───────────────┬───────┐
 *   │ payload │ signature     │ tag   │
 *   └─────────┴───────────────┴───────┘
 */

/**
 * A frame whose checks all pass: MAC, digest, digest of that digest, and `signatures` times its
 * signature.
 */
export function signedFrame(payload: Uint8Array, key: number, signatures = 1): CheckList {
  const seed = SEEDS[key] ?? new Uint8Array(32);
  const digest = hasher.digest(Domain.request, payload);
  const bytes = new Uint8Array(payload.length + 64 + MAC_BYTES);
  bytes.set(payload);
  bytes.set(portable.sign(digest, seed), payload.length);
  const tag = payload.length + 64;
  const prefix = KEYS.macPrefixes[key] ?? new Uint8Array(128);
  portable.hashInto(bytes, tag, MAC_BYTES, prefix, bytes, 0, tag);
  const signature: Check = { kind: "signature", key, digest: 0, signature: payload.length };
  const checks: Check[] = [
    { kind: "mac", key, start: 0, end: tag, tag },
    { kind: "digest", domain: Domain.request, start: 0, end: payload.length },
    { kind: "digest-of-digests", domain: Domain.batch, first: 0, count: 1 },
    ...Array.from({ length: signatures }, () => signature),
  ];
  return { bytes, checks };
}

/** The same checks over the same bytes, but for one byte. */
export function damaged({ bytes, checks }: CheckList, at: number): CheckList {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return { bytes: copy, checks };
}

const anyFrame = fc
  .record({
    payload: fc.uint8Array({ maxLength: 300 }),
    key: fc.nat(2),
    signatures: fc.nat(3),
    damage: fc.option(fc.nat(299 + 80)),
  })
  .map(({ payload, key, signatures, damage }) => {
    const frame = signedFrame(payload, key, signatures);
    return damage === null ? frame : damaged(frame, damage % frame.bytes.length);
  });

/** Checks that fit their bytes and refer to earlier digests only; few of them pass. */
const anyChecks = fc.uint8Array({ minLength: 64, maxLength: 200 }).chain((bytes) => {
  const range = fc
    .tuple(fc.nat(bytes.length), fc.nat(bytes.length))
    .map(([one, other]) => ({ start: Math.min(one, other), end: Math.max(one, other) }));
  const key = fc.nat(2);
  const digest = fc.record({
    kind: fc.constant("digest" as const),
    domain: fc.constant(Domain.page),
  });
  const later = fc.oneof(
    fc
      .tuple(range, key, fc.nat(bytes.length - MAC_BYTES))
      .map(([{ start, end }, number, tag]): Check => ({
        kind: "mac",
        key: number,
        start,
        end,
        tag,
      })),
    fc.tuple(range, digest).map(([ends, kind]): Check => ({ ...kind, ...ends })),
    fc
      .nat(1)
      .map((count): Check => ({ kind: "digest-of-digests", domain: Domain.node, first: 0, count })),
    fc
      .tuple(key, fc.nat(bytes.length - 64))
      .map(([number, at]): Check => ({ kind: "signature", key: number, digest: 0, signature: at })),
    fc
      .tuple(key, fc.nat(bytes.length - MAC_BYTES))
      .map(([number, at]): Check => ({ kind: "digest-mac", key: number, digest: 0, tag: at })),
  );
  const first: Check = { kind: "digest", domain: Domain.state, start: 0, end: bytes.length };
  return fc.array(later, { maxLength: 6 }).map((rest) => ({ bytes, checks: [first, ...rest] }));
});

/** Any list that a caller may submit. */
export const anyCheckList: fc.Arbitrary<CheckList> = fc.oneof(
  anyFrame,
  anyChecks,
  fc.constant({ bytes: new Uint8Array(0), checks: [] }),
);
