import { UsageError } from "../../src/cli/command.js";
import { batchMemory } from "../harness/batch-memory.js";
import { measureClosedLoop } from "../harness/measure-load.js";
import { type ClusterSetup, withPrivateCluster } from "../harness/private-cluster.js";
import { numbersOf, settingsOf, setupOptions, setupOf, timesOf } from "../harness/setup-options.js";
import type { BenchTool, Figures } from "../harness/tool.js";
import { rounded } from "../harness/usage.js";

const BYTES_PER_MIB = 1024 * 1024;

/** What one request of a load of thousands holds, and what a batch of it holds. */
const BULK_OPERATIONS = 1_024;

const PARTS = ["replicas", "accounts", "bundle", "workers", "batch"] as const;
type Part = (typeof PARTS)[number];

/** How cost follows size: one thing is changed at a time. */
export const scale: BenchTool = {
  name: "scale",
  summary: "cost of a write by replicas, accounts, operations in flight (bundle size) and workers",
  options: [
    { name: "parts", fallback: PARTS.join(), summary: "what to change, one after the other" },
    { name: "ns", fallback: "4,7,10,13", summary: "numbers of replicas" },
    { name: "account-counts", fallback: "10000,100000,1000000", summary: "numbers of accounts" },
    { name: "bundles", fallback: "1,10,100,1000,2000", summary: "operations of one request" },
    { name: "worker-counts", fallback: "0,1,2", summary: "verification threads" },
    { name: "in-flight", fallback: "4096", summary: "operations outstanding, bundles apart" },
    ...setupOptions(),
  ],
  async run(input, note) {
    const parts = (input.text("parts") ?? "").split(",");
    const unknown = parts.find((part) => !PARTS.includes(part as Part));
    if (unknown !== undefined) throw new UsageError(`--parts ${unknown}: there is no such part`);
    const setup = setupOf(input);
    const times = timesOf(input);
    const inFlight = numbersOf(input, "in-flight")[0] ?? 1;
    const rows: Figures[] = [];
    const add = async (vary: Part, change: Partial<ClusterSetup>, load = inFlight) => {
      const changed = { ...setup, ...change };
      await withPrivateCluster(changed, note, async (cluster) => {
        const clients = [await cluster.connect()];
        // A bundle's row has one client, so that its load is one request.
        if (vary !== "bundle") clients.push(await cluster.connect());
        const figures = await measureClosedLoop(cluster, clients, "write", load, times);
        rows.push(rowOf(vary, changed, figures));
        note(`${vary}: ${JSON.stringify(rows.at(-1))}`);
      });
    };
    const changes: Readonly<Record<Part, () => Promise<void>>> = {
      replicas: () => each(input, "ns", (replicaCount) => add("replicas", { replicaCount })),
      accounts: () =>
        each(input, "account-counts", (accountCount) => add("accounts", { accountCount })),
      bundle: () => each(input, "bundles", (bundle) => add("bundle", {}, bundle)),
      workers: () => each(input, "worker-counts", (workerCount) => add("workers", { workerCount })),
      batch: async () => {
        rows.push(...(await batchRows(setup.replicaCount)));
      },
    };
    for (const part of PARTS) if (parts.includes(part)) await changes[part]();
    const settings = { ...(await settingsOf(setup, times)), inFlight };
    return { settings: { ...settings, ...bytesPerAccount(rows) }, rows };
  },
};

async function each(
  input: Parameters<typeof numbersOf>[0],
  name: string,
  measure: (number: number) => Promise<void>,
): Promise<void> {
  for (const number of numbersOf(input, name)) await measure(number);
}

/** What follows size, and nothing else: the table of `throughput` has the rest. */
function rowOf(vary: Part, setup: ClusterSetup, figures: Figures): Figures {
  const { replicaCount, accountCount, workerCount } = setup;
  const { operationsPerBatch, datagramsPerOperation, microsPerOperation } = figures;
  const perBatch = (value: unknown): number => rounded(Number(value) * Number(operationsPerBatch));
  return {
    vary,
    replicaCount,
    accountCount,
    workers: workerCount ?? "auto",
    inFlight: figures["inFlight"] ?? 0,
    operationsPerSecond: figures["operationsPerSecond"] ?? 0,
    p99Ms: figures["p99Ms"] ?? 0,
    microsPerOperation: microsPerOperation ?? 0,
    replicaMicrosPerOperation: figures["replicaMicrosPerOperation"] ?? 0,
    operationsPerBatch: operationsPerBatch ?? 0,
    microsPerBatch: perBatch(microsPerOperation),
    messagesPerBatch: messagesPerBatch(replicaCount),
    datagramsPerBatch: perBatch(datagramsPerOperation),
    eventLoopDelayP99Ms: figures["eventLoopDelayP99Ms"] ?? 0,
    longestTurnCpuMs: figures["longestTurnCpuMs"] ?? 0,
    replicaMemoryMiB: figures["replicaMemoryMiB"] ?? 0,
    viewChanges: figures["viewChanges"] ?? 0,
    failed: Object.keys(figures).filter((name) => name.startsWith("failed:")).length,
  };
}

/**
 * What the protocol sends for a batch: n - 1 PRE-PREPAREs, and from each backup a PREPARE and from
 * each replica a COMMIT to all others (TOCS'02, 4.2). Replies come on top, n for each request.
 */
function messagesPerBatch(replicaCount: number): number {
  const others = replicaCount - 1;
  return others + others * others + replicaCount * others;
}

/** A lone write, a batch of lone writes, and what is in flight when thousands are. */
async function batchRows(replicaCount: number): Promise<Figures[]> {
  const rows: Figures[] = [];
  for (const [requests, operations] of [
    [1, 1],
    [64, 1],
    [2, BULK_OPERATIONS],
  ] as const) {
    rows.push({ vary: "batch", ...(await batchMemory(replicaCount, requests, operations)) });
  }
  return rows;
}

/** What a replica's memory grew by from the fewest to the most accounts. */
function bytesPerAccount(rows: readonly Figures[]): Figures {
  const sized = rows.filter((row) => row["vary"] === "accounts");
  const [first, last] = [sized[0], sized.at(-1)];
  if (first === undefined || last === undefined || first === last) return {};
  const grown = Number(last["replicaMemoryMiB"]) - Number(first["replicaMemoryMiB"]);
  const accounts = Number(last["accountCount"]) - Number(first["accountCount"]);
  return { replicaBytesPerAccount: rounded((grown * BYTES_PER_MIB) / accounts) };
}
