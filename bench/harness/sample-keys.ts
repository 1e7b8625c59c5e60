import type { CryptoProvider } from "../../src/core/crypto/crypto.js";
import { Domain } from "../../src/core/base/hasher.js";
import { authenticatorOf, ClusterHasher, macPrefix } from "../../src/core/crypto/prefix.js";
import type { Roster } from "../../src/core/wire/roster.js";
import type { RequestSigner } from "../../src/core/wire/sign.js";
import { CheckRunner } from "../../src/workers/run-checks.js";

const CLUSTER_ID = new Uint8Array(32).fill(1);
const SEED = new Uint8Array(32).fill(2);

/** A made-up cluster with one client, as replica 1 has it: all share one key. */
interface SampleKeys {
  readonly roster: Roster;
  readonly hasher: ClusterHasher;
  /** Verifies what comes to replica 1. */
  readonly runner: CheckRunner;
  /** Signs as the client. */
  readonly signer: RequestSigner;
}

/** Keys for measurements of what needs right signatures and MACs, and no network. */
export function sampleKeys(provider: CryptoProvider, replicaCount: number): SampleKeys {
  const hasher = new ClusterHasher(provider, CLUSTER_ID);
  const frames = macPrefix(CLUSTER_ID, SEED);
  const requests = macPrefix(CLUSTER_ID, SEED, Domain.authenticator);
  const publicKeys = Array.from({ length: replicaCount + 1 }, () => provider.signPublicKey(SEED));
  const macPrefixes = [...publicKeys.map(() => frames), requests];
  return {
    roster: { self: { role: "replica", id: 1 }, clusterTag: 7, replicaCount, clientCount: 1 },
    hasher,
    runner: new CheckRunner(provider, { clusterId: CLUSTER_ID, macPrefixes, publicKeys }),
    signer: {
      hasher,
      sign: (digest) => provider.sign(digest, SEED),
      authenticate: (digest) =>
        authenticatorOf(provider, new Array<Uint8Array>(replicaCount).fill(requests), digest),
    },
  };
}
