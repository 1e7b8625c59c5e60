import type { ReplicaId, Seq } from "../../core/base/ids.js";
import type { AccountRow } from "../../io/store.js";
import type { MeasuredClient } from "./measured-client.js";

/** A replica's customer table together with the batch after which it looked so. */
export interface CustomerTable {
  /** Sequence number of the last batch in the database; 0 before the first. */
  readonly seq: Seq;
  /** Ascending by customer id. */
  readonly accounts: readonly AccountRow[];
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
  /** View changes that this replica took part in since it started; null when it does not answer. */
  viewChangeCount(replica: ReplicaId): Promise<number | null>;
  /** The customer table as this replica's own database holds it. */
  readTable(replica: ReplicaId): Promise<CustomerTable>;
}
