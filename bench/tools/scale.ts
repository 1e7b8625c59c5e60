import { measureClosedLoop } from "../harness/measure-load.js";
import { type ClusterSetup, withPrivateCluster } from "../harness/private-cluster.js";
import {
  numbersOf,
  settingsOf,
  SETUP_OPTIONS,
  setupOf,
  timesOf,
} from "../harness/setup-options.js";
import type { BenchTool, Figures } from "../harness/tool.js";
import { rounded } from "../harness/usage.js";

const BYTES_PER_MIB = 1024 * 1024;

/** How cost follows size: one thing is changed at a time. */
export const scale: BenchTool = {
  name: "scale",
  summary: "cost of a write by replicas, accounts, operations in flight (bundle size) and workers",
  options: [
    { name: "ns", fallback: "4,7,10,13", summary: "numbers of replicas" },
    { name: "account-counts", fallback: "10000,100000,1000000", summary: "numbers of accounts" },
    { name: "bundles", fallback: "1,10,100,1000,2000", summary: "operations of one request" },
    { name: "worker-counts", fallback: "0,1,2", summary: "verification threads" },
    { name: "in-flight", fallback: "4096", summary: "operations outstanding, bundles apart" },
    ...SETUP_OPTIONS,
  ],
  async run(input, note) {
    const setup = setupOf(input);
    const times = timesOf(input);
    const inFlight = numbersOf(input, "in-flight")[0] ?? 1;
    const rows: Figures[] = [];
    const add = async (vary: string, change: Partial<ClusterSetup>, load = inFlight) => {
      const changed = { ...setup, ...change };
      await withPrivateCluster(changed, note, async (cluster) => {
        const clients = [await cluster.connect()];
        if (load === inFlight) clients.push(await cluster.connect());
        const row = await measureClosedLoop(cluster, clients, "write", load, times);
        const { replicaCount, accountCount, workerCount } = changed;
        const workers = workerCount ?? "auto";
        rows.push({ vary, replicaCount, accountCount, workers, ...row });
        note(`${vary}: ${JSON.stringify(rows.at(-1))}`);
      });
    };
    for (const replicaCount of numbersOf(input, "ns")) await add("replicas", { replicaCount });
    for (const accountCount of numbersOf(input, "account-counts")) {
      await add("accounts", { accountCount });
    }
    for (const bundle of numbersOf(input, "bundles")) await add("bundle", {}, bundle);
    for (const workerCount of numbersOf(input, "worker-counts"))
      await add("workers", { workerCount });
    const settings = { ...(await settingsOf(setup, times)), inFlight };
    return { settings: { ...settings, ...bytesPerAccount(rows) }, rows };
  },
};

/** What a replica's memory grew by from the fewest to the most accounts. */
function bytesPerAccount(rows: readonly Figures[]): Figures {
  const sized = rows.filter((row) => row["vary"] === "accounts");
  const [first, last] = [sized[0], sized.at(-1)];
  if (first === undefined || last === undefined || first === last) return {};
  const grown = Number(last["replicaMemoryMiB"]) - Number(first["replicaMemoryMiB"]);
  const accounts = Number(last["accountCount"]) - Number(first["accountCount"]);
  return { replicaBytesPerAccount: rounded((grown * BYTES_PER_MIB) / accounts) };
}
