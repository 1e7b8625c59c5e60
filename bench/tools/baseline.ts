import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UsageError } from "../../src/cli/command.js";
import { type MysqlAddress, parseMysqlUrl } from "../../src/io/mysql-address.js";
import type { LoadTimes } from "../harness/measure-load.js";
import { MysqlBank, type Teller } from "../harness/mysql-bank.js";
import { SqliteBank } from "../harness/sqlite-bank.js";
import { Operations } from "../harness/load.js";
import { LatencyHistogram } from "../../src/cli/bench/latency-histogram.js";
import { numbersOf, setupOptions, setupOf, timesOf } from "../harness/setup-options.js";
import type { BenchTool, Figures } from "../harness/tool.js";
import { rounded } from "../harness/usage.js";

const MICROS_PER_MS = 1_000;
const SEED = 7;

/** Most of the time is the database's, which is not to be compiled. */
const WARM_UP_SECONDS = 2;

/** The same operations on one database without replicas. */
export const baseline: BenchTool = {
  name: "baseline",
  summary: "unreplicated SQLite, and a MySQL or MariaDB server, under the same deposits and moves",
  options: [
    { name: "group-sizes", fallback: "1,100,2000", summary: "operations of one transaction" },
    { name: "server", fallback: "", summary: "mysql://… of a server to measure too" },
    { name: "connections", fallback: "1,32", summary: "connections to it, a transaction each" },
    ...setupOptions(WARM_UP_SECONDS),
  ],
  async run(input, note) {
    const { accountCount } = setupOf(input);
    const times = timesOf(input);
    const rows = sqliteRows(numbersOf(input, "group-sizes"), accountCount, times, note);
    const server = input.text("server") ?? "";
    if (server !== "") {
      const address = parseMysqlUrl(server);
      if (address === null) throw new UsageError(`--server ${server} is no mysql:// URL`);
      const connectionCounts = numbersOf(input, "connections");
      rows.push(...(await mysqlRows(address, connectionCounts, accountCount, times, note)));
    }
    const { measuredMs } = times;
    return { settings: { accountCount, measuredMs, durability: "fsync" }, rows };
  },
};

function sqliteRows(
  groupSizes: readonly number[],
  accountCount: number,
  { warmUpMs, measuredMs }: LoadTimes,
  note: (line: string) => void,
): Figures[] {
  const dir = mkdtempSync(join(tmpdir(), "pbft-ledger-baseline-"));
  try {
    const bank = new SqliteBank(join(dir, "bank.db"), accountCount);
    const rows = groupSizes.map((groupSize) => {
      runFor(bank, accountCount, groupSize, warmUpMs);
      const row = runFor(bank, accountCount, groupSize, measuredMs);
      note(`sqlite, ${groupSize} a transaction: ${String(row["operationsPerSecond"])}/s`);
      return row;
    });
    bank.close();
    return rows;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Connections that work at the same time, with one transaction for each operation. */
async function mysqlRows(
  address: MysqlAddress,
  connectionCounts: readonly number[],
  accountCount: number,
  { warmUpMs, measuredMs }: LoadTimes,
  note: (line: string) => void,
): Promise<Figures[]> {
  const bank = await MysqlBank.open(address, accountCount);
  try {
    const rows: Figures[] = [];
    for (const connectionCount of connectionCounts) {
      const tellers: Teller[] = [];
      for (let count = 0; count < connectionCount; count += 1) tellers.push(await bank.teller());
      await serveFor(tellers, accountCount, warmUpMs);
      const row = await serveFor(tellers, accountCount, measuredMs);
      note(`mysql, ${connectionCount} connections: ${String(row["operationsPerSecond"])}/s`);
      rows.push(row);
    }
    return rows;
  } finally {
    await bank.close();
  }
}

async function serveFor(
  tellers: readonly Teller[],
  accountCount: number,
  ms: number,
): Promise<Figures> {
  const operations = new Operations("write", accountCount, SEED);
  const histogram = new LatencyHistogram();
  const startMs = performance.now();
  let count = 0;
  await Promise.all(
    tellers.map(async (teller) => {
      while (performance.now() - startMs < ms) {
        const beganMs = performance.now();
        for (const operation of operations.take(1)) await teller(operation);
        histogram.record((performance.now() - beganMs) * MICROS_PER_MS);
        count += 1;
      }
    }),
  );
  const seconds = (performance.now() - startMs) / 1_000;
  return {
    database: "mysql",
    connections: tellers.length,
    ...figuresOf(count / seconds, histogram),
  };
}

function figuresOf(operationsPerSecond: number, histogram: LatencyHistogram): Figures {
  const { meanMs, p50Ms, p99Ms } = histogram.summary();
  return {
    operationsPerSecond: Math.round(operationsPerSecond),
    meanMs: rounded(meanMs),
    p50Ms: rounded(p50Ms),
    p99Ms: rounded(p99Ms),
  };
}

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
  return { database: "sqlite", groupSize, ...figuresOf(count / seconds, histogram) };
}
