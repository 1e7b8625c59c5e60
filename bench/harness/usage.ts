import type { ReplicaStatus } from "../../src/io/replica-status.js";
import type { PrivateCluster } from "./private-cluster.js";
import type { Figures } from "./tool.js";

/** What all processes had used at one moment. */
interface Usage {
  readonly atMs: number;
  readonly clientMicros: number;
  readonly replicas: readonly ReplicaStatus[];
}

const MICROS_PER_MS = 1_000;
const BYTES_PER_MIB = 1024 * 1024;

/** Reads the meters of this process and of all replicas. */
export async function usageNow(cluster: PrivateCluster): Promise<Usage> {
  const replicas = await cluster.statuses();
  const { user, system } = process.cpuUsage();
  return { atMs: performance.now(), clientMicros: user + system, replicas };
}

/** Processor time of this process and all replicas for each of `operations`, in microseconds. */
export function microsPerOperation(before: Usage, after: Usage, operations: number): number {
  const clientMicros = after.clientMicros - before.clientMicros;
  return (clientMicros + sumOf(after, "cpuMicros") - sumOf(before, "cpuMicros")) / operations;
}

/** What `operations` operations took of the processors between two readings. */
export function usageFigures(before: Usage, after: Usage, operations: number): Figures {
  const clientMicros = after.clientMicros - before.clientMicros;
  const replicaMicros = sumOf(after, "cpuMicros") - sumOf(before, "cpuMicros");
  const durationMicros = (after.atMs - before.atMs) * MICROS_PER_MS;
  const count = after.replicas.length;
  const batches = (sumOf(after, "batches") - sumOf(before, "batches")) / count;
  const datagrams = sumOf(after, "datagramsSent") - sumOf(before, "datagramsSent");
  return {
    clientMicrosPerOperation: rounded(clientMicros / operations),
    replicaMicrosPerOperation: rounded(replicaMicros / count / operations),
    microsPerOperation: rounded(microsPerOperation(before, after, operations)),
    coresUsed: rounded((clientMicros + replicaMicros) / durationMicros),
    operationsPerBatch: batches === 0 ? 0 : rounded(operations / batches),
    datagramsPerOperation: rounded(datagrams / operations),
    eventLoopDelayP99Ms: rounded(maxOf(after, "eventLoopDelayP99Ms")),
    longestTurnMs: rounded(maxOf(after, "longestTurnMs")),
    longestTurnCpuMs: longestCpuMsOf(after),
    replicaMemoryMiB: rounded(maxOf(after, "memoryBytes") / BYTES_PER_MIB),
    viewChanges: maxOf(after, "viewChanges") - maxOf(before, "viewChanges"),
  };
}

type Meter =
  | "cpuMicros"
  | "batches"
  | "datagramsSent"
  | "eventLoopDelayP99Ms"
  | "longestTurnMs"
  | "memoryBytes"
  | "viewChanges";

function longestCpuMsOf({ replicas }: Usage): number | string {
  const known = replicas.map((status) => status.longestTurnCpuMs).filter((ms) => ms !== null);
  return known.length === 0 ? "unknown" : rounded(Math.max(...known));
}

function sumOf({ replicas }: Usage, meter: Meter): number {
  return replicas.reduce((sum, status) => sum + status[meter], 0);
}

function maxOf({ replicas }: Usage, meter: Meter): number {
  return Math.max(...replicas.map((status) => status[meter]));
}

/** Three significant digits, or whole numbers: more is noise. */
export function rounded(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
