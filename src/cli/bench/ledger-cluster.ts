import { join } from "node:path";
import type { ReplicaId } from "../../core/base/ids.js";
import { loadClientKey, loadGenesis, storeOfReplica } from "../../io/cluster-directory.js";
import type { ClientKey, Genesis } from "../../io/config.js";
import { connect } from "../../io/ledger-client.js";
import type { LedgerClient } from "../../io/ledger-client.js";
import { datagramBytesMaxOf, isLoopback } from "../../io/datagram-size.js";
import { readTableOf } from "../../io/read-customer-table.js";
import type { ReplicaStatus } from "../../io/replica-status.js";
import type { AccountRow } from "../../io/store.js";
import { loadCrypto } from "../../workers/load-crypto.js";
import { FailedOperation } from "../failure.js";
import type { InjectFault } from "../fault.js";
import { fileSystemOf } from "./file-system.js";
import type { MeasuredCluster, ReplicaProgress, ReplicaTable } from "./measured-cluster.js";
import type { ClusterConditions } from "./run-conditions.js";
import { wholeText } from "./units.js";

/** How long a replica may take to say how it is before it counts as down. */
const INSPECT_TIMEOUT_MS = 1_500;

/** How long the balance of one account may take to be read. */
const GET_TIMEOUT_MS = 10_000;

/** The running cluster whose files are in a directory here, driven by its first client. */
export class LedgerCluster implements MeasuredCluster {
  readonly conditions: ClusterConditions;
  readonly inject: InjectFault;
  readonly #dir: string;
  readonly #genesis: Genesis;
  readonly #key: ClientKey;
  /** Asks how replicas are; takes no part in the load. */
  readonly #observer: LedgerClient;
  #known: { readonly root: string; readonly accounts: readonly AccountRow[] } | null = null;

  private constructor(
    dir: string,
    inject: InjectFault,
    genesis: Genesis,
    key: ClientKey,
    observer: LedgerClient,
    conditions: ClusterConditions,
  ) {
    this.#dir = dir;
    this.inject = inject;
    this.#genesis = genesis;
    this.#key = key;
    this.#observer = observer;
    this.conditions = conditions;
  }

  /**
   * Finds the cluster of `dir` and makes sure that all its replicas answer.
   * @param inject does faults to its replicas.
   * @param network what is between client and replicas, in words; null to tell by their addresses.
   * @throws ConfigError when the directory is not in order, FailedOperation when a replica is down.
   */
  static async open(
    dir: string,
    inject: InjectFault,
    network: string | null = null,
  ): Promise<LedgerCluster> {
    const genesis = loadGenesis(dir);
    const { provider } = await loadCrypto(process.env);
    const key = loadClientKey(dir, genesis, null, provider);
    const observer = await connect({ genesis, key });
    try {
      const statuses = await inspectAll(observer, genesis);
      const conditions = conditionsOf(dir, statuses, networkText(genesis, network));
      return new LedgerCluster(dir, inject, genesis, key, observer, conditions);
    } catch (error) {
      await observer.close();
      throw error;
    }
  }

  get replicaCount(): number {
    return this.#genesis.replicas.length;
  }

  connect(): Promise<LedgerClient> {
    return connect({ genesis: this.#genesis, key: this.#key });
  }

  progress(replica: ReplicaId): Promise<ReplicaProgress | null> {
    return this.#observer.inspect(replica, { timeoutMs: INSPECT_TIMEOUT_MS });
  }

  async readTable(replica: ReplicaId): Promise<ReplicaTable | null> {
    const table = await readTableOf(this.#dir, replica, storeOfReplica(this.#dir, replica));
    if (table !== null) return { ...table, root: null };
    const status = await this.#observer.inspect(replica, { timeoutMs: INSPECT_TIMEOUT_MS });
    if (status === null) return null;
    const { stateRootSeq, stateRoot } = status;
    return { seq: stateRootSeq, accounts: await this.#accountsAt(stateRoot), root: stateRoot };
  }

  async close(): Promise<void> {
    await this.#observer.close();
  }

  /**
   * The genesis accounts with the balances that the cluster as a whole answers; read once for each
   * state. Only for stores that keep no file to look into.
   */
  async #accountsAt(root: string): Promise<readonly AccountRow[]> {
    if (this.#known?.root === root) return this.#known.accounts;
    const accounts = await Promise.all(
      this.#genesis.accounts.map(async (row) => ({ ...row, balance: await this.#balance(row) })),
    );
    this.#known = { root, accounts };
    return accounts;
  }

  async #balance({ account }: AccountRow): Promise<bigint> {
    const outcome = await this.#observer.run(
      { kind: "get", account },
      { timeoutMs: GET_TIMEOUT_MS },
    );
    if (outcome.ok) return outcome.balance;
    throw new FailedOperation(`The balance of ${account} cannot be read: ${outcome.code}.`);
  }
}

function inspectAll(
  observer: LedgerClient,
  { replicas }: Genesis,
): Promise<(ReplicaStatus | null)[]> {
  const timeoutMs = INSPECT_TIMEOUT_MS;
  return Promise.all(replicas.map(({ id }) => observer.inspect(id, { timeoutMs })));
}

/** How the cluster is set up, as its replicas themselves say. */
function conditionsOf(
  dir: string,
  statuses: readonly (ReplicaStatus | null)[],
  network: string,
): ClusterConditions {
  const answers = statuses.filter((status) => status !== null);
  const [first] = answers;
  if (first === undefined || answers.length < statuses.length) {
    const down = [...statuses.keys()].filter((id) => statuses[id] === null);
    throw new FailedOperation(
      `No answer from replica ${down.join(", ")}. Start the cluster with ` +
        `\`pbft-ledger up ${dir}\` before measuring it.`,
    );
  }
  const { store, durability, replies, verifier } = first;
  // Where replicas run elsewhere, their folders are not here.
  const fileSystem = fileSystemOf(join(dir, "replica-0"));
  const settings = { store, durability, replies, verifier };
  return { replicaCount: statuses.length, ...settings, network, fileSystem };
}

/** What is between client and replicas, and how large a datagram on it gets. */
function networkText(genesis: Genesis, known: string | null): string {
  const hosts = [...new Set(genesis.replicas.map(({ host }) => host))];
  const isLocal = hosts.every((host) => isLoopback(host));
  const between = isLocal ? "loopback, the client on the same machine" : `to ${hosts.join(", ")}`;
  return `${known ?? between}; datagrams of up to ${wholeText(datagramBytesMaxOf(genesis))} bytes`;
}
