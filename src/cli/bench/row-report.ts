import type { HistogramColumn, LatencySummary, PercentilePoint } from "./latency-histogram.js";
import type { PartitionReport } from "./partitions.js";
import type { TimelineReport } from "./timeline.js";
import type { WorkloadKind } from "./workload.js";

/** The first answer from a view, which shows that a view change is over. */
export interface ViewReport {
  readonly view: number;
  /** Milliseconds after the row's first operation. */
  readonly atMs: number;
}

/** One pass over a row: all its operations once. */
export interface PassReport {
  readonly durationMs: number;
  /** Operations that ended well, by the second. */
  readonly opsPerSecond: number;
  readonly latency: LatencySummary;
  /** How many operations failed, by code; empty when all went well. */
  readonly failures: Readonly<Record<string, number>>;
  readonly viewChangeCount: number;
  /** Every view that answered, in order; the first is the one at the start. */
  readonly views: readonly ViewReport[];
  /** Replicas that were cut off meanwhile, in order. */
  readonly partitions: readonly PartitionReport[];
  readonly timeline: TimelineReport;
  /** Whether all replicas' databases were identical afterwards. */
  readonly consistent: boolean;
  readonly consistency: string;
  /** Whether the balances are what the outcomes add up to; null when an outcome is unknown. */
  readonly balancesAsPredicted: boolean | null;
}

/** One measured row of the table. Plain data. */
export interface RowReport {
  readonly kind: WorkloadKind;
  /** Operations of one pass; reads and writes are their parts. */
  readonly iterations: number;
  readonly readCount: number;
  readonly writeCount: number;
  readonly warmUpCount: number;
  /** At least one, in the order in which they were measured; other rows' came in between. */
  readonly passes: readonly PassReport[];
  /** Of all passes together, as are the three below. */
  readonly latency: LatencySummary;
  readonly readLatency: LatencySummary;
  readonly writeLatency: LatencySummary;
  readonly curve: readonly PercentilePoint[];
  readonly histogram: readonly HistogramColumn[];
  /** Name of this row's percentile file in the run's folder. */
  readonly percentileFile: string;
}

/** The same work done by one process and its database, without replication. Plain data. */
export interface BaselineReport {
  readonly kind: WorkloadKind;
  readonly iterations: number;
  /** What it was measured on, in words. */
  readonly system: string;
  readonly opsPerSecond: number;
  readonly latency: LatencySummary;
  readonly curve: readonly PercentilePoint[];
  readonly histogram: readonly HistogramColumn[];
  readonly percentileFile: string;
}

/** One load of a throughput series: how much was asked for, and what came of it. Plain data. */
export interface ThroughputPoint {
  /** Operations that clients had outstanding together. */
  readonly inFlight: number;
  /** Operations that ended well while it was measured; the figures below are theirs. */
  readonly count: number;
  readonly opsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How many operations failed, by code; empty when all went well. */
  readonly failures: Readonly<Record<string, number>>;
}

/** Throughput and latency of one kind of work as the load grows. Plain data. */
export interface ThroughputReport {
  readonly label: string;
  /** Sessions that shared each load, and how long each was measured. */
  readonly sessions: number;
  readonly measuredMs: number;
  /** Accounts that the operations took at random. */
  readonly accounts: number;
  /** Ascending by load. */
  readonly points: readonly ThroughputPoint[];
  /** Whether all replicas' databases were identical afterwards. */
  readonly consistent: boolean;
  readonly consistency: string;
}
