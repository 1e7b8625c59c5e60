import type { ReplicaId, Seq } from "../../core/base/ids.js";
import type { LoadClock } from "./load-clock.js";
import type { ObservedCluster } from "./measured-cluster.js";

/** Longest wait for a replica that came back. */
const WAIT_MICROS_MAX = 30_000_000;

/** Pause between two looks at it. */
const PAUSE_MICROS = 20_000;

const MICROS_PER_MS = 1_000;

/**
 * Waits until the database of a replica that came back at `sinceMicros` holds all batches up to
 * `seqMin`: what clients had been answered by then, and until it votes.
 * @returns the milliseconds it took from `sinceMicros`; null when it never did.
 */
export async function awaitCatchUp(
  cluster: ObservedCluster,
  replica: ReplicaId,
  seqMin: Seq,
  sinceMicros: number,
  clock: LoadClock,
  signal: AbortSignal,
): Promise<number | null> {
  const deadlineMicros = clock.nowMicros() + WAIT_MICROS_MAX;
  while (clock.nowMicros() < deadlineMicros) {
    const progress = await cluster.progress(replica);
    const isBack = progress?.state === "voting";
    if (isBack && progress.executed - progress.databaseLag >= seqMin) {
      return (clock.nowMicros() - sinceMicros) / MICROS_PER_MS;
    }
    await clock.sleepUntil(clock.nowMicros() + PAUSE_MICROS, signal);
  }
  return null;
}
