import type { PartitionReport } from "./partitions.js";
import type { PassReport } from "./row-report.js";
import { windowOf } from "./timeline.js";

const MS_PER_SECOND = 1_000;

/** What clients got while a replica that had been away caught up. */
interface CatchUpCost {
  readonly opsPerSecond: number;
  /** The slowest operation that ended meanwhile, in milliseconds. */
  readonly maxMs: number;
  /** Operations per second while no replica was away or catching up; null when one always was. */
  readonly undisturbedOpsPerSecond: number | null;
}

/** Null when it never caught up, or only after the row's last operation. */
export function catchUpCost(pass: PassReport, partition: PartitionReport): CatchUpCost | null {
  const { healedMs, catchUpMs } = partition;
  if (catchUpMs === null || healedMs >= pass.durationMs) return null;
  const endMs = Math.min(healedMs + catchUpMs, pass.durationMs);
  const { opsPerSecond, maxMs } = windowOf(pass.timeline, healedMs, endMs);
  return { opsPerSecond, maxMs, undisturbedOpsPerSecond: undisturbedRate(pass) };
}

function undisturbedRate({ timeline, partitions, durationMs }: PassReport): number | null {
  const { intervalMs, counts } = timeline;
  let [count, calmMs] = [0, 0];
  for (const [index, each] of counts.entries()) {
    const atMs = index * intervalMs;
    if (atMs + intervalMs > durationMs || partitions.some((one) => disturbs(one, atMs))) continue;
    count += each;
    calmMs += intervalMs;
  }
  return calmMs === 0 ? null : (count * MS_PER_SECOND) / calmMs;
}

function disturbs({ cutOffMs, healedMs, catchUpMs }: PartitionReport, atMs: number): boolean {
  return atMs >= cutOffMs && atMs <= healedMs + (catchUpMs ?? Infinity);
}
