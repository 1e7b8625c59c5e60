import { loadCrypto } from "../../src/workers/load-crypto.js";
import { cryptoCost, signatureLimit } from "../harness/crypto-cost.js";
import { measureClosedLoop } from "../harness/measure-load.js";
import { withPrivateCluster } from "../harness/private-cluster.js";
import { settingsOf, setupOptions, setupOf, timesOf } from "../harness/setup-options.js";
import type { BenchTool, Figures } from "../harness/tool.js";
import { rounded } from "../harness/usage.js";

const CLIENTS_MAX = 1_000;

/** V8 compiles what is called often, and each of few operations that are far apart calls little. */
const WARM_UP_SECONDS = 10;

/** Many clients that know nothing of each other. */
export const clients: BenchTool = {
  name: "clients",
  summary: "identities with one operation outstanding each, every write signed for itself",
  options: [
    { name: "clients", fallback: "64", summary: "identities, all in this process" },
    ...setupOptions(WARM_UP_SECONDS),
  ],
  async run(input, note) {
    const clientCount = input.wholeNumber("clients", 1, CLIENTS_MAX);
    const setup = setupOf(input, clientCount);
    const times = timesOf(input);
    const { provider } = await loadCrypto(process.env);
    const cost = cryptoCost(provider);
    const limitPerSecond = signatureLimit(cost, setup.replicaCount);
    const rows: Figures[] = [];
    await withPrivateCluster(setup, note, async (cluster) => {
      const connected = [];
      for (let id = 0; id < clientCount; id += 1) connected.push(await cluster.connect(id));
      for (const kind of ["write", "read"] as const) {
        const row = await measureClosedLoop(cluster, connected, kind, clientCount, times);
        const share = Number(row["operationsPerSecond"]) / limitPerSecond;
        rows.push(kind === "write" ? { ...row, shareOfSignatureLimit: rounded(share) } : row);
      }
    });
    const settings = {
      ...(await settingsOf(setup, times)),
      signMicros: rounded(cost.signMicros),
      verifyMicros: rounded(cost.verifyMicros),
      signatureLimitPerSecond: Math.round(limitPerSecond),
    };
    return { settings, rows };
  },
};
