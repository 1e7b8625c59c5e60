import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { SeedOrder, SeedReport } from "./seed-worker.js";

const WORKER = fileURLToPath(new URL("./seed-worker.js", import.meta.url));

/**
 * Runs make garbage all the time and keep little: with room for it, less is looked at again. The
 * numbers are megabytes; larger ones save nothing more.
 */
const HEAP_OPTIONS = ["--min-semi-space-size=16", "--max-semi-space-size=64"];

/** A worker that was started. */
interface SeedWork {
  /** Done when the worker has ended. Rejects when it ended in a way that it should not. */
  readonly ended: Promise<void>;
  /** Ends the worker early. */
  stop(): void;
}

/** Lets a process of its own run seeds; `onReport` takes what comes of each, in order. */
export function runSeeds(order: SeedOrder, onReport: (report: SeedReport) => void): SeedWork {
  const child = fork(WORKER, { execArgv: HEAP_OPTIONS });
  let isStopped = false;
  child.on("message", (report) => {
    if (!isStopped) onReport(report as SeedReport);
  });
  child.send(order);
  const ended = once(child, "close").then(([code]) => {
    if (isStopped || code === 0) return;
    throw new Error(`a process that ran seeds from ${order.from} on ended with ${String(code)}`);
  });
  return {
    ended,
    stop: () => {
      isStopped = true;
      child.kill("SIGKILL");
    },
  };
}
