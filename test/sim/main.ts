/*
 * The simulator's command line. Nothing of the product is imported before it is known whether a bug
 * is to be planted in it, so what runs seeds is imported last.
 */
import { parseArgs } from "node:util";
import type { AmbushName } from "./ambushes.js";
import type { Changes } from "./changes.js";
import { print } from "./command.js";
import type { Overrides } from "./options.js";
import { printHunt } from "./planted/hunt.js";
import { grow } from "./planted/plant.js";
import { PLANTS } from "./planted/plants.js";

const HELP = `Runs the product's replicas and clients in a world that is drawn from a seed.

    npm run sim -- SEED                     one run; any word or git hash is a seed
    npm run sim -- SEED --trace             with its story, line by line
    npm run sim -- SEED --shrink            if it fails: what is the least that it takes
    npm run sim -- --runs 5000 --from 1     many runs, until one fails
    npm run sim -- --planted [NAME ...]     bugs are planted; how many seeds does it take to see it
    npm run sim -- SEED --plant NAME        one run with one of them

  --n COUNT        with so many replicas
  --ambush NAME    in which all comes together that one mistake needs to do harm; see ambushes.ts
  --with JSON      other values than drawn: '{"network":{"lossShare":0},"byzantine":[]}'
  --trace          prints what every replica and client does
  --shrink         switches off, leaves out and halves what the failure does not need
  --runs COUNT     runs so many seeds: --from S (default 1) and those after it
  --jobs COUNT     in so many processes (default 1); the output is the same
  --keep-going     does not stop at a seed that fails
  --planted        plants one bug after another, those whose names hold a NAME, or all
  --within COUNT   seeds that may be run for each (default 10000)
  --markdown       prints the table of bugs as planted/TABLE.md has it
  --plant NAME     the name of one bug
  --help           this text`;

/** The number that an option says. @throws Error when it is none. */
function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`--${name} takes a number, not ${text}`);
}

/** What the options of the command line say in place of the seed. */
interface Asked {
  readonly n?: string | undefined;
  readonly ambush?: string | undefined;
  readonly with?: string | undefined;
}

function overridesOf({ n, ambush, with: changes }: Asked): Overrides {
  return {
    ...(n === undefined ? {} : { replicaCount: numberOf("n", n) }),
    ...(ambush === undefined ? {} : { ambush: ambush as AmbushName }),
    ...(changes === undefined ? {} : { changes: JSON.parse(changes) as Changes }),
  };
}

/** @returns whether all went well. */
async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runs: { type: "string" },
      from: { type: "string", default: "1" },
      jobs: { type: "string", default: "1" },
      n: { type: "string" },
      ambush: { type: "string" },
      with: { type: "string" },
      trace: { type: "boolean", default: false },
      shrink: { type: "boolean", default: false },
      "keep-going": { type: "boolean", default: false },
      planted: { type: "boolean", default: false },
      within: { type: "string", default: "10000" },
      markdown: { type: "boolean", default: false },
      plant: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    print(HELP);
    return true;
  }
  const from = numberOf("from", values.from);
  const jobs = Math.max(1, numberOf("jobs", values.jobs));
  if (values.planted) {
    const plants = PLANTS.filter(({ name }) => isAsked(name, positionals));
    const within = numberOf("within", values.within);
    const ground = { from, within, overrides: overridesOf(values) };
    return printHunt(plants, { ...ground, jobs, isMarkdown: values.markdown });
  }
  const overrides = overridesOf(values);
  if (values.runs !== undefined) {
    const count = numberOf("runs", values.runs);
    const { runMany } = await import("./many-runs.js");
    const order = { from, count, jobs, overrides, goesOn: values["keep-going"] };
    return (await runMany(order)).length === 0;
  }
  const plant = values.plant ?? null;
  if (plant !== null) grow(plantOf(plant), false);
  const { runOne } = await import("./one-run.js");
  const seed = positionals[0] ?? "1";
  return runOne({ seed, overrides, plant, isTold: values.trace, isShrunk: values.shrink });
}

function isAsked(name: string, words: readonly string[]): boolean {
  return words.length === 0 || words.some((word) => name.includes(word));
}

function plantOf(name: string) {
  const plant = PLANTS.find((one) => one.name === name);
  if (plant !== undefined) return plant;
  throw new Error(
    `there is no plant "${name}"; there are:\n${PLANTS.map((one) => one.name).join("\n")}`,
  );
}

try {
  if (!(await main())) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
