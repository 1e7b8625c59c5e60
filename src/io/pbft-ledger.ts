/*
 * The library: what `import … from "pbft-ledger"` gives. Everything else is inside.
 */
export type { AccountRow } from "../core/ledger/account-row.js";
export {
  decodeOperation,
  encodeOperation,
  type LedgerOperation,
  OperationError,
  type ResultCode,
} from "../core/ledger/operation.js";
export { type ClusterOptions, createCluster, DEMO_ACCOUNTS } from "./cluster-create.js";
export { type ClientPort, openClientPort } from "./client-port.js";
export { type Cluster, loadClientKey, loadGenesis, loadReplicaKey } from "./cluster-directory.js";
export { writeCluster } from "./cluster-directory.js";
export type { ClientKey, Genesis, ReplicaKey } from "./config.js";
export {
  connect as createClient,
  type ConnectOptions,
  type LedgerClient,
  type LedgerOutcome,
  type OutcomePath,
} from "./ledger-client.js";
export { createLog, type Log, type LogLevel } from "./log.js";
export {
  type RunningReplica,
  startReplica as createReplica,
  type StartReplicaOptions,
} from "./replica-process.js";
export type { ReplicaStatus } from "./replica-status.js";
export type { Wait } from "./client-host.js";
export { loadCrypto } from "../workers/load-crypto.js";
