import { setTimeout as delay } from "node:timers/promises";
import { FailedOperation } from "../../src/cli/failure.js";
import { FORGED_PER_SECOND } from "../harness/forger.js";
import { LoadMeter, Operations, closedLoop, openLoop } from "../harness/load.js";
import { measure, measureClosedLoop } from "../harness/measure-load.js";
import { type PrivateCluster, withPrivateCluster } from "../harness/private-cluster.js";
import { nextTimes, settingsOf, setupOptions, setupOf, timesOf } from "../harness/setup-options.js";
import type { BenchTool, Figures } from "../harness/tool.js";
import { rounded } from "../harness/usage.js";
import type { LoadTimes } from "../harness/measure-load.js";
import type { LedgerClient } from "../../src/io/ledger-client.js";

const SESSION_COUNT = 4;
const IN_FLIGHT_PEAK = 8_192;
const SEED = 11;
const SECONDS_MAX = 3_600;
const MS_PER_SECOND = 1_000;
const FLOODS_PER_TURN = 8;

/** What the system does with more than it can do. */
export const overload: BenchTool = {
  name: "overload",
  summary: "open loop at twice the capacity; then beside a client that floods, and one that forges",
  options: [
    { name: "overload-seconds", fallback: "60", summary: "how long the overload lasts" },
    { name: "factor", fallback: "2", summary: "offered rate in times of the capacity" },
    ...setupOptions(),
  ],
  async run(input, note) {
    const setup = setupOf(input, 2);
    const firstTimes = timesOf(input);
    const times = nextTimes(firstTimes);
    const overloadMs = MS_PER_SECOND * input.decimal("overload-seconds", 1, SECONDS_MAX);
    const factor = input.decimal("factor", 0.1, 100);
    const rows = await withPrivateCluster(setup, note, async (cluster) => {
      const clients = [];
      for (let count = 0; count < SESSION_COUNT; count += 1) clients.push(await cluster.connect());
      const peak = await measureClosedLoop(cluster, clients, "write", IN_FLIGHT_PEAK, firstTimes);
      note(`capacity: ${String(peak["operationsPerSecond"])}/s`);
      const rate = factor * Number(peak["operationsPerSecond"]);
      if (rate === 0)
        throw new FailedOperation("Nothing was done: there is no capacity to double.");
      const flooded = await underOverload(cluster, clients, rate, overloadMs, times);
      const goodput = Number(flooded["operationsPerSecond"]) / Number(peak["operationsPerSecond"]);
      const alone = await measureClosedLoop(cluster, clients, "write", IN_FLIGHT_PEAK, times);
      const beside = await besideFlood(cluster, clients, times);
      const aloneAgain = await measureClosedLoop(cluster, clients, "write", IN_FLIGHT_PEAK, times);
      const forged = await besideForgeries(cluster, clients, times);
      return [
        { phase: "capacity", ...peak },
        {
          phase: "overload",
          offeredPerSecond: Math.round(rate),
          goodputToPeak: rounded(goodput),
          ...flooded,
        },
        { phase: "alone", ...alone },
        { phase: "beside a flood", keptOfAlone: shareOf(beside, alone), ...beside },
        { phase: "alone again", ...aloneAgain },
        {
          phase: "beside forged signatures",
          forgedPerSecond: FORGED_PER_SECOND,
          keptOfAlone: shareOf(forged, aloneAgain),
          ...forged,
        },
      ];
    });
    const rowWarmUpMs = times.warmUpMs;
    const settings = { ...(await settingsOf(setup, firstTimes)), rowWarmUpMs, overloadMs, factor };
    return { settings, rows };
  },
};

async function underOverload(
  cluster: PrivateCluster,
  clients: readonly LedgerClient[],
  ratePerSecond: number,
  overloadMs: number,
  times: LoadTimes,
): Promise<Figures> {
  const operations = new Operations("write", cluster.setup.accountCount, SEED);
  const meter = new LoadMeter();
  const stop = openLoop(clients, ratePerSecond, operations, meter);
  const overload = { ...times, measuredMs: overloadMs };
  const figures = await measure(cluster, meter, stop, overload, { kind: "write" });
  return { ...figures, clientMemoryMiB: rounded(process.memoryUsage.rss() / 1024 / 1024) };
}

function shareOf(figures: Figures, base: Figures): number {
  return rounded(Number(figures["operationsPerSecond"]) / Number(base["operationsPerSecond"]));
}

/** Another identity sends requests whose signatures are wrong. */
async function besideForgeries(
  cluster: PrivateCluster,
  clients: readonly LedgerClient[],
  times: LoadTimes,
): Promise<Figures> {
  const stop = await cluster.forge(1);
  const row = await measureClosedLoop(cluster, clients, "write", IN_FLIGHT_PEAK, times);
  await stop();
  return row;
}

/** Another identity asks for as much as it can, one operation a request, in many sessions. */
async function besideFlood(
  cluster: PrivateCluster,
  clients: readonly LedgerClient[],
  times: LoadTimes,
): Promise<Figures> {
  const flooders = [];
  for (let count = 0; count < FLOODS_PER_TURN; count += 1) flooders.push(await cluster.connect(1));
  const operations = new Operations("write", cluster.setup.accountCount, SEED + 1);
  const stop = closedLoop(flooders, FLOODS_PER_TURN, operations, new LoadMeter());
  await delay(times.warmUpMs);
  const row = await measureClosedLoop(cluster, clients, "write", IN_FLIGHT_PEAK, times);
  await stop();
  return row;
}
