/*
 * What `npm start` runs: a fresh cluster of four replicas on this machine, the published
 * experiments, the rows of Table 1, and the report.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { benchAndReport } from "../src/cli/bench/bench-output.js";
import { interruptible } from "../src/cli/bench/interrupt.js";
import { LedgerCluster } from "../src/cli/bench/ledger-cluster.js";
import { PARTITIONS_MAX } from "../src/cli/bench/partitions.js";
import { parseKinds, planRows } from "../src/cli/bench/plan-rows.js";
import { SEED_LIMIT } from "../src/cli/bench/prng.js";
import { ProgressBar } from "../src/cli/bench/progress-bar.js";
import { PASSES_MAX } from "../src/cli/bench/run-bench.js";
import type { BenchPlan } from "../src/cli/bench/run-bench.js";
import { CommandInput, UsageError } from "../src/cli/command.js";
import type { ExitStatus, Output } from "../src/cli/command.js";
import { withDemoCluster } from "../src/cli/demo-cluster.js";
import { sentenceFor } from "../src/cli/failure.js";
import { durabilityOf, repliesOf, storeOf } from "../src/cli/storage-options.js";
import { HOSTS_USAGE, networkOf, runOnHosts } from "./hosts.js";

const USAGE = `Usage: npm start -- [options]

Boots four replicas on this machine, repeats Experiments 1 and 3, measures the rows of Table 1 with
their partitions, and saves the report under runs/. Ends with 0 only when all databases agree and
everything is right.

Options:
  --iterations <n,...>  measure these numbers of operations instead of Table 1's
  --rows <kinds>        read-only, read-write, or both separated by a comma (default: both)
  --partitions <n>      cut a replica off and heal it so often in each row (default: as in Table 1)
  --repeat <n>          passes over each row, in turns (default: up to 3, within two minutes)
  --store <store>       sqlite, memory or mysql://user:password@host:port/prefix (default: sqlite)
  --durability <kind>   what counts as on disk: fsync, async or none (default: fsync)
  --replies <kind>      what an answer waits for: journal or strict, the database (default: journal)
  --seed <n>            repeat the operations of an earlier run
${HOSTS_USAGE}
  --json                print one JSON object as the last line
  --help                show this

Example:
  npm start -- --iterations 1000 --rows read-only --json`;

/** What all passes may take, so that the whole job with its start and end stays in two minutes. */
const BUDGET_MS = 85_000;

/** One client that waits for each answer, as in the reference's measurements. */
const LOAD = { inFlight: 1, ratePerSecond: null, timeoutMs: 10_000 };

const output: Output = {
  result: (line) => process.stdout.write(`${line}\n`),
  note: (line) => process.stderr.write(`${line}\n`),
};

const input = parse(process.argv.slice(2));
process.exitCode = input === null ? 2 : await run(input);

function parse(words: string[]): CommandInput | null {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const narrowing = { iterations: text, rows: text, partitions: text, repeat: text };
  const network = { hosts: text, delay: text, loss: text, network: text };
  const storage = { store: text, durability: text, replies: text };
  const options = { ...narrowing, ...network, ...storage, seed: text, json: flag, help: flag };
  try {
    return new CommandInput([], parseArgs({ args: words, options }).values);
  } catch (error) {
    output.note(`error: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return null;
  }
}

async function run(given: CommandInput): Promise<ExitStatus> {
  if (given.flag("help")) {
    output.result(USAGE);
    return 0;
  }
  try {
    return (await runOnHosts(given, process.argv.slice(2))) ?? (await measure(given));
  } catch (error) {
    const sentence = sentenceFor(error);
    if (sentence === null) throw error;
    output.note(`error: ${sentence}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function measure(given: CommandInput): Promise<ExitStatus> {
  const isJson = given.flag("json");
  const plan = planOf(given);
  const storage = {
    store: storeOf(given.text("store") ?? "sqlite"),
    durability: durabilityOf(given.text("durability") ?? "fsync"),
    replies: repliesOf(given.text("replies") ?? "journal"),
  };
  const progress = new ProgressBar(process.stderr.isTTY);
  const parent = process.cwd();
  return interruptible((signal) =>
    withDemoCluster(
      storage,
      (line) => output.note(line),
      async (dir, inject) => {
        const cluster = await LedgerCluster.open(dir, inject);
        const { conditions } = cluster;
        try {
          return await benchAndReport({
            cluster,
            conditions,
            plan,
            parent,
            isJson,
            progress,
            output,
            signal,
          });
        } finally {
          await cluster.close();
        }
      },
      networkOf(given),
    ),
  );
}

function planOf(given: CommandInput): BenchPlan {
  const isSeeded = given.text("seed") !== null;
  return {
    hasExperiments: true,
    rows: planRows(given.text("iterations"), parseKinds(given.text("rows")), partitionsOf(given)),
    repeat: repeatOf(given),
    hasBaseline: true,
    sessionCount: 1,
    load: LOAD,
    seed: isSeeded ? given.wholeNumber("seed", 0, SEED_LIMIT - 1) : randomInt(SEED_LIMIT),
  };
}

/** Three passes tell chance from cause; a slow machine makes fewer over the long rows. */
function repeatOf(given: CommandInput): BenchPlan["repeat"] {
  if (given.text("repeat") === null) return { passes: 3, budgetMs: BUDGET_MS };
  return { passes: given.wholeNumber("repeat", 1, PASSES_MAX), budgetMs: null };
}

function partitionsOf(given: CommandInput): number | null {
  return given.text("partitions") === null
    ? null
    : given.wholeNumber("partitions", 0, PARTITIONS_MAX);
}
