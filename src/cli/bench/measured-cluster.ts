import type { ReplicaId } from "../../core/base/ids.js";
import type { ReplicaStatus } from "../../io/replica-status.js";
import type { CustomerTable } from "../../io/store.js";
import type { InjectFault } from "../fault.js";
import type { BulkClient } from "./closed-loop.js";
import type { MeasuredClient } from "./measured-client.js";

/** A replica's customer table, and where it comes from. */
export interface ReplicaTable extends CustomerTable {
  /**
   * State root that the replica names for `seq`, in hexadecimal. Null where the rows come from its
   * own database: then they speak for themselves.
   */
  readonly root: string | null;
}

/** A session that the benchmark opened and closes again. */
export interface MeasuredSession extends MeasuredClient, BulkClient {
  close(): Promise<void>;
}

/** What is asked of a replica while it is measured. */
export type ReplicaProgress = Pick<
  ReplicaStatus,
  "state" | "view" | "primary" | "executed" | "databaseLag" | "viewChanges"
>;

/** What can be seen of a running cluster, and done to it, without being its client. */
export interface ObservedCluster {
  readonly replicaCount: number;
  /** Does something to a replica; only where a supervisor runs the replicas on this machine. */
  readonly inject: InjectFault;
  /** How far this replica says it is; null when it does not answer, as when it is cut off. */
  progress(replica: ReplicaId): Promise<ReplicaProgress | null>;
  /** This replica's customer table; null when the replica cannot be asked at the moment. */
  readTable(replica: ReplicaId): Promise<ReplicaTable | null>;
}

/** What the benchmark needs of a running cluster. */
export interface MeasuredCluster extends ObservedCluster {
  /** Opens one more client session. */
  connect(): Promise<MeasuredSession>;
}
