/*
 * What a replica tells Prometheus. Counts are read when they are asked for; only durations are
 * noted as they happen.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Verifier } from "../core/crypto/check.js";
import type { HostProbe } from "./host-probe.js";
import { PhaseClock } from "./phase-clock.js";
import type { ReplicaFigures } from "./replica-status.js";

/** What a replica's metrics are read from. */
interface MetricsSources {
  /** The present status, without the state root, which costs time. */
  readonly status: () => ReplicaFigures;
  readonly verifier: Pick<Verifier, "waitingCount">;
}

const MS_PER_SECOND = 1_000;

/** From 50 µs, less than which no phase takes, to 5 s, which is more than a view change. */
const SECONDS_BUCKETS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
  5,
];

const REQUESTS_BUCKETS = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];

type Status = ReturnType<MetricsSources["status"]>;

/** Figures that may go up and down: name, help, value. */
const GAUGES: readonly (readonly [name: string, help: string, value: (s: Status) => number])[] = [
  ["pbft_view", "Present view.", (s) => s.view],
  ["pbft_primary", "Replica that leads the present view.", (s) => s.primary],
  ["pbft_view_active", "1, or 0 while a view change is under way.", (s) => (s.active ? 1 : 0)],
  ["pbft_executed_sequence", "Last sequence number executed.", (s) => s.executed],
  ["pbft_stable_sequence", "Last stable checkpoint.", (s) => s.stable],
  ["pbft_database_lag_batches", "Executed, but not in the database yet.", (s) => s.databaseLag],
  ["pbft_voting", "1, or 0 while it gives no votes.", (s) => (s.state === "voting" ? 1 : 0)],
  [
    "pbft_longest_turn_seconds",
    "The longest that the main loop was busy at a time since a scrape or a status asked, to 1 ms.",
    (s) => s.longestTurnMs / MS_PER_SECOND,
  ],
  [
    "pbft_longest_turn_cpu_seconds",
    "The same in processor time; 0 where the system does not tell.",
    (s) => (s.longestTurnCpuMs ?? 0) / MS_PER_SECOND,
  ],
  ["pbft_pending_requests", "Requests known and not executed.", (s) => s.pending],
];

/** What a database's state may be; the metric is 1 for the present one and 0 for the others. */
const DATABASE_STATES = ["ok", "slow", "retrying"] as const satisfies readonly Status["database"][];

/** Figures that only grow while the process runs. */
const COUNTERS: readonly (readonly [name: string, help: string, value: (s: Status) => number])[] = [
  ["pbft_batches_total", "Batches executed that held something new.", (s) => s.batches],
  ["pbft_requests_total", "Requests executed.", (s) => s.requests],
  ["pbft_views_entered_total", "Views entered.", (s) => s.viewChanges],
  ["pbft_datagrams_received_total", "Datagrams received.", (s) => s.datagramsReceived],
  ["pbft_datagrams_sent_total", "Datagrams sent.", (s) => s.datagramsSent],
];

type Counts = Readonly<Record<string, number>>;

/** Figures by a label. */
const FAMILIES: readonly (readonly [
  name: string,
  help: string,
  label: string,
  values: (s: Status) => Counts,
])[] = [
  ["pbft_view_changes_total", "Views left.", "reason", (s) => s.viewChangeReasons],
  ["pbft_rejects_total", "Inputs that the protocol dropped.", "code", (s) => s.rejects],
  ["pbft_drops_total", "Frames that did not reach the protocol.", "code", (s) => s.drops],
];

/** One replica's metrics; a probe of its host. */
export class ReplicaMetrics implements HostProbe {
  readonly #registry = new Registry();
  readonly #phases: PhaseClock;
  readonly #batchRequests: Histogram;
  readonly #operations: Counter;
  readonly #journalSync: Histogram;

  /** @param nowMs a monotonic clock in milliseconds. */
  constructor(replica: number, sources: MetricsSources, nowMs: () => number) {
    const registers = [this.#registry];
    this.#registry.setDefaultLabels({ replica: replica.toString() });
    collectDefaultMetrics({ register: this.#registry });
    addReadFigures(registers, sources);
    this.#operations = new Counter({
      ...{ name: "pbft_operations_total", help: "Operations executed in order.", registers },
    });
    this.#batchRequests = new Histogram({
      ...{ name: "pbft_batch_requests", help: "Requests in a batch.", registers },
      buckets: REQUESTS_BUCKETS,
    });
    this.#journalSync = new Histogram({
      ...{ name: "pbft_journal_write_seconds", registers, buckets: SECONDS_BUCKETS },
      help: "Time of a journal write, its fsync included.",
    });
    const phases = new Histogram({
      ...{ name: "pbft_phase_seconds", registers, buckets: SECONDS_BUCKETS },
      help: "Time a batch spent in a phase here: to prepared, to committed, to executed.",
      labelNames: ["phase"],
    });
    this.#phases = new PhaseClock(nowMs, (phase, ms) => {
      phases.observe({ phase }, ms / MS_PER_SECOND);
    });
  }

  appended(record: Parameters<PhaseClock["appended"]>[0]): void {
    this.#phases.appended(record);
  }

  executed(seq: number, _view: number, requestCount: number, operationCount: number): void {
    this.#phases.executed(seq);
    this.#batchRequests.observe(requestCount);
    this.#operations.inc(operationCount);
  }

  /** The journal made a write durable, after `ms` milliseconds. */
  journalWritten(ms: number): void {
    this.#journalSync.observe(ms / MS_PER_SECOND);
  }

  /** Everything in Prometheus's text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** The media type of `text`. */
  get contentType(): string {
    return this.#registry.contentType;
  }
}

/** Registers what is read from the status when Prometheus asks. */
function addReadFigures(registers: Registry[], { status, verifier }: MetricsSources): void {
  for (const [name, help, value] of GAUGES) {
    new Gauge({
      ...{ name, help, registers },
      collect() {
        this.set(value(status()));
      },
    });
  }
  new Gauge({
    ...{ name: "pbft_verification_queue_lists", registers },
    help: "Lists of checks that wait for the verifier.",
    collect() {
      this.set(verifier.waitingCount);
    },
  });
  new Gauge({
    ...{ name: "pbft_database_state", labelNames: ["state"], registers },
    help: "1 for the state of the database: ok, slow, or retrying while it fails.",
    collect() {
      const { database } = status();
      for (const state of DATABASE_STATES) this.set({ state }, state === database ? 1 : 0);
    },
  });
  for (const [name, help, value] of COUNTERS) {
    new Counter({
      ...{ name, help, registers },
      collect() {
        this.reset();
        this.inc(value(status()));
      },
    });
  }
  for (const [name, help, label, values] of FAMILIES) {
    new Counter({
      ...{ name, help, labelNames: [label], registers },
      collect() {
        this.reset();
        for (const [key, count] of Object.entries(values(status())))
          this.inc({ [label]: key }, count);
      },
    });
  }
}
