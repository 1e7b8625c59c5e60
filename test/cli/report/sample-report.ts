import { RUN_FORMAT, RUN_VERSION } from "../../../src/cli/bench/bench-report.js";
import type { BenchReport } from "../../../src/cli/bench/bench-report.js";
import { distributionOf } from "../../../src/cli/bench/combine-passes.js";
import { LatencyHistogram } from "../../../src/cli/bench/latency-histogram.js";
import type { PartitionReport } from "../../../src/cli/bench/partitions.js";
import type { PassReport, RowReport } from "../../../src/cli/bench/row-report.js";
import { Timeline } from "../../../src/cli/bench/timeline.js";
import { nameRuns } from "../../../src/cli/report/named-run.js";
import { chartsOf } from "../../../src/cli/report/report-charts.js";
import { reportHtml } from "../../../src/cli/report/report-html.js";

/** The report of `reports`, with all charts. */
export function htmlOf(...reports: readonly BenchReport[]): string {
  const runs = nameRuns(reports);
  return reportHtml(runs, chartsOf(runs));
}

const PARTITION: PartitionReport = {
  replica: 0,
  view: 0,
  wasPrimary: true,
  cutOffAt: 166,
  healedAt: 333,
  cutOffMs: 250,
  healedMs: 1_600,
  catchUpMs: 1_234.5,
};

/**
 * A made-up run with everything in it: two rows, one with a partition, in two passes each, with
 * baselines and a throughput series.
 * @param words stands wherever a text comes from the machine or the ledger.
 * @param scale makes all latencies so many times as long.
 */
export function sampleReport(words: string, scale = 1): BenchReport {
  return {
    format: RUN_FORMAT,
    version: RUN_VERSION,
    startedAt: "2026-01-01T00:00:00.000Z",
    conditions: {
      machine: { cpuModel: words, cpuCount: 2, memoryBytes: 2 ** 33, platform: "linux x64" },
      nodeVersion: "v20.0.0",
      commit: null,
      loadBefore: 0.2,
      cluster: {
        ...{ replicaCount: 4, store: words, durability: "fsync", replies: "journal" },
        ...{ verifier: "native", network: words, fileSystem: null },
      },
      load: { sessions: 1, inFlight: 1, ratePerSecond: 500, seed: 9, timeoutMs: 1_000 },
    },
    experiments: [
      {
        title: words,
        commands: words,
        answers: [words],
        accounts: [
          {
            ...{ customerId: 1, account: "A", name: words, address: words, published: null },
            balances: ["1.00", null],
          },
        ],
        identical: false,
        asPublished: false,
      },
    ],
    rows: [
      rowOf("read-only", 500 * scale, [], words, "row-1-read-only.hgrm"),
      rowOf("read-write", 1_600 * scale, [PARTITION], words, "row-2-read-write.hgrm"),
    ],
    baselines: [
      {
        ...{ kind: "read-write", iterations: 500, system: words, opsPerSecond: 9_000 },
        ...distributionOf(histogramOf(90 * scale)),
        percentileFile: "baseline-read-write.hgrm",
      },
    ],
    throughput: [
      {
        ...{
          label: words,
          sessions: 4,
          measuredMs: 1_500,
          accounts: 3,
          consistent: true,
          consistency: words,
        },
        points: [1, 4, 16, 64].map((inFlight) => {
          const p50Ms = scale * (1 + inFlight / 16);
          const opsPerSecond = (900 * inFlight) / p50Ms;
          const latency = { p50Ms, p99Ms: 4 * p50Ms };
          return { inFlight, count: 700, opsPerSecond, ...latency, failures: {} };
        }),
      },
    ],
  };
}

const COUNT = 500;

/** Latencies from `micros` up to twice that, evenly. */
function histogramOf(micros: number): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (let index = 0; index < COUNT; index += 1) histogram.record(micros * (1 + index / COUNT));
  return histogram;
}

function rowOf(
  kind: RowReport["kind"],
  micros: number,
  partitions: readonly PartitionReport[],
  words: string,
  percentileFile: string,
): RowReport {
  const { latency, curve, histogram } = distributionOf(histogramOf(micros));
  const timeline = new Timeline();
  for (let index = 0; index < COUNT; index += 1) timeline.record(index * 6_000, micros);
  const pass: PassReport = {
    ...{ durationMs: 3_000, opsPerSecond: 167, latency, failures: { timeout: 2 } },
    ...{ viewChangeCount: partitions.length, partitions, timeline: timeline.report() },
    views: [{ view: 0, atMs: 1 }, ...partitions.map(() => ({ view: 1, atMs: 1_300 }))],
    ...{ consistent: false, consistency: words, balancesAsPredicted: null },
  };
  const writeCount = kind === "read-only" ? 0 : COUNT / 2;
  return {
    ...{ kind, iterations: COUNT, readCount: COUNT - writeCount, writeCount, warmUpCount: COUNT },
    passes: [pass, { ...pass, latency: { ...latency, meanMs: latency.meanMs * 3 } }],
    ...{ latency, readLatency: latency, writeLatency: latency, curve, histogram, percentileFile },
  };
}
