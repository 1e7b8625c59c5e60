import { setTimeout as delay } from "node:timers/promises";
import type { BulkKind } from "../../src/cli/bench/closed-loop.js";
import { LoadMeter, Operations, closedLoop } from "./load.js";
import type { PrivateCluster } from "./private-cluster.js";
import type { Figures } from "./tool.js";
import { usageFigures, usageNow } from "./usage.js";
import type { LedgerClient } from "../../src/io/ledger-client.js";

/** How long a load runs before it is measured, and how long it is. */
export interface LoadTimes {
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

const SEED = 7;

/** Measures a closed loop of `inFlight` operations over `clients`. */
export async function measureClosedLoop(
  cluster: PrivateCluster,
  clients: readonly LedgerClient[],
  kind: BulkKind,
  inFlight: number,
  times: LoadTimes,
): Promise<Figures> {
  const operations = new Operations(kind, cluster.setup.accountCount, SEED);
  const meter = new LoadMeter();
  const stop = closedLoop(clients, inFlight, operations, meter);
  return measure(cluster, meter, stop, times, { kind, inFlight });
}

/** Lets a load that runs already run for `times`, then stops it. */
export async function measure(
  cluster: PrivateCluster,
  meter: LoadMeter,
  stop: () => Promise<void>,
  times: LoadTimes,
  labels: Figures,
): Promise<Figures> {
  await delay(times.warmUpMs);
  const before = await usageNow(cluster);
  meter.open();
  await delay(times.measuredMs);
  meter.close();
  const after = await usageNow(cluster);
  await stop();
  return { ...labels, ...meter.figures(), ...usageFigures(before, after, meter.doneCount) };
}
