import Benchmark from "benchmark";

/** One thing to measure. */
export interface MicroCase {
  readonly name: string;
  /** Does it once; what it returns, if it is a promise, is waited for. */
  readonly run: () => unknown;
  /** How many things `run` does; 1 if left out. Figures are for one of them. */
  readonly count?: number;
}

/** Cases that belong together; `close` is called when all are measured. */
export interface MicroSuite {
  readonly title: string;
  readonly cases: readonly MicroCase[];
  readonly close?: () => Promise<void>;
}

/** The figures of one case. */
export interface MicroFigures {
  readonly [name: string]: number | string;
  readonly suite: string;
  readonly case: string;
  readonly micros: number;
  readonly relativeErrorPercent: number;
}

/** Seconds that one case may take, warm-up included: a table of twenty is there within a minute. */
const SECONDS_PER_CASE = 2;

const MICROS_PER_SECOND = 1e6;

/** Measures the cases of a suite one after another. */
export async function measureSuite(suite: MicroSuite): Promise<MicroFigures[]> {
  const rows: MicroFigures[] = [];
  for (const microCase of suite.cases) rows.push(await figuresOf(suite.title, microCase));
  await suite.close?.();
  return rows;
}

function figuresOf(suite: string, { name, run, count = 1 }: MicroCase): Promise<MicroFigures> {
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
        const micros = Number(((mean * MICROS_PER_SECOND) / count).toPrecision(3));
        resolve({ suite, case: name, micros, relativeErrorPercent: Number(rme.toFixed(1)) });
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
