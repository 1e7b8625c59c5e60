import { setTimeout as sleep } from "node:timers/promises";
import { findFreePorts } from "../../src/cli/free-ports.js";
import type { ReplicaId } from "../../src/core/base/ids.js";
import { createCluster, DEMO_ACCOUNTS } from "../../src/io/cluster-create.js";
import { type Cluster, writeCluster } from "../../src/io/cluster-directory.js";
import type { ClusterSettings } from "../../src/io/config.js";
import type { Durability, StoreUrl } from "../../src/io/config-schema.js";
import { connect, type LedgerClient } from "../../src/io/ledger-client.js";
import type { ReplicaStatus } from "../../src/io/replica-status.js";
import { loadCrypto } from "../../src/workers/load-crypto.js";
import type { Prng } from "../sim/prng.js";
import { type Balances, explain } from "./bank-search.js";
import { batchFault } from "./batch-order.js";
import { Load, type LoadOptions } from "./load.js";
import type { Operation } from "./operation.js";
import { differenceIn, type TableReader, type Tables } from "./tables.js";
import { type Death, TorturedReplica } from "./tortured-replica.js";
import { surprise, Violation } from "./violation.js";

/** What a cluster to be tortured is made of. */
interface TorturedClusterOptions {
  /** An empty directory of its own. */
  readonly dir: string;
  readonly replicaCount: number;
  readonly durability: Durability;
  readonly store: StoreUrl;
  readonly readTables: TableReader;
  readonly settings: Partial<ClusterSettings>;
  /** Verification threads of each replica. */
  readonly workerCount: number;
  readonly load: LoadOptions;
  readonly prng: Prng;
  /** The last number of an operation that is taken. */
  readonly numberLast: number;
  readonly onDeath: (death: Death) => void;
}

/** Clients, each a teller with a key of its own; one more only watches. */
const CLIENT_COUNT = 4;

const POLL_MS = 25;
const STOP_TIMEOUT_MS = 10_000;

/** A cluster of real processes, the clients that work on it, and what is known of both. */
export class TorturedCluster {
  readonly replicas: readonly TorturedReplica[];
  readonly load: Load;
  readonly #readTables: TableReader;
  readonly #patienceMs: number;
  readonly #clients: readonly LedgerClient[];
  readonly #observer: LedgerClient;
  /** What the accounts held at the last audit, and operations whose outcome was open then. */
  #balances: Balances = new Map(DEMO_ACCOUNTS.map(({ account, balance }) => [account, balance]));
  #open: readonly Operation[] = [];

  private constructor(
    options: TorturedClusterOptions,
    replicas: readonly TorturedReplica[],
    clients: readonly LedgerClient[],
    observer: LedgerClient,
  ) {
    const { readTables, load, prng, numberLast } = options;
    this.#readTables = readTables;
    this.#patienceMs = load.patienceMs;
    this.replicas = replicas;
    this.#clients = clients;
    this.#observer = observer;
    const accounts = DEMO_ACCOUNTS.map(({ account }) => account);
    this.load = new Load(clients, accounts, load, prng.fork("load"), numberLast);
  }

  /** Makes a new cluster and starts it. @throws Violation when it does not come up. */
  static async start(options: TorturedClusterOptions): Promise<TorturedCluster> {
    const { dir, workerCount, onDeath, load } = options;
    const { genesis, clientKeys, replicaKeys } = await newCluster(options);
    writeCluster(dir, { genesis, clientKeys, replicaKeys });
    const replicas = genesis.replicas.map(
      ({ id }) => new TorturedReplica(dir, id, workerCount, onDeath),
    );
    for (const replica of replicas) replica.start(null);
    const connected = await Promise.all(clientKeys.map((key) => connect({ genesis, key })));
    const [observer, ...clients] = connected as [LedgerClient, ...LedgerClient[]];
    const cluster = new TorturedCluster(options, replicas, clients, observer);
    await cluster.allServe(load.patienceMs);
    return cluster;
  }

  /** Starts what does not run; resolves once every replica serves. */
  async allServe(patienceMs = this.#patienceMs): Promise<void> {
    const deadlineMs = performance.now() + patienceMs;
    await Promise.all(this.replicas.map((replica) => keepStarting(replica, deadlineMs)));
  }

  /** What a replica says of itself; null when it says nothing in time. */
  status(id: ReplicaId): Promise<ReplicaStatus | null> {
    return this.#observer.inspect(id, { timeoutMs: 400 });
  }

  /** The primary, as whichever replica answers sees it. */
  async primary(): Promise<ReplicaId> {
    const statuses = this.replicas.map(async ({ id }) => {
      const status = await this.status(id);
      if (status === null) throw new Error("no answer");
      return status.primary;
    });
    // Nobody answers while all are down; then any will do.
    return Promise.any(statuses).catch(() => 0);
  }

  /**
   * Lets every operation come to its end and every replica catch up, compares all databases, and
   * looks for an order that explains what clients saw. @throws Violation
   */
  async audit(): Promise<readonly Operation[]> {
    await this.load.pause();
    this.#checkPatience();
    await this.allServe();
    const tables = await this.#levelTables();
    const difference = differenceIn(tables);
    if (difference !== null) throw new Violation(`the databases differ: ${difference}`);
    const seen = this.load.take();
    const fault = batchFault(seen);
    if (fault !== null) throw new Violation(fault, { operations: seen });
    const final = tables[0]?.balances ?? new Map();
    const operations = [...this.#open, ...seen];
    const window = { initial: this.#balances, operations, final };
    const verdict = explain(window);
    if (verdict.kind !== "explained") {
      throw new Violation(`${verdict.kind}: ${verdict.reason}`, window);
    }
    this.#open = verdict.leftOver;
    this.#balances = final;
    this.load.resume();
    return seen;
  }

  /** Ends clients and replicas. */
  async stop(): Promise<void> {
    await this.load.stop();
    await Promise.all([...this.#clients, this.#observer].map((client) => client.close()));
    await Promise.all(this.replicas.map((replica) => replica.stop(STOP_TIMEOUT_MS)));
  }

  /** @throws Violation when clients lost their patience. */
  #checkPatience(): void {
    if (this.load.failure !== null) throw new Violation(this.load.failure);
  }

  /** Every replica's tables, all after the same batch, which is no earlier than clients know of. */
  async #levelTables(): Promise<readonly Tables[]> {
    const deadlineMs = performance.now() + this.#patienceMs;
    for (;;) {
      const tables = await Promise.all(this.replicas.map(({ id }) => this.#readTables(id)));
      const seqs = tables.map((each) => each?.seq ?? -1);
      const isLevel = seqs.every((seq) => seq === seqs[0] && seq >= this.load.seqLast);
      if (isLevel) return tables.filter((each) => each !== null);
      if (performance.now() > deadlineMs) {
        const sentence =
          `after ${Math.round(this.#patienceMs / 1_000)} s without load the databases hold ` +
          `batches ${seqs.join(", ")}, clients were told of ${this.load.seqLast}`;
        throw new Violation(sentence);
      }
      await this.allServe();
      await sleep(POLL_MS);
    }
  }
}

/** A replica that dies by an order while it starts is started again. */
async function keepStarting(replica: TorturedReplica, deadlineMs: number): Promise<void> {
  while (!replica.isServing()) {
    if (!replica.isRunning()) replica.start(null);
    const leftMs = deadlineMs - performance.now();
    const isLate = await Promise.race([
      replica.serves().then(() => false),
      sleep(Math.max(0, leftMs), true, { ref: false }),
    ]);
    if (isLate) throw new Violation(`replica ${replica.id} does not come to serve`);
    if (replica.isServing()) return;
    await replica.dies();
    if (replica.lastDeath?.isSurprise === true) throw surprise(replica.lastDeath);
  }
}

async function newCluster(options: TorturedClusterOptions): Promise<Cluster> {
  const { replicaCount, durability, settings, store } = options;
  const { provider } = await loadCrypto(process.env);
  const cluster = createCluster(
    {
      ...{ replicaCount, durability, settings, store, clientCount: CLIENT_COUNT },
      ...{ hosts: ["127.0.0.1"], port: await findFreePorts(replicaCount) },
      accounts: DEMO_ACCOUNTS,
    },
    provider,
  );
  const clients = cluster.genesis.clients.map((client) => ({ ...client, role: "teller" as const }));
  return { ...cluster, genesis: { ...cluster.genesis, clients } };
}
