import type { ReplicaId } from "../../core/base/ids.js";
import type { CustomerTable } from "../../io/sqlite-database.js";
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
export interface MeasuredSession extends MeasuredClient {
  close(): Promise<void>;
}

/** What the benchmark needs of a running cluster. */
export interface MeasuredCluster {
  readonly replicaCount: number;
  /** Opens one more client session. */
  connect(): Promise<MeasuredSession>;
  /** View changes that this replica has counted since it started; null when it does not answer. */
  viewChangeCount(replica: ReplicaId): Promise<number | null>;
  /** This replica's customer table; null when the replica cannot be asked at the moment. */
  readTable(replica: ReplicaId): Promise<ReplicaTable | null>;
}
