import { randomInt } from "node:crypto";
import type { CommandDescription, CommandInput, ExitStatus, Output } from "../command.js";
import { withDemoCluster } from "../demo-cluster.js";
import { durabilityOf, repliesOf, STORAGE_OPTIONS, storeOf } from "../storage-options.js";
import { benchAndReport } from "./bench-output.js";
import { HOSTS_OPTIONS, networkOf, runOnHosts } from "./hosts.js";
import { interruptible } from "./interrupt.js";
import { LedgerCluster } from "./ledger-cluster.js";
import { PARTITIONS_MAX } from "./partitions.js";
import { parseKinds, planRows } from "./plan-rows.js";
import { planSweep, SWEEP_SUMMARY } from "./plan-sweep.js";
import { SEED_LIMIT } from "./prng.js";
import { ProgressBar } from "./progress-bar.js";
import { PASSES_MAX } from "./run-bench.js";
import type { BenchPlan } from "./run-bench.js";

/**
 * What all passes may take: two over each row on two processors, while the whole job with its
 * start, curve and end takes no more than two minutes.
 */
const BUDGET_MS = 95_000;

/** One client that waits for each answer, as in the reference's measurements. */
const LOAD = { inFlight: 1, ratePerSecond: null, timeoutMs: 10_000 };

/** `bench table1`, which `npm start` runs: the published experiments and table on a new cluster. */
export const table1Command: CommandDescription = {
  name: "table1",
  summary: "boot four replicas here, repeat the published experiments and Table 1 with its faults",
  positionals: [],
  options: [
    {
      flags: "--iterations <n,...>",
      summary: "measure these numbers of operations instead of Table 1's",
    },
    { flags: "--rows <kinds>", summary: "read-only, read-write, or both (default: both)" },
    {
      flags: "--partitions <n>",
      summary: "cut a replica off and heal it so often in each row (default: as in Table 1)",
    },
    {
      flags: "--repeat <n>",
      summary: "passes over each row, in turns (default: up to 3, within a hundred seconds)",
    },
    { flags: "--sweep <n,...>", summary: SWEEP_SUMMARY },
    ...STORAGE_OPTIONS,
    { flags: "--seed <n>", summary: "repeat the operations of an earlier run" },
    ...HOSTS_OPTIONS,
    { flags: "--json", summary: "print one JSON object as the last line" },
  ],
  notes:
    "`npm start -- [options]` is the same. The rows: 1,000 reads; 1,000, 5,000 and 10,000 " +
    "operations of half reads\nand half writes, with 0, 0, 1 and 2 partitions, of the primary of " +
    "the time and of a backup in turn. The report\ngoes to ./runs. Ends with 0 only when all " +
    "databases agree and everything is right.",
  examples: [
    "bench table1",
    "bench table1 --iterations 1000 --rows read-only --json",
    "bench table1 --hosts namespaces --delay 5 --loss 0.1",
  ],
  run: runTable1,
};

async function runTable1(input: CommandInput, output: Output): Promise<ExitStatus> {
  // What makes no sense is said before a network is made for it.
  const plan = planOf(input);
  const storage = {
    store: storeOf(input.text("store") ?? ""),
    durability: durabilityOf(input.text("durability") ?? ""),
    replies: repliesOf(input.text("replies") ?? ""),
  };
  const status = await runOnHosts(input, ["bench", "table1", ...wordsOf(input)]);
  if (status !== null) return status;
  const isJson = input.flag("json");
  const progress = new ProgressBar(process.stderr.isTTY);
  const parent = process.cwd();
  const lab = networkOf(input);
  const note = (line: string): void => output.note(line);
  return interruptible((signal) =>
    withDemoCluster(
      storage,
      note,
      async (dir, inject) => {
        const cluster = await LedgerCluster.open(dir, inject, lab?.description ?? null);
        const { conditions } = cluster;
        const job = { cluster, conditions, plan, parent, isJson, progress, output, signal };
        try {
          return await benchAndReport(job);
        } finally {
          await cluster.close();
        }
      },
      lab,
    ),
  );
}

/** What was given, as words again. */
function wordsOf(input: CommandInput): string[] {
  return table1Command.options.flatMap(({ flags }) => {
    const name = /^--([\w-]+)/.exec(flags)?.[1] ?? "";
    const value = input.text(name);
    if (value !== null) return [`--${name}`, value];
    return input.flag(name) ? [`--${name}`] : [];
  });
}

function planOf(input: CommandInput): BenchPlan {
  const isSeeded = input.text("seed") !== null;
  const kinds = parseKinds(input.text("rows"));
  const [iterations, rows] = [input.text("iterations"), input.text("rows")];
  return {
    hasExperiments: true,
    rows: planRows(iterations, kinds, partitionsOf(input)),
    repeat: repeatOf(input),
    sweep: planSweep(input.text("sweep"), kinds, iterations === null && rows === null),
    hasBaseline: true,
    sessionCount: 1,
    load: LOAD,
    seed: isSeeded ? input.wholeNumber("seed", 0, SEED_LIMIT - 1) : randomInt(SEED_LIMIT),
  };
}

/** Three passes tell chance from cause; a slow machine makes fewer over the long rows. */
function repeatOf(input: CommandInput): BenchPlan["repeat"] {
  if (input.text("repeat") === null) return { passes: 3, budgetMs: BUDGET_MS };
  return { passes: input.wholeNumber("repeat", 1, PASSES_MAX), budgetMs: null };
}

function partitionsOf(input: CommandInput): number | null {
  return input.text("partitions") === null
    ? null
    : input.wholeNumber("partitions", 0, PARTITIONS_MAX);
}
