import type { CommandInput } from "../../src/cli/command.js";
import { UsageError } from "../../src/cli/command.js";
import { DURABILITIES, isStoreUrl } from "../../src/io/config-schema.js";
import { loadCrypto } from "../../src/workers/load-crypto.js";
import { type ClusterSetup, SETUP_DEFAULT } from "./private-cluster.js";
import type { LoadTimes } from "./measure-load.js";
import type { BenchTool, Figures } from "./tool.js";

const REPLICAS_MAX = 31;
const ACCOUNTS_MAX = 10_000_000;
const WORKERS_MAX = 64;
const SECONDS_MAX = 3_600;
const MS_PER_SECOND = 1_000;

/** What every tool that boots a cluster can be told about it. */
export const CLUSTER_OPTIONS: BenchTool["options"] = [
  { name: "replicas", fallback: "4", summary: "n" },
  { name: "accounts", fallback: "10000", summary: "accounts, of which the load takes any" },
  { name: "store", fallback: "sqlite", summary: "sqlite, memory or mysql://…" },
  { name: "durability", fallback: "fsync", summary: DURABILITIES.join(", ") },
  { name: "workers", fallback: "auto", summary: "verification threads of each replica" },
];

/**
 * Until V8 has compiled what a new cluster runs: with thousands of writes in flight 51,000 a second
 * were done in the first 3 s, 73,000, 93,000 and 116,000 in the next three times 3 s, and 105,000
 * to 130,000 from then on.
 */
const COMPILED_SECONDS = 15;

/** Until a load that is another than the one before it runs evenly. */
const NEXT_WARM_UP_MS = 2_000;

/** The same, and how long each row takes. @param warmUpSeconds unless it is told otherwise. */
export function setupOptions(warmUpSeconds = COMPILED_SECONDS): BenchTool["options"] {
  return [
    ...CLUSTER_OPTIONS,
    { name: "seconds", fallback: "5", summary: "how long each row is measured" },
    { name: "warm-up", fallback: String(warmUpSeconds), summary: "seconds before that" },
  ];
}

/** The cluster that the options ask for. */
export function setupOf(input: CommandInput, clientCount = 1): ClusterSetup {
  const store = input.text("store") ?? "";
  if (!isStoreUrl(store)) throw new UsageError(`--store ${store} is no store`);
  const durability = DURABILITIES.find((each) => each === input.text("durability"));
  if (durability === undefined) throw new UsageError(`--durability is ${DURABILITIES.join(", ")}`);
  return {
    ...SETUP_DEFAULT,
    ...{ clientCount, store, durability },
    replicaCount: input.wholeNumber("replicas", 4, REPLICAS_MAX),
    accountCount: input.wholeNumber("accounts", 2, ACCOUNTS_MAX),
    workerCount:
      input.text("workers") === "auto" ? null : input.wholeNumber("workers", 0, WORKERS_MAX),
  };
}

/** How long to measure. */
export function timesOf(input: CommandInput): LoadTimes {
  return {
    warmUpMs: MS_PER_SECOND * input.decimal("warm-up", 0, SECONDS_MAX),
    measuredMs: MS_PER_SECOND * input.decimal("seconds", 0.1, SECONDS_MAX),
  };
}

/** The same for what a cluster does next: it is compiled by then. */
export function nextTimes(times: LoadTimes): LoadTimes {
  return { ...times, warmUpMs: Math.min(NEXT_WARM_UP_MS, times.warmUpMs) };
}

/** The whole numbers of a list with commas. */
export function numbersOf(input: CommandInput, name: string): number[] {
  const numbers = (input.text(name) ?? "").split(",").map(Number);
  if (numbers.every((number) => Number.isInteger(number) && number >= 0)) return numbers;
  throw new UsageError(`--${name} must be whole numbers separated by commas`);
}

/** What the history says about a cluster, and about `times` where they were asked for. */
export async function settingsOf(setup: ClusterSetup, times?: LoadTimes): Promise<Figures> {
  const { provider } = await loadCrypto(process.env);
  const { store, workerCount, ...others } = setup;
  return {
    ...others,
    store: store.startsWith("mysql:") ? "mysql" : store,
    workers: workerCount ?? "auto",
    crypto: provider.name,
    ...times,
  };
}
