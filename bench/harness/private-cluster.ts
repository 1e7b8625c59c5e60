import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { FailedOperation } from "../../src/cli/failure.js";
import { findFreePorts } from "../../src/cli/free-ports.js";
import { HERE } from "../../src/cli/replica-child.js";
import { Supervisor } from "../../src/cli/supervisor.js";
import type { AccountRow } from "../../src/core/ledger/account-row.js";
import { createCluster } from "../../src/io/cluster-create.js";
import { type Cluster, writeCluster } from "../../src/io/cluster-directory.js";
import type { Durability, StoreUrl } from "../../src/io/config-schema.js";
import { type ClientPort, openClientPort } from "../../src/io/client-port.js";
import { connect, type LedgerClient } from "../../src/io/ledger-client.js";
import type { ReplicaStatus } from "../../src/io/replica-status.js";
import { loadCrypto } from "../../src/workers/load-crypto.js";
import { startForger } from "./forger.js";

/** A cluster to measure. */
export interface ClusterSetup {
  readonly replicaCount: number;
  readonly accountCount: number;
  /** Identities; all of them may use every account. */
  readonly clientCount: number;
  readonly store: StoreUrl;
  readonly durability: Durability;
  /** Verification threads of each replica; null lets it choose. */
  readonly workerCount: number | null;
}

/** What most tools measure. */
export const SETUP_DEFAULT: ClusterSetup = {
  replicaCount: 4,
  accountCount: 10_000,
  clientCount: 1,
  store: "sqlite",
  durability: "fsync",
  workerCount: null,
};

const WELCOME_POLL_MS = 5;
const WELCOME_TIMEOUT_MS = 30_000;

/** Enough for every move of the longest run. */
const BALANCE = 1_000_000_00n;

/** Account number `index`. */
export function accountName(index: number): string {
  return `acct${index.toString().padStart(7, "0")}`;
}

/** A running cluster on loopback. */
export class PrivateCluster {
  readonly setup: ClusterSetup;
  readonly #cluster: Cluster;
  /** All clients are in this process, and share what one process needs once. */
  readonly #port: ClientPort;
  readonly #opened: LedgerClient[] = [];
  readonly #observer: LedgerClient;

  constructor(setup: ClusterSetup, cluster: Cluster, port: ClientPort, observer: LedgerClient) {
    this.setup = setup;
    this.#cluster = cluster;
    this.#port = port;
    this.#observer = observer;
  }

  /** A client of identity `identity` whose session a quorum knows. Closed with the cluster. */
  async connect(identity = 0): Promise<LedgerClient> {
    const { genesis, clientKeys } = this.#cluster;
    const key = clientKeys[identity];
    if (key === undefined) throw new FailedOperation(`There is no client ${identity}.`);
    const client = await connect({ genesis, key, port: this.#port });
    this.#opened.push(client);
    for (let waitedMs = 0; !client.isWelcome; waitedMs += WELCOME_POLL_MS) {
      if (waitedMs > WELCOME_TIMEOUT_MS)
        throw new FailedOperation("No quorum of replicas answers.");
      await delay(WELCOME_POLL_MS);
    }
    return client;
  }

  /** Identity `identity` sends wrong signatures until the returned function is called. */
  async forge(identity: number): Promise<() => Promise<void>> {
    const { genesis, clientKeys } = this.#cluster;
    const key = clientKeys[identity];
    if (key === undefined) throw new FailedOperation(`There is no client ${identity}.`);
    return startForger(genesis, key);
  }

  /** How every replica is. */
  async statuses(): Promise<ReplicaStatus[]> {
    const asked = this.#cluster.genesis.replicas.map(({ id }) =>
      this.#observer.inspect(id, { timeoutMs: WELCOME_TIMEOUT_MS }),
    );
    const statuses = await Promise.all(asked);
    return statuses.map((status) => {
      if (status === null) throw new FailedOperation("A replica does not say how it is.");
      return status;
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#opened, this.#observer].map((client) => client.close()));
    await this.#port.close();
  }
}

/** Boots a cluster, lets `work` use it, stops it and deletes everything it wrote. */
export async function withPrivateCluster<T>(
  setup: ClusterSetup,
  note: (line: string) => void,
  work: (cluster: PrivateCluster) => Promise<T>,
): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), "pbft-ledger-bench-"));
  try {
    const files = await makeCluster(setup);
    writeCluster(dir, files);
    const { workerCount, replicaCount } = setup;
    const words = workerCount === null ? [] : ["--workers", workerCount.toString()];
    const launcher = { ...HERE, words };
    const supervisor = new Supervisor(dir, replicaCount, note, () => launcher);
    try {
      const reason = await supervisor.start();
      if (reason !== null) throw new FailedOperation(reason);
      return await useCluster(setup, files, work);
    } finally {
      await supervisor.stop();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function useCluster<T>(
  setup: ClusterSetup,
  files: Cluster,
  work: (cluster: PrivateCluster) => Promise<T>,
): Promise<T> {
  const [key] = files.clientKeys;
  if (key === undefined) throw new FailedOperation("A cluster needs a client.");
  const { genesis } = files;
  const port = await openClientPort(genesis);
  const observer = await connect({ genesis, key });
  const cluster = new PrivateCluster(setup, files, port, observer);
  try {
    return await work(cluster);
  } finally {
    await cluster.close();
  }
}

async function makeCluster(setup: ClusterSetup): Promise<Cluster> {
  const { provider } = await loadCrypto(process.env);
  const { replicaCount, clientCount, store, durability } = setup;
  const cluster = createCluster(
    {
      ...{ replicaCount, clientCount, store, durability },
      hosts: ["127.0.0.1"],
      port: await findFreePorts(replicaCount),
      accounts: Array.from({ length: setup.accountCount }, (_, index) => accountRow(index)),
    },
    provider,
  );
  const clients = cluster.genesis.clients.map((client) => ({ ...client, role: "teller" as const }));
  return { ...cluster, genesis: { ...cluster.genesis, clients } };
}

/** The row of account number `index`. */
export function accountRow(index: number): AccountRow {
  return {
    customerId: index + 1,
    account: accountName(index),
    name: `Customer ${index}`,
    address: "1 Main St",
    balance: BALANCE,
    owner: null,
  };
}
