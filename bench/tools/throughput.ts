import type { BulkKind } from "../../src/cli/bench/closed-loop.js";
import { measureClosedLoop } from "../harness/measure-load.js";
import { withPrivateCluster } from "../harness/private-cluster.js";
import {
  nextTimes,
  numbersOf,
  settingsOf,
  setupOptions,
  setupOf,
  timesOf,
} from "../harness/setup-options.js";
import type { BenchTool, Figures } from "../harness/tool.js";

const SESSIONS_MAX = 32;

/** The throughput-latency curve of one client process. */
export const throughput: BenchTool = {
  name: "throughput",
  summary: "closed loop: rate and latency by operations in flight, reads and writes apart",
  options: [
    { name: "in-flight", fallback: "1,8,64,512,4096,16384", summary: "operations outstanding" },
    { name: "kinds", fallback: "write,read", summary: "write, read or both" },
    { name: "sessions", fallback: "4", summary: "sessions that share them" },
    ...setupOptions(),
  ],
  async run(input, note) {
    const setup = setupOf(input);
    const times = timesOf(input);
    const sessionCount = input.wholeNumber("sessions", 1, SESSIONS_MAX);
    const kinds = (input.text("kinds") ?? "").split(",") as BulkKind[];
    const loads = numbersOf(input, "in-flight");
    const rows: Figures[] = [];
    await withPrivateCluster(setup, note, async (cluster) => {
      const clients = [];
      for (let count = 0; count < sessionCount; count += 1) clients.push(await cluster.connect());
      for (const kind of kinds) {
        // V8 compiles by what is done, so where most is done.
        const warmUp = { warmUpMs: times.warmUpMs, measuredMs: 0 };
        await measureClosedLoop(cluster, clients, kind, Math.max(...loads), warmUp);
        for (const inFlight of loads) {
          const row = await measureClosedLoop(cluster, clients, kind, inFlight, nextTimes(times));
          note(`${kind}, ${inFlight} in flight: ${String(row["operationsPerSecond"])}/s`);
          rows.push(row);
        }
      }
    });
    const payload = "deposits and moves of 10 to 36 bytes; gets of 13";
    const rowWarmUpMs = nextTimes(times).warmUpMs;
    const settings = { ...(await settingsOf(setup, times)), rowWarmUpMs, sessionCount, payload };
    return { settings, rows };
  },
};
