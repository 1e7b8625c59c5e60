/* Tortures clusters of real replica processes under load and checks what their clients see. */
import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DURABILITIES } from "../../src/io/config-schema.js";
import { runCampaign } from "./campaign.js";
import { FAULT_KINDS } from "./plan.js";
import { embeddedDatabases, ownDatabaseServer } from "./tortured-database.js";
import { sumOf, tallyText } from "./tally.js";

const USAGE = `Usage: npm run torture -- [options]

  npm run torture -- --cycles 2000             from a fresh seed, which is printed
  npm run torture -- --cycles 50 --seed 42     the same faults again
  npm run torture -- --replicas 7              larger clusters (default 4)
  npm run torture -- --per-cluster 20          a new cluster after so many cycles (default 100)
  npm run torture -- --store mariadb           against a MariaDB that is killed and paused too
  npm run torture -- --faults kill,pause       only some of ${FAULT_KINDS.join(", ")}
  npm run torture -- --durability none         a cluster that forgets: must fail
  npm run torture -- --verbose                 what happens, line by line`;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function refuse(sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(2);
}

/** What was asked for; refuses what is no option. */
function optionsOf(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return refuse(`${error.message}\n\n${USAGE}`);
  }
}

const OPTIONS = {
  cycles: { type: "string", default: "100" },
  seed: { type: "string", default: randomInt(2 ** 32).toString() },
  replicas: { type: "string", default: "4" },
  durability: { type: "string", default: "fsync" },
  store: { type: "string", default: "sqlite" },
  faults: { type: "string", default: "" },
  "per-cluster": { type: "string", default: "100" },
  verbose: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

const values = optionsOf(process.argv.slice(2));
if (values.help) {
  print(USAGE);
  process.exit(0);
}

function wholeNumber(name: "cycles" | "replicas" | "per-cluster", min: number): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= min) return value;
  return refuse(`--${name} must be a whole number from ${min} on, not "${values[name]}"`);
}

const durability =
  DURABILITIES.find((each) => each === values.durability) ??
  refuse(`--durability must be one of ${DURABILITIES.join(", ")}, not "${values.durability}"`);
const isServer = values.store === "mariadb";
if (!isServer && values.store !== "sqlite") {
  refuse(`--store must be sqlite or mariadb, not "${values.store}"`);
}
const possible = FAULT_KINDS.filter((kind) => isServer || !kind.startsWith("database-"));
const names = values.faults === "" ? possible : values.faults.split(",");
const faults = names.map((name) => {
  const kind = possible.find((each) => each === name);
  return kind ?? refuse(`--faults takes some of ${possible.join(",")}, not "${name}"`);
});
const database =
  (isServer ? await ownDatabaseServer() : embeddedDatabases) ??
  refuse("There is no MariaDB here: apt-get install mariadb-server, or leave --store out");
const cycles = wholeNumber("cycles", 1);
const dir = mkdtempSync(join(tmpdir(), "pbft-torture-"));

/** A line of progress at least this often. */
const PROGRESS_MS = 10_000;
let progressMs = 0;

const ending = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ending.abort());

print(`seed ${values.seed}`);
const { tally, elapsedMs, violation } = await runCampaign({
  ...{ seed: values.seed, cycles, durability, database, faults, dir, patienceMs: 90_000 },
  replicaCount: wholeNumber("replicas", 4),
  cyclesPerCluster: wholeNumber("per-cluster", 1),
  signal: ending.signal,
  note: (line) => {
    const isDue = performance.now() - progressMs > PROGRESS_MS;
    if (isDue) progressMs = performance.now();
    if (isDue || values.verbose) process.stderr.write(`${line}\n`);
  },
});
await database.close();
print(tallyText(tally, elapsedMs));
if (violation === null) {
  rmSync(dir, { recursive: true, force: true });
  print(`seed ${values.seed}: zero violations in ${sumOf(tally.faults)} cycles`);
} else {
  print(`VIOLATION: ${violation}`);
  process.exitCode = 1;
}
