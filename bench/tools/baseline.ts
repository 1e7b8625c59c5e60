import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SqliteBank } from "../harness/sqlite-bank.js";
import { Operations } from "../harness/load.js";
import { LatencyHistogram } from "../../src/cli/bench/latency-histogram.js";
import { numbersOf, SETUP_OPTIONS, setupOf, timesOf } from "../harness/setup-options.js";
import type { BenchTool, Figures } from "../harness/tool.js";
import { rounded } from "../harness/usage.js";

const MICROS_PER_MS = 1_000;
const SEED = 7;

/** The same operations on one database without replicas. */
export const baseline: BenchTool = {
  name: "baseline",
  summary:
    "unreplicated SQLite under the same deposits and moves, one transaction for each or for many",
  options: [
    { name: "group-sizes", fallback: "1,100,2000", summary: "operations of one transaction" },
    ...SETUP_OPTIONS,
  ],
  async run(input, note) {
    const { accountCount } = setupOf(input);
    const { measuredMs, warmUpMs } = timesOf(input);
    const rows: Figures[] = [];
    const dir = mkdtempSync(join(tmpdir(), "pbft-ledger-baseline-"));
    try {
      const bank = new SqliteBank(join(dir, "bank.db"), accountCount);
      for (const groupSize of numbersOf(input, "group-sizes")) {
        runFor(bank, accountCount, groupSize, warmUpMs);
        rows.push(runFor(bank, accountCount, groupSize, measuredMs));
        note(
          `sqlite, ${groupSize} a transaction: ${String(rows.at(-1)?.["operationsPerSecond"])}/s`,
        );
      }
      bank.close();
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
    return Promise.resolve({ settings: { accountCount, measuredMs, durability: "fsync" }, rows });
  },
};

function runFor(bank: SqliteBank, accountCount: number, groupSize: number, ms: number): Figures {
  const operations = new Operations("write", accountCount, SEED);
  const histogram = new LatencyHistogram();
  const startMs = performance.now();
  let count = 0;
  while (performance.now() - startMs < ms) {
    const groupMs = performance.now();
    bank.run(operations.take(groupSize));
    histogram.record((performance.now() - groupMs) * MICROS_PER_MS);
    count += groupSize;
  }
  const seconds = (performance.now() - startMs) / 1_000;
  const { meanMs, p50Ms, p99Ms } = histogram.summary();
  return {
    database: "sqlite",
    groupSize,
    operationsPerSecond: Math.round(count / seconds),
    meanMs: rounded(meanMs),
    p50Ms: rounded(p50Ms),
    p99Ms: rounded(p99Ms),
  };
}
