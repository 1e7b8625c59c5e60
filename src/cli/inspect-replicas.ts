import type { ReplicaId } from "../core/base/ids.js";
import { loadClientKey } from "../io/cluster-directory.js";
import type { Genesis } from "../io/config.js";
import { type ClusterClient, connectToLook } from "../io/open-client.js";
import type { ReplicaStatus } from "../io/replica-status.js";
import { loadCrypto } from "../workers/load-crypto.js";

/** How long a replica may take to say how it is before it counts as down. */
const INSPECT_TIMEOUT_MS = 1_500;

/** Asks replicas how they are, as the first client of the cluster. */
export class ReplicaInspector {
  readonly #client: ClusterClient;
  readonly #ids: readonly ReplicaId[];

  private constructor(client: ClusterClient, ids: readonly ReplicaId[]) {
    this.#client = client;
    this.#ids = ids;
  }

  /** @throws ConfigError when the first client's key is not in `dir`. */
  static async open(dir: string, genesis: Genesis): Promise<ReplicaInspector> {
    const { provider } = await loadCrypto(process.env);
    const key = loadClientKey(dir, genesis, null, provider);
    const client = await connectToLook({ genesis, key });
    return new ReplicaInspector(
      client,
      genesis.replicas.map(({ id }) => id),
    );
  }

  /** What each replica says, in order; null for one that does not answer. */
  ask(): Promise<readonly (ReplicaStatus | null)[]> {
    const wait = { timeoutMs: INSPECT_TIMEOUT_MS };
    return Promise.all(this.#ids.map((id) => this.#client.inspect(id, wait)));
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
