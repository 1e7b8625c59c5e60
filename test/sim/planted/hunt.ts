import { renderTable } from "../../../src/cli/table.js";
import { print } from "../command.js";
import type { SeedReport } from "../seed-worker.js";
import { runSeeds } from "../workers.js";
import type { Plant } from "./plant.js";

/** What became of one plant. */
interface Found {
  readonly plant: Plant;
  /** Seeds run until one failed, that one included; null when none did. */
  readonly seeds: number | null;
  /** What the seed broke; empty when none did. */
  readonly caughtBy: string;
  readonly message: string;
  /** Why the seed does not count: it fails without the plant too. */
  readonly accident: string | null;
}

/** Runs seeds with `plant` until one fails, then that seed without it, which must pass. */
export async function hunt(plant: Plant, from: number, within: number): Promise<Found> {
  const last = await lastReport(plant, false, from, within);
  const failure = last?.failure ?? null;
  if (last === null || failure === null) {
    return { plant, seeds: null, caughtBy: "", message: "", accident: null };
  }
  const control = await lastReport(plant, true, last.seed, 1);
  const { breach, message } = failure;
  const accident = control?.failure?.message ?? null;
  return { plant, seeds: last.seed - from + 1, caughtBy: breach, message, accident };
}

async function lastReport(
  plant: Plant,
  settingOnly: boolean,
  from: number,
  count: number,
): Promise<SeedReport | null> {
  const reports: SeedReport[] = [];
  const order = { from, count, step: 1, overrides: {}, stopsAtFailure: true, plant, settingOnly };
  await runSeeds(order, (report) => {
    reports[0] = report;
  }).ended;
  return reports[0] ?? null;
}

/** Which seeds, and how many plants at a time. */
interface HuntOptions {
  readonly from: number;
  readonly within: number;
  readonly jobs: number;
}

/** Hunts for each of `plants` and prints a table. @returns whether all were found. */
export async function printHunt(
  plants: readonly Plant[],
  { from, within, jobs }: HuntOptions,
): Promise<boolean> {
  const found = new Map<Plant, Found>();
  const waiting = [...plants];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const one = await hunt(next, from, within);
      found.set(next, one);
      print(`${next.name}: ${one.seeds === null ? "NOT FOUND" : `${one.seeds}: ${one.message}`}`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  const rows = plants.flatMap((plant) => found.get(plant) ?? []).map(rowOf);
  print(renderTable(["planted bug", "breaks", "seeds", "caught by"], rows));
  const missed = rows.filter(([, , seeds]) => seeds === MISSED || seeds === ACCIDENT).length;
  print(`${rows.length - missed} of ${rows.length} found within ${within} seeds`);
  return missed === 0 && rows.length > 0;
}

const MISSED = "not found";
const ACCIDENT = "by accident";

function rowOf({ plant, seeds, caughtBy, accident }: Found): readonly string[] {
  const count = accident === null ? String(seeds ?? MISSED) : ACCIDENT;
  return [plant.name, plant.rule, count, caughtBy];
}
