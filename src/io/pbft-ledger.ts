/*
 * The library: what `import … from "pbft-ledger"` gives. Everything else is inside.
 */
export { ENTRY_KEY_BYTES_MAX, ENTRY_VALUE_BYTES_MAX } from "../core/entries/entry-row.js";
export type {
  Caller,
  EntryReader,
  EntryService,
  EntryWriter,
} from "../core/entries/entry-service.js";
export type { AccountRow } from "../core/ledger/account-row.js";
export {
  decodeOperation,
  encodeOperation,
  type LedgerOperation,
  OperationError,
  type ResultCode,
} from "../core/ledger/operation.js";
export { type ClusterOptions, createCluster, DEMO_ACCOUNTS } from "./cluster-create.js";
export { type ClientPort, type ClientPortOptions, openClientPort } from "./client-port.js";
export { type Cluster, loadClientKey, loadGenesis, loadReplicaKey } from "./cluster-directory.js";
export { writeCluster } from "./cluster-directory.js";
export type { ClientKey, Genesis, ReplicaKey } from "./config.js";
export { connect as createClient, type LedgerClient, type LedgerOutcome } from "./ledger-client.js";
export { createLog, type Log, type LogLevel } from "./log.js";
export type {
  ClusterClient,
  ConnectOptions,
  NoResult,
  OutcomePath,
  TimedOut,
} from "./open-client.js";
export {
  type RunningReplica,
  startReplica as createReplica,
  type StartReplicaOptions,
} from "./replica-process.js";
export type { ReplicaStatus } from "./replica-status.js";
export type { Wait } from "./client-host.js";
export {
  connectToService as createServiceClient,
  OPERATION_BYTES_MAX,
  type ServiceClient,
  type ServiceClientOptions,
  type ServiceOutcome,
} from "./service-client.js";
export { loadCrypto } from "../workers/load-crypto.js";
