/*
 * Runs the simulator:
 *
 *     npm run sim -- 42                      one run from its seed, any word or a git hash
 *     npm run sim -- --runs 5000 --from 1    many runs, until one fails
 *     npm run sim -- 42 --trace              the story of a run
 *     npm run sim -- 42 --n 7                with so many replicas
 */
import { parseArgs } from "node:util";
import { describeOptions, drawOptions, type Overrides } from "./options.js";
import { SECOND } from "./scheduler.js";
import { type RunResult, simulate } from "./simulation.js";

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function summary(result: RunResult): string {
  const seconds = (result.virtualTime / SECOND).toFixed(1);
  return (
    `${seconds} s of virtual time, ${result.events} events, ${result.datagrams} datagrams, ` +
    `${result.batches} batches, ${result.operations} operations, trace ${result.hash}`
  );
}

function fail(seed: string, overrides: Overrides, failure: Error): void {
  process.exitCode = 1;
  const n = overrides.replicaCount === undefined ? "" : ` --n ${overrides.replicaCount}`;
  print(`seed ${seed} FAILED: ${failure.message}`);
  if (failure.name !== "Violation") print(failure.stack ?? "");
  print(`replay it with: npm run sim -- ${seed}${n} --trace`);
}

function runOne(seed: string, overrides: Overrides, isTold: boolean): void {
  const options = drawOptions(seed, overrides);
  for (const line of describeOptions(options)) print(line);
  const result = simulate(options, isTold ? print : null);
  print(summary(result));
  if (result.failure === null) print(`seed ${seed} passed`);
  else fail(seed, overrides, result.failure);
}

function runMany(from: number, count: number, overrides: Overrides, goesOn: boolean): void {
  const started = performance.now();
  const totals = { runs: 0, virtualTime: 0, operations: 0, failures: 0 };
  for (let seed = from; seed < from + count; seed += 1) {
    const result = simulate(drawOptions(String(seed), overrides));
    totals.runs += 1;
    totals.virtualTime += result.virtualTime;
    totals.operations += result.operations;
    if (result.failure === null) continue;
    totals.failures += 1;
    fail(String(seed), overrides, result.failure);
    if (!goesOn) break;
  }
  const elapsed = (performance.now() - started) / 1_000;
  const hours = totals.virtualTime / SECOND / 3_600;
  print(
    `${totals.runs} runs, ${totals.failures} failed; ${hours.toFixed(2)} simulated hours, ` +
      `${totals.operations} operations, ${(totals.runs / elapsed).toFixed(1)} seeds a second`,
  );
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string" },
    from: { type: "string", default: "1" },
    n: { type: "string" },
    trace: { type: "boolean", default: false },
    "keep-going": { type: "boolean", default: false },
  },
});
const overrides: Overrides = values.n === undefined ? {} : { replicaCount: Number(values.n) };
if (values.runs !== undefined) {
  runMany(Number(values.from), Number(values.runs), overrides, values["keep-going"]);
} else runOne(positionals[0] ?? "1", overrides, values.trace);
