/*
 * A process that runs seeds for another one, with a plant if asked. Nothing of the product may be
 * imported before the plant is in, so the simulator is imported last.
 */
import type { Overrides } from "./options.js";
import { assertGrown, grow, type Plant } from "./planted/plant.js";

/** What a worker is asked to do. */
export interface SeedOrder {
  /** The first seed, and how many of them, each `step` above the one before. */
  readonly from: number;
  readonly count: number;
  readonly step: number;
  readonly overrides: Overrides;
  /** Whether it ends with the first seed that fails. */
  readonly stopsAtFailure: boolean;
  /** What is planted, and whether only its setting is; null: the product as it is. */
  readonly plant: Plant | null;
  readonly settingOnly: boolean;
}

/** What came of one seed. */
export interface SeedReport {
  readonly seed: number;
  readonly virtualTime: number;
  readonly operations: number;
  readonly failure: SeedFailure | null;
}

/** Why a seed failed. */
export interface SeedFailure {
  /** The promise that was broken, or the name of the error. */
  readonly breach: string;
  readonly message: string;
  /** Where an error came from that is not the word of a checker. */
  readonly stack: string;
}

async function work(order: SeedOrder): Promise<void> {
  if (order.plant !== null) grow(order.plant, order.settingOnly);
  const { drawOptions } = await import("./options.js");
  const { simulate } = await import("./simulation.js");
  assertGrown();
  for (let index = 0; index < order.count; index += 1) {
    const seed = order.from + index * order.step;
    const result = simulate(drawOptions(String(seed), order.overrides));
    const { virtualTime, operations } = result;
    const failure = result.failure === null ? null : failureOf(result.failure);
    await send({ seed, virtualTime, operations, failure });
    if (failure !== null && order.stopsAtFailure) break;
  }
}

function failureOf(error: Error): SeedFailure {
  const isVerdict = "breach" in error;
  const breach = isVerdict ? String(error.breach) : error.name;
  return { breach, message: error.message, stack: isVerdict ? "" : (error.stack ?? "") };
}

function send(report: SeedReport): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(report, () => {
      resolve();
    });
  });
}

process.once("message", (order) => {
  work(order as SeedOrder).then(
    () => {
      process.disconnect();
    },
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
// Whoever asked is gone.
process.once("disconnect", () => {
  process.exit();
});
