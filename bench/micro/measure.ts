import Benchmark from "benchmark";

/** One thing to measure. */
export interface MicroCase {
  readonly name: string;
  /** Does it once; what it returns, if it is a promise, is waited for. */
  readonly run: () => unknown;
}

/** Seconds that one case may take, warm-up included: a table of twenty is there within a minute. */
const SECONDS_PER_CASE = 2;

const NAME_WIDTH = 52;

/** Measures the cases one after another and prints a line for each: name, µs, relative error. */
export async function measure(title: string, cases: readonly MicroCase[]): Promise<void> {
  process.stdout.write(`${title}\n`);
  for (const microCase of cases) process.stdout.write(`${await lineOf(microCase)}\n`);
}

function lineOf({ name, run }: MicroCase): Promise<string> {
  const isAsync = run() instanceof Promise;
  return new Promise((resolve, reject) => {
    const benchmark = new Benchmark(name, {
      maxTime: SECONDS_PER_CASE,
      defer: isAsync,
      fn: isAsync ? deferred(run, reject) : run,
      onError: () => {
        reject(new Error(`${name}: ${String(benchmark.error)}`));
      },
      onComplete: () => {
        const { mean, rme } = benchmark.stats;
        const microseconds = (mean * 1e6).toFixed(2).padStart(12);
        resolve(`  ${name.padEnd(NAME_WIDTH)}${microseconds} µs  ± ${rme.toFixed(1)} %`);
      },
    });
    benchmark.run({ async: true });
  });
}

function deferred(
  run: () => unknown,
  reject: (cause: unknown) => void,
): (call: { resolve: () => void }) => void {
  return (call) => {
    Promise.resolve(run()).then(() => call.resolve(), reject);
  };
}
