import type { Overrides } from "./options.js";

/** Writes one line. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** The command that runs a seed again, with the same overrides and the same plant (null: none). */
export function replayCommand(seed: string, overrides: Overrides, plant: string | null): string {
  const { replicaCount, ambush, changes } = overrides;
  const words = [`npm run sim -- ${seed}`];
  if (replicaCount !== undefined) words.push(`--n ${replicaCount}`);
  if (ambush !== undefined) words.push(`--ambush ${ambush}`);
  if (changes !== undefined) words.push(`--with '${JSON.stringify(changes)}'`);
  if (plant !== null) words.push(`--plant "${plant}"`);
  return words.join(" ");
}
