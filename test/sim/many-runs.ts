import { print, replayCommand } from "./command.js";
import type { Overrides } from "./options.js";
import { SECOND } from "./scheduler.js";
import type { SeedReport } from "./seed-worker.js";
import { runSeeds } from "./workers.js";

/** Which seeds to run, and how. */
interface ManyRuns {
  readonly from: number;
  readonly count: number;
  /** Processes at a time. */
  readonly jobs: number;
  /** Whether it goes on after a seed that fails. */
  readonly goesOn: boolean;
  readonly overrides: Overrides;
}

/** Runs many seeds and prints those that fail, in order, and totals. @returns the failed seeds. */
export async function runMany(order: ManyRuns): Promise<number[]> {
  const started = performance.now();
  const reports = await inOrder(order);
  const elapsed = (performance.now() - started) / 1_000;
  const failed = reports.filter(({ failure }) => failure !== null).map(({ seed }) => seed);
  const hours = sumOf(reports, ({ virtualTime }) => virtualTime) / SECOND / 3_600;
  print(
    `${reports.length} runs, ${failed.length} failed; ${hours.toFixed(2)} simulated hours, ` +
      `${sumOf(reports, ({ operations }) => operations)} operations, ` +
      `${(reports.length / elapsed).toFixed(1)} seeds a second`,
  );
  return failed;
}

function sumOf(reports: readonly SeedReport[], value: (report: SeedReport) => number): number {
  return reports.reduce((sum, report) => sum + value(report), 0);
}

/**
 * The reports of all seeds, ascending, up to the first that fails if that ends it. Seeds are dealt
 * out one by one, and what comes of them is told in their order, so the output does not depend on
 * the number of jobs.
 */
async function inOrder(order: ManyRuns): Promise<SeedReport[]> {
  const { from, count, jobs, goesOn, overrides } = order;
  const waiting = new Map<number, SeedReport>();
  const told: SeedReport[] = [];
  let isOver = false;
  const works = Array.from({ length: Math.min(jobs, count) }, (_, job) => {
    const share = { from: from + job, count: Math.ceil((count - job) / jobs), step: jobs };
    const more = { overrides, stopsAtFailure: !goesOn, plant: null, settingOnly: false };
    return runSeeds({ ...share, ...more }, (report) => {
      waiting.set(report.seed, report);
      tell();
    });
  });
  const tell = (): void => {
    for (;;) {
      const report = waiting.get(from + told.length);
      if (report === undefined || isOver) return;
      told.push(report);
      if (report.failure === null) continue;
      printFailure(report, overrides);
      isOver = !goesOn;
      if (isOver) for (const work of works) work.stop();
    }
  };
  await Promise.all(works.map(({ ended }) => ended));
  return told;
}

function printFailure({ seed, failure }: SeedReport, overrides: Overrides): void {
  print(`seed ${seed} FAILED: ${failure?.message ?? ""}`);
  if (failure !== null && failure.stack !== "") print(failure.stack);
  print(`replay it with: ${replayCommand(String(seed), overrides, null)} --trace`);
}
