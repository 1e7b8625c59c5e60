import { PortableCrypto } from "../../binding-free-src/portable-crypto.js";
import { Domain } from "../../src/core/base/hasher.js";
import type { Check, Verifier } from "../../src/core/crypto/check.js";
import type { CryptoProvider } from "../../src/core/crypto/crypto.js";
import { MAC_BYTES, SIGNATURE_BYTES } from "../../src/core/crypto/crypto.js";
import { isAcceptableSignature } from "../../src/core/crypto/ed25519-acceptance.js";
import { ClusterHasher, macPrefix } from "../../src/core/crypto/prefix.js";
import { createVerifier } from "../../src/workers/create-verifier.js";
import { loadCrypto } from "../../src/workers/load-crypto.js";
import type { CheckKeys } from "../../src/workers/run-checks.js";
import type { MicroCase, MicroSuite } from "./measure.js";

/*
 * The prices that the worker pool decides by: hashes, signatures, and what it costs to hand them to
 * a thread.
 */

const CLUSTER_ID = new Uint8Array(32).fill(1);
const SEED = new Uint8Array(32).fill(2);
const HASHED_BYTES = [0, 64, 128, 256, 1_400, 8_192, 60_000];
const BURSTS = [1, 8, 64];

function providerCases(provider: CryptoProvider): MicroCase[] {
  const prefix = macPrefix(CLUSTER_ID, SEED);
  const out = new Uint8Array(MAC_BYTES);
  const digest = new Uint8Array(32).fill(3);
  const signature = provider.sign(digest, SEED);
  const publicKey = provider.signPublicKey(SEED);
  const peerKey = provider.exchangePublicKey(CLUSTER_ID);
  const hashes = HASHED_BYTES.map((length): MicroCase => {
    const bytes = new Uint8Array(length);
    const run = (): void => provider.hashInto(out, 0, MAC_BYTES, prefix, bytes, 0, length);
    return { name: `MAC of ${length} bytes`, run };
  });
  return [
    ...hashes,
    { name: "Ed25519 sign", run: () => provider.sign(digest, SEED) },
    { name: "Ed25519 verify", run: () => provider.verify(digest, signature, publicKey) },
    { name: "  of it: acceptance", run: () => isAcceptableSignature(signature, publicKey) },
    { name: "X25519 exchange", run: () => provider.exchange(SEED, peerKey) },
  ];
}

/** Signed requests of 200 bytes, `burst` of them in one turn, until all are answered. */
function burstCases(verifier: Verifier, provider: CryptoProvider): MicroCase[] {
  const bytes = new Uint8Array(200 + SIGNATURE_BYTES);
  const hasher = new ClusterHasher(provider, CLUSTER_ID);
  bytes.set(provider.sign(hasher.digestRange(Domain.request, bytes, 0, 200), SEED), 200);
  const checks: readonly Check[] = [
    { kind: "digest", domain: Domain.request, start: 0, end: 200 },
    { kind: "signature", key: 0, digest: 0, signature: 200 },
  ];
  return BURSTS.map((burst) => ({
    name: `a burst of ${burst} signed requests`,
    run: () => submitAll(verifier, bytes, checks, burst),
  }));
}

function submitAll(
  verifier: Verifier,
  bytes: Uint8Array,
  checks: readonly Check[],
  count: number,
): Promise<void> {
  return new Promise((resolve) => {
    let pending = count;
    for (let index = 0; index < count; index += 1) {
      verifier.submit(0, bytes, checks, () => {
        pending -= 1;
        if (pending === 0) setImmediate(resolve);
      });
    }
  });
}

/** Both providers, if the addon is there, each with no, one and two worker threads. */
export async function cryptoSuites(): Promise<MicroSuite[]> {
  const { provider } = await loadCrypto(process.env);
  const suites = await suitesOf(provider);
  if (provider.name !== "portable") suites.push(...(await suitesOf(new PortableCrypto())));
  return suites;
}

async function suitesOf(provider: CryptoProvider): Promise<MicroSuite[]> {
  const suites: MicroSuite[] = [{ title: provider.name, cases: providerCases(provider) }];
  const publicKeys = [provider.signPublicKey(SEED)];
  const keys: CheckKeys = { clusterId: CLUSTER_ID, macPrefixes: [], publicKeys };
  for (const workerCount of [0, 1, 2]) {
    const verifier = await createVerifier({ workerCount, provider, keys, onCrash: rethrow });
    suites.push({
      title: verifier.description,
      cases: burstCases(verifier, provider),
      close: () => verifier.close(),
    });
  }
  return suites;
}

function rethrow(cause: unknown): never {
  throw cause;
}
