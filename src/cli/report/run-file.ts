import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../../io/config-error.js";
import { parseFile } from "../../io/config-schema.js";
import { z } from "../../io/schema-library.js";
import { RUN_FORMAT, RUN_VERSION } from "../bench/bench-report.js";
import type { BenchReport } from "../bench/bench-report.js";

/** Name of a run's figures in its folder. */
export const RUN_FILE = "run.json";

/** More than any run of ours writes; a mistaken path must not fill the memory. */
const RUN_BYTES_MAX = 256 * 1024 * 1024;

const number = z.custom<number>(Number.isFinite, { error: "a number" });
const text = z.custom<string>((value) => typeof value === "string", { error: "a text" });
const flag = z.custom<boolean>((value) => typeof value === "boolean", { error: "true or false" });
const kind = z.custom<"read-only" | "read-write">(
  (value) => value === "read-only" || value === "read-write",
  { error: '"read-only" or "read-write"' },
);
/** These become parts of paths when figures are written again: they must be mere names. */
const fileName = z.custom<string>(
  (value) => typeof value === "string" && /^[\w-]{1,80}\.hgrm$/.test(value),
  { error: "the name of an .hgrm file" },
);

const latency = z.object({
  count: number,
  meanMs: number,
  p50Ms: number,
  p90Ms: number,
  p99Ms: number,
  p999Ms: number,
  maxMs: number,
});

const distribution = {
  latency,
  curve: z.array(z.object({ percentile: number, latencyMs: number })),
  histogram: z.array(z.object({ fromMs: number, toMs: number, count: number })),
  percentileFile: fileName,
};

const partition = z.object({
  replica: number,
  view: number,
  wasPrimary: flag,
  cutOffAt: number,
  healedAt: number,
  cutOffMs: number,
  healedMs: number,
  catchUpMs: z.nullable(number),
});

const pass = z.object({
  durationMs: number,
  opsPerSecond: number,
  latency,
  failures: z.record(z.string(), number),
  viewChangeCount: number,
  views: z.array(z.object({ view: number, atMs: number })),
  partitions: z.array(partition),
  timeline: z.object({ intervalMs: number, counts: z.array(number), maxMs: z.array(number) }),
  consistent: flag,
  consistency: text,
  balancesAsPredicted: z.nullable(flag),
});

const row = z.object({
  kind,
  iterations: number,
  readCount: number,
  writeCount: number,
  warmUpCount: number,
  passes: z.array(pass).min(1),
  ...distribution,
  readLatency: latency,
  writeLatency: latency,
});

const conditions = z.object({
  machine: z.object({ cpuModel: text, cpuCount: number, memoryBytes: number, platform: text }),
  nodeVersion: text,
  loadBefore: z.nullable(number).default(null),
  commit: z.nullable(text),
  cluster: z.object({
    ...{ replicaCount: number, store: text, durability: text, verifier: text },
    // Runs of earlier releases do not say these. There were no other replies.
    replies: text.default("journal"),
    network: text.default("unknown"),
    fileSystem: z.nullable(text).default(null),
  }),
  load: z.object({
    sessions: number,
    inFlight: number,
    ratePerSecond: z.nullable(number),
    seed: number,
    timeoutMs: number,
  }),
});

const experiment = z.object({
  title: text,
  commands: text,
  answers: z.array(text),
  accounts: z.array(
    z.object({
      customerId: number,
      account: text,
      name: text,
      address: text,
      balances: z.array(z.nullable(text)),
      published: z.nullable(text),
    }),
  ),
  identical: flag,
  asPublished: flag,
});

const load = z.object({
  ...{ inFlight: number, count: number, opsPerSecond: number, p50Ms: number, p99Ms: number },
  failures: z.record(z.string(), number),
});

/** A `BenchReport`, field by field: the compiler sees to it that the two stay alike. */
const runSchema: z.ZodType<BenchReport> = z.object({
  format: z.literal(RUN_FORMAT),
  version: z.literal(RUN_VERSION),
  startedAt: text,
  conditions,
  experiments: z.array(experiment),
  rows: z.array(row),
  baselines: z.array(
    z.object({ kind, iterations: number, system: text, opsPerSecond: number, ...distribution }),
  ),
  throughput: z.array(
    z.object({
      ...{
        label: text,
        sessions: number,
        measuredMs: number,
        accounts: number,
        points: z.array(load),
      },
      ...{ consistent: flag, consistency: text },
    }),
  ),
});

/**
 * Reads the run at `path`: its folder, or its `run.json`.
 * @throws ConfigError that says what is wrong with it.
 */
export function readRun(path: string): BenchReport {
  const file = fileAt(path);
  const json = readFileSync(file, "utf8");
  checkIsRun(file, json);
  return parseFile(runSchema, file, json, "shown");
}

function fileAt(path: string): string {
  if (!existsSync(path)) throw new ConfigError(`There is no ${path}. Name a folder under runs/.`);
  const file = statSync(path).isDirectory() ? join(path, RUN_FILE) : path;
  if (!existsSync(file)) {
    throw new ConfigError(`${path} holds no ${RUN_FILE}. Name the folder of one run, under runs/.`);
  }
  if (statSync(file).size <= RUN_BYTES_MAX) return file;
  throw new ConfigError(`${file} is too large to be a run.`);
}

/** Whether it is one of ours at all, before its fields are looked at. */
function checkIsRun(file: string, json: string): void {
  const value = valueOf(json);
  if (value === undefined) {
    const isCut = json.trimStart().startsWith("{");
    const reason = isCut ? "it ends in the middle, or was edited" : "it is something else";
    throw new ConfigError(`${file} is not JSON: ${reason}. Measure again, or name another run.`);
  }
  const { format, version } = Object(value) as { format?: unknown; version?: unknown };
  if (format !== RUN_FORMAT) {
    throw new ConfigError(`${file} is JSON, but no run: "format" is not "${RUN_FORMAT}".`);
  }
  if (version === RUN_VERSION) return;
  throw new ConfigError(
    `${file} was written by another release: its version is ${JSON.stringify(version)}, this ` +
      `release reads ${RUN_VERSION}. Measure again, or use that release.`,
  );
}

/** Undefined when it is not JSON. */
function valueOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // What is wrong is for the caller to say.
    return undefined;
  }
}
