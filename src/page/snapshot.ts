/*
 * What the dashboard's server tells its page, several times a second. Types only.
 */

/** One replica as the dashboard shows it. */
export interface ReplicaView {
  readonly replica: number;
  /** What its process does: "serving", "crashed" … */
  readonly process: string;
  readonly isCutOff: boolean;
  /** Null while it does not answer. */
  readonly status: {
    readonly view: number;
    readonly primary: number;
    readonly active: boolean;
    readonly executed: number;
    readonly stable: number;
    readonly databaseLag: number;
    readonly viewChanges: number;
    readonly requestsPerSecond: number;
    readonly stateRoot: string;
    /** The batch after which it is that. */
    readonly stateRootSeq: number;
  } | null;
}

/** What the demo client measured lately; null when no demo workload runs. */
export interface WorkloadView {
  readonly opsPerSecond: number;
  readonly p50Ms: number;
  readonly maxMs: number;
  readonly failureCount: number;
}

/** One message between two lanes; a lane is a replica, or -1 for the client. */
export interface ArrowView {
  readonly kind: "request" | "pre-prepare" | "prepare" | "commit" | "reply";
  readonly from: number;
  readonly to: number;
  /** Microseconds after the flow's first event; null when that end was not observed. */
  readonly sentMicros: number | null;
  readonly receivedMicros: number | null;
}

/** The messages of one batch, as the replicas themselves saw them. */
export interface FlowView {
  readonly seq: number;
  readonly view: number;
  readonly primary: number;
  readonly durationMicros: number;
  readonly arrows: readonly ArrowView[];
}

/** Everything at one moment. */
export interface Snapshot {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly mayInject: boolean;
  readonly faultyMax: number;
  readonly replicas: readonly ReplicaView[];
  readonly workload: WorkloadView | null;
  readonly flow: FlowView | null;
}
