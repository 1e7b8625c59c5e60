import type { ReplicaId, Seq } from "../../core/base/ids.js";
import type { AccountRow } from "../../io/store.js";
import type { MeasuredClient } from "./measured-client.js";

/** A replica's customer table together with the batch after which it looked so. */
export interface ReplicaTable {
  /** Sequence number of the last batch in it; 0 before the first. */
  readonly seq: Seq;
  /** Ascending by customer id. */
  readonly accounts: readonly AccountRow[];
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
