import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCluster, DEMO_ACCOUNTS } from "../io/cluster-create.js";
import { writeCluster } from "../io/cluster-directory.js";
import { dropSchemas, schemasPresent } from "../io/mysql-cluster.js";
import { loadCrypto } from "../workers/load-crypto.js";
import { FailedOperation } from "./failure.js";
import { faultsBy } from "./fault.js";
import type { InjectFault } from "./fault.js";
import { findFreePorts } from "./free-ports.js";
import type { NetworkLab } from "./network-lab.js";
import type { StorageOptions } from "./storage-options.js";
import { Supervisor } from "./supervisor.js";

/** Replicas of a demo cluster. */
export const DEMO_REPLICA_COUNT = 4;

/**
 * Boots a fresh demo cluster of four replicas, each in a process of its own, lets `work` use it,
 * then stops the replicas and deletes everything they wrote, also when `work` fails.
 * @param note hears what happens to replicas.
 * @param lab the hosts that replicas run on; null for this machine's loopback.
 */
export async function withDemoCluster<T>(
  storage: StorageOptions,
  note: (line: string) => void,
  work: (dir: string, inject: InjectFault) => Promise<T>,
  lab: NetworkLab | null = null,
): Promise<T> {
  const { store } = storage;
  const [present] = await schemasPresent(store, DEMO_REPLICA_COUNT);
  if (present !== undefined) {
    throw new FailedOperation(
      `The database server has a schema ${present} already. Choose another prefix, or drop it.`,
    );
  }
  const dir = mkdtempSync(join(tmpdir(), "pbft-ledger-"));
  try {
    await writeDemoCluster(dir, storage, lab?.hosts ?? ["127.0.0.1"]);
    const supervisor = new Supervisor(dir, DEMO_REPLICA_COUNT, note, lab?.launcherOf);
    try {
      const reason = await supervisor.start();
      if (reason !== null) throw new FailedOperation(reason);
      return await work(dir, faultsBy(supervisor));
    } finally {
      await supervisor.stop();
      await dropSchemas(store, DEMO_REPLICA_COUNT);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function writeDemoCluster(
  dir: string,
  storage: StorageOptions,
  hosts: readonly string[],
): Promise<void> {
  const { provider } = await loadCrypto(process.env);
  const port = await findFreePorts(DEMO_REPLICA_COUNT);
  const cluster = createCluster(
    {
      replicaCount: DEMO_REPLICA_COUNT,
      clientCount: 1,
      hosts,
      port,
      ...storage,
      accounts: DEMO_ACCOUNTS,
    },
    provider,
  );
  writeCluster(dir, cluster);
}
