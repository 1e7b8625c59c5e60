import { renderTable } from "../../../src/cli/table.js";
import { print } from "../command.js";
import type { Overrides } from "../options.js";
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

/** Which seeds, and what is decided in their place. */
interface Ground {
  readonly from: number;
  readonly within: number;
  readonly overrides: Overrides;
}

/** Runs seeds with `plant` until one fails, then that seed without it, which must pass. */
export async function hunt(plant: Plant, ground: Ground): Promise<Found> {
  const last = await lastReport(plant, false, ground);
  const failure = last?.failure ?? null;
  if (last === null || failure === null) {
    return { plant, seeds: null, caughtBy: "", message: "", accident: null };
  }
  const control = await lastReport(plant, true, { ...ground, from: last.seed, within: 1 });
  const { breach, message, stack } = failure;
  const caughtBy = stack === "" ? breach : `an assertion: ${message}`;
  const accident = control?.failure?.message ?? null;
  return { plant, seeds: last.seed - ground.from + 1, caughtBy, message, accident };
}

async function lastReport(
  plant: Plant,
  settingOnly: boolean,
  { from, within, overrides }: Ground,
): Promise<SeedReport | null> {
  const reports: SeedReport[] = [];
  const seeds = { from, count: within, step: 1, overrides };
  await runSeeds({ ...seeds, stopsAtFailure: true, plant, settingOnly }, (report) => {
    reports[0] = report;
  }).ended;
  return reports[0] ?? null;
}

/** Where to hunt, for how many plants at a time, and how to show what came of it. */
interface HuntOptions extends Ground {
  readonly jobs: number;
  readonly isMarkdown: boolean;
}

/** Hunts for each of `plants` and prints a table. @returns whether all were found. */
export async function printHunt(
  plants: readonly Plant[],
  { jobs, isMarkdown, ...ground }: HuntOptions,
): Promise<boolean> {
  const found = new Map<Plant, Found>();
  const waiting = [...plants];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const one = await hunt(next, ground);
      found.set(next, one);
      print(`${next.name}: ${one.seeds === null ? "NOT FOUND" : `${one.seeds}: ${one.message}`}`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  const rows = plants.flatMap((plant) => found.get(plant) ?? []).map(rowOf);
  print(isMarkdown ? markdownTable(HEADINGS, rows) : renderTable(HEADINGS, rows));
  const missed = rows.filter(([, , seeds]) => seeds === MISSED || seeds === ACCIDENT).length;
  print(`${rows.length - missed} of ${rows.length} found within ${ground.within} seeds`);
  return missed === 0 && rows.length > 0;
}

const HEADINGS = ["planted bug", "breaks", "seeds", "caught by"];

function markdownTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings, headings.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const MISSED = "not found";
const ACCIDENT = "by accident";

function rowOf({ plant, seeds, caughtBy, accident }: Found): readonly string[] {
  const count = accident === null ? String(seeds ?? MISSED) : ACCIDENT;
  return [plant.name, plant.rule, count, caughtBy];
}
