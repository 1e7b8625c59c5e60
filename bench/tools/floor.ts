import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BulkKind } from "../../src/cli/bench/closed-loop.js";
import { LatencyHistogram } from "../../src/cli/bench/latency-histogram.js";
import { nodeJournalFiles } from "../../src/io/journal-files.js";
import type { LedgerClient } from "../../src/io/ledger-client.js";
import { loadCrypto } from "../../src/workers/load-crypto.js";
import { cryptoCost } from "../harness/crypto-cost.js";
import { PatternClient } from "../harness/datagrams.js";
import { Operations } from "../harness/load.js";
import { withPrivateCluster } from "../harness/private-cluster.js";
import { settingsOf, SETUP_OPTIONS, setupOf, timesOf } from "../harness/setup-options.js";
import type { BenchTool, Figures } from "../harness/tool.js";
import { rounded } from "../harness/usage.js";

const PEER_PATH = fileURLToPath(new URL("./floor-peer.js", import.meta.url));
const PEER_COUNT = 4;
const ROUNDS_MAX = 1_000;
const OPERATIONS_MAX = 100_000;
const FSYNC_BYTES = 4_096;
const FSYNC_FILE_BLOCKS = 64;
const SEED = 7;
const MICROS_PER_MS = 1_000;

/** Fsyncs that one write waits for: Q-entry of the primary, of a backup, P-entry. */
const FSYNCS_IN_A_ROW = 3;

/** Verifications that it waits for: at the primary, at a backup. */
const VERIFICATIONS_IN_A_ROW = 2;

/** Times one thing: how often in a block, what. */
type Step = () => Promise<unknown>;

/** What one outstanding operation costs, and what it cannot do without. */
export const floor: BenchTool = {
  name: "floor",
  summary: "lone reads and writes against bare datagram processes, interleaved in one run",
  options: [
    { name: "blocks", fallback: "20", summary: "blocks of each, in turn" },
    { name: "operations", fallback: "200", summary: "operations of a block" },
    ...SETUP_OPTIONS,
  ],
  async run(input, note) {
    const setup = setupOf(input);
    const blockCount = input.wholeNumber("blocks", 1, ROUNDS_MAX);
    const operationCount = input.wholeNumber("operations", 1, OPERATIONS_MAX);
    const { provider } = await loadCrypto(process.env);
    const cost = cryptoCost(provider);
    const medians = await withPeers((pattern) =>
      withPrivateCluster(setup, note, async (cluster) =>
        withDisk(async (fsync) => {
          const client = await cluster.connect();
          const steps: Record<string, Step> = {
            readFloor: () => pattern.run("read"),
            read: loneOperation(client, "read", setup.accountCount),
            writeFloor: () => pattern.run("write"),
            commitFloor: () => pattern.run("commit"),
            write: loneOperation(client, "write", setup.accountCount),
            fsync,
          };
          return interleave(steps, blockCount, operationCount);
        }),
      ),
    );
    const extrasMs =
      (cost.signMicros + VERIFICATIONS_IN_A_ROW * cost.verifyMicros) / MICROS_PER_MS +
      FSYNCS_IN_A_ROW * medianOf(medians, "fsync");
    const readFloor = medianOf(medians, "readFloor");
    const writeFloor = medianOf(medians, "writeFloor");
    const limitMs = 2 * writeFloor + extrasMs;
    const rows: Figures[] = [
      {
        kind: "read",
        p50Ms: rounded(medianOf(medians, "read")),
        floorP50Ms: rounded(readFloor),
        ratioToFloor: rounded(medianOf(medians, "read") / readFloor),
      },
      {
        kind: "write",
        p50Ms: rounded(medianOf(medians, "write")),
        floorP50Ms: rounded(writeFloor),
        floorWithCommitsP50Ms: rounded(medianOf(medians, "commitFloor")),
        signMs: rounded(cost.signMicros / MICROS_PER_MS),
        verifyMs: rounded(cost.verifyMicros / MICROS_PER_MS),
        fsyncP50Ms: rounded(medianOf(medians, "fsync")),
        twiceFloorAndCostsMs: rounded(limitMs),
        ratioToThat: rounded(medianOf(medians, "write") / limitMs),
      },
    ];
    return {
      settings: { ...(await settingsOf(setup, timesOf(input))), blockCount, operationCount },
      rows,
    };
  },
};

function loneOperation(client: LedgerClient, kind: BulkKind, accountCount: number): Step {
  const operations = new Operations(kind, accountCount, SEED);
  return async () => {
    const [operation] = operations.take(1);
    if (operation !== undefined) await client.run(operation);
  };
}

/** Block after block of each step in turn; the median over blocks of each block's median, in ms. */
async function interleave(
  steps: Readonly<Record<string, Step>>,
  blockCount: number,
  operationCount: number,
): Promise<ReadonlyMap<string, number>> {
  const medians = new Map<string, number[]>();
  for (let block = -1; block < blockCount; block += 1) {
    for (const [name, step] of Object.entries(steps)) {
      const histogram = new LatencyHistogram();
      for (let count = 0; count < operationCount; count += 1) {
        const startMs = performance.now();
        await step();
        histogram.record((performance.now() - startMs) * MICROS_PER_MS);
      }
      // The first block warms up.
      if (block >= 0) medians.set(name, [...(medians.get(name) ?? []), histogram.percentileMs(50)]);
    }
  }
  return new Map([...medians].map(([name, values]) => [name, median(values)]));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function medianOf(medians: ReadonlyMap<string, number>, name: string): number {
  return medians.get(name) ?? 0;
}

async function withPeers<T>(work: (client: PatternClient) => Promise<T>): Promise<T> {
  const peers = Array.from({ length: PEER_COUNT }, () => fork(PEER_PATH, { execArgv: [] }));
  try {
    const ports = await Promise.all(peers.map(async (peer) => (await messageOf(peer)) as number));
    const met = peers.map((peer) => messageOf(peer));
    for (const peer of peers) peer.send(ports);
    await Promise.all(met);
    const client = await PatternClient.open(ports);
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  } finally {
    for (const peer of peers) peer.disconnect();
  }
}

async function messageOf(peer: ChildProcess): Promise<unknown> {
  const [message] = (await once(peer, "message")) as unknown[];
  return message;
}

/** A durable write as the journal makes it: through the same calls, into blocks that exist. */
async function withDisk<T>(work: (fsync: Step) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), "pbft-ledger-floor-"));
  try {
    const file = await nodeJournalFiles.create(join(dir, "blocks"), true);
    await file.write(new Uint8Array(FSYNC_FILE_BLOCKS * FSYNC_BYTES), 0);
    const block = new Uint8Array(FSYNC_BYTES);
    let next = 0;
    try {
      return await work(() => {
        next = (next + 1) % FSYNC_FILE_BLOCKS;
        return file.write(block, next * FSYNC_BYTES);
      });
    } finally {
      await file.close();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
