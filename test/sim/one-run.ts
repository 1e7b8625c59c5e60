import { print, replayCommand } from "./command.js";
import { merged } from "./changes.js";
import { describeOptions, drawOptions, type Overrides } from "./options.js";
import { assertGrown } from "./planted/plant.js";
import { SECOND } from "./scheduler.js";
import { shrink } from "./shrink.js";
import { type RunResult, simulate } from "./simulation.js";

/** A run, and how much of it to show. */
interface OneRun {
  readonly seed: string;
  readonly overrides: Overrides;
  /** What this process has planted; null: nothing. */
  readonly plant: string | null;
  readonly isTold: boolean;
  readonly isShrunk: boolean;
}

/** Most runs that shrinking may take. */
const SHRINK_RUNS_MAX = 1_000;

/** Runs one seed and prints what came of it. @returns whether it passed. */
export function runOne({ seed, overrides, plant, isTold, isShrunk }: OneRun): boolean {
  const options = drawOptions(seed, overrides);
  assertGrown();
  for (const line of describeOptions(options)) print(line);
  const result = simulate(options, isTold ? print : null);
  print(summary(result));
  const { failure } = result;
  if (failure === null) {
    print(`seed ${seed} passed`);
    return true;
  }
  print(`seed ${seed} FAILED: ${failure.message}`);
  if (failure.name !== "Violation") print(failure.stack ?? "");
  if (isShrunk) printShrunk(seed, overrides, plant);
  else print(`replay it with: ${replayCommand(seed, overrides, plant)} --trace`);
  return false;
}

function printShrunk(seed: string, overrides: Overrides, plant: string | null): void {
  const options = drawOptions(seed, overrides);
  const { changes, tried } = shrink(options, SHRINK_RUNS_MAX);
  const smallest: Overrides = { ...overrides, changes: merged(overrides.changes ?? {}, changes) };
  print("");
  print(`smallest of ${tried} runs that fail alike:`);
  for (const line of describeOptions(drawOptions(seed, smallest))) print(line);
  print(`replay it with: ${replayCommand(seed, smallest, plant)} --trace`);
}

function summary(result: RunResult): string {
  const seconds = (result.virtualTime / SECOND).toFixed(1);
  return (
    `${seconds} s of virtual time, ${result.events} events, ${result.datagrams} datagrams, ` +
    `${result.batches} batches, ${result.operations} operations, trace ${result.hash}`
  );
}
