import { randomInt } from "node:crypto";
import { SESSIONS_PER_CLIENT_MAX } from "../../core/base/limits.js";
import type { CommandDescription, CommandInput, ExitStatus, Output } from "../command.js";
import { UsageError } from "../command.js";
import { askSupervisor, faultsIn } from "../control-socket.js";
import { benchAndReport } from "./bench-output.js";
import { interruptible } from "./interrupt.js";
import { LedgerCluster } from "./ledger-cluster.js";
import { PARTITIONS_MAX } from "./partitions.js";
import { planRows } from "./plan-rows.js";
import { planSweep, SWEEP_SUMMARY } from "./plan-sweep.js";
import { SEED_LIMIT } from "./prng.js";
import { ProgressBar } from "./progress-bar.js";
import { PASSES_MAX } from "./run-bench.js";
import type { BenchPlan } from "./run-bench.js";
import { table1Command } from "./table1-command.js";
import { WORKLOAD_KINDS } from "./workload.js";
import type { WorkloadKind } from "./workload.js";

/** Operations a session may have outstanding in the open loop, when nothing else was asked for. */
const IN_FLIGHT_OPEN_LOOP = 1_000;

const IN_FLIGHT_MAX = 100_000;
const RATE_MAX = 100_000_000;

/** Half of what the replicas remember: other sessions of this client must not be forgotten. */
const SESSIONS_MAX = SESSIONS_PER_CLIENT_MAX / 2;

/** Deadline of one operation, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** `bench`: measures a running cluster. */
export const benchCommand: CommandDescription = {
  name: "bench",
  summary: "measure a running cluster, or with table1 a new one; saves a report",
  positionals: [
    ["<dir>", "the cluster's directory, with the first client's key; the report goes to DIR/runs"],
  ],
  options: [
    { flags: "--iterations <n>", summary: "operations of a row, or several separated by commas" },
    { flags: "--read-only", summary: "only rows of balance queries" },
    { flags: "--read-write", summary: "only rows of half queries and half changes" },
    { flags: "--in-flight <n>", summary: "operations outstanding in each session (default: 1)" },
    { flags: "--sessions <n>", summary: "client sessions that share the load", fallback: "1" },
    {
      flags: "--partitions <n>",
      summary: "cut a replica off and heal it so often in each row, if `up` runs it here",
      fallback: "0",
    },
    { flags: "--repeat <n>", summary: "passes over each row, in turns", fallback: "1" },
    { flags: "--sweep <n,...>", summary: SWEEP_SUMMARY },
    { flags: "--rate <ops>", summary: "open loop: operations started a second, come what may" },
    { flags: "--seed <n>", summary: "repeats the operations of an earlier run" },
    { flags: "--json", summary: "print one JSON object at the end" },
  ],
  notes:
    "Without --iterations it measures the rows of Table 1: 1,000 reads; 1,000, 5,000 and 10,000 " +
    "operations of half\nreads and half writes; then the curve of --sweep. Writes move small " +
    "amounts among the accounts of the\ngenesis. Nobody else may change these meanwhile. " +
    "Partitions fall on the primary of the time and on a backup\nin turn, evenly spread over a " +
    "row's operations.",
  examples: [
    "bench demo",
    "bench table1",
    "bench demo --read-write --iterations 5000 --in-flight 64 --json",
    "bench demo --read-write --iterations 10000 --partitions 2",
  ],
  subcommands: [table1Command],
  run: runBenchCommand,
};

async function runBenchCommand(input: CommandInput, output: Output): Promise<ExitStatus> {
  const isJson = input.flag("json");
  const plan = planOf(input);
  const progress = new ProgressBar(process.stderr.isTTY);
  const cluster = await LedgerCluster.open(input.directory, faultsIn(input.directory));
  const { conditions } = cluster;
  const parent = input.directory;
  try {
    if (plan.rows.some(({ partitionCount }) => partitionCount > 0)) {
      // Better to find out that nobody can cut replicas off before anything is measured.
      await askSupervisor(input.directory, { command: "list" });
    }
    return await interruptible((signal) =>
      benchAndReport({ cluster, conditions, plan, parent, isJson, progress, output, signal }),
    );
  } finally {
    await cluster.close();
  }
}

function planOf(input: CommandInput): BenchPlan {
  const kinds = kindsOf(input);
  const ratePerSecond = input.text("rate") === null ? null : input.decimal("rate", 0.001, RATE_MAX);
  return {
    hasExperiments: false,
    rows: planRows(
      input.text("iterations"),
      kinds,
      input.wholeNumber("partitions", 0, PARTITIONS_MAX),
    ),
    repeat: { passes: input.wholeNumber("repeat", 1, PASSES_MAX), budgetMs: null },
    sweep: planSweep(input.text("sweep"), kinds, isWhole(input)),
    hasBaseline: true,
    sessionCount: input.wholeNumber("sessions", 1, SESSIONS_MAX),
    load: { inFlight: inFlightOf(input, ratePerSecond), ratePerSecond, timeoutMs: TIMEOUT_MS },
    seed: seedOf(input),
  };
}

/** Whether nothing was said that makes it measure something else than Table 1 and the curve. */
function isWhole(input: CommandInput): boolean {
  const isNarrowed = WORKLOAD_KINDS.some((kind) => input.flag(kind));
  return !isNarrowed && ["iterations", "rate"].every((name) => input.text(name) === null);
}

function kindsOf(input: CommandInput): readonly WorkloadKind[] {
  const asked = WORKLOAD_KINDS.filter((kind) => input.flag(kind));
  if (asked.length > 1) throw new UsageError("--read-only and --read-write exclude each other");
  return asked.length === 0 ? WORKLOAD_KINDS : asked;
}

function inFlightOf(input: CommandInput, ratePerSecond: number | null): number {
  if (input.text("in-flight") !== null) return input.wholeNumber("in-flight", 1, IN_FLIGHT_MAX);
  return ratePerSecond === null ? 1 : IN_FLIGHT_OPEN_LOOP;
}

function seedOf(input: CommandInput): number {
  if (input.text("seed") === null) return randomInt(SEED_LIMIT);
  return input.wholeNumber("seed", 0, SEED_LIMIT - 1);
}
