import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BulkKind } from "../../src/cli/bench/closed-loop.js";
import { LatencyHistogram } from "../../src/cli/bench/latency-histogram.js";
import { spreadOf } from "../../src/cli/bench/spread.js";
import { nodeJournalFiles } from "../../src/io/journal-files.js";
import type { LedgerClient } from "../../src/io/ledger-client.js";
import { loadCrypto } from "../../src/workers/load-crypto.js";
import { cryptoCost } from "../harness/crypto-cost.js";
import { PatternClient } from "../harness/datagrams.js";
import { Operations } from "../harness/load.js";
import { type PrivateCluster, withPrivateCluster } from "../harness/private-cluster.js";
import { CLUSTER_OPTIONS, settingsOf, setupOf } from "../harness/setup-options.js";
import type { BenchTool, Figures } from "../harness/tool.js";
import { microsPerOperation, rounded, usageNow } from "../harness/usage.js";

const PEER_PATH = fileURLToPath(new URL("./floor-peer.js", import.meta.url));
const PEER_COUNT = 4;
const BLOCKS_MAX = 1_000;
const OPERATIONS_MAX = 100_000;

/**
 * Of each, before anything is measured: the compilers of five processes have settled by then. With
 * 200 a write still took a third more processor time than later.
 */
const WARM_UP_OPERATIONS = 2_000;

const FSYNC_BYTES = 4_096;
const FSYNC_FILE_BLOCKS = 64;
const SEED = 7;

/** Processor time is counted over so many blocks' worth of operations. */
const COST_BLOCKS = 5;

const MICROS_PER_MS = 1_000;

/** Fsyncs that one write waits for: Q-entry of the primary, of a backup, P-entry. */
const FSYNCS_IN_A_ROW = 3;

/** Verifications that it waits for: at the primary, at a backup. */
const VERIFICATIONS_IN_A_ROW = 2;

/** Does one thing once. */
type Step = () => Promise<unknown>;

const STEPS = ["readFloor", "read", "writeFloor", "commitFloor", "write", "fsync"] as const;

/** What a block is made of: so many of each, in this order. */
type StepName = (typeof STEPS)[number];

/** The median of each step in one block, in milliseconds. */
type Block = Readonly<Record<StepName, number>>;

/** Processor time of all processes of the cluster, the client's included, for one operation. */
interface Cost {
  readonly read: number;
  readonly write: number;
}

/** What one outstanding operation costs, and what it cannot do without. */
export const floor: BenchTool = {
  name: "floor",
  summary: "lone reads and writes against bare datagram processes, interleaved in one run",
  options: [
    { name: "blocks", fallback: "30", summary: "blocks of each, in turn" },
    { name: "operations", fallback: "200", summary: "operations of a block" },
    ...CLUSTER_OPTIONS,
  ],
  async run(input, note) {
    const setup = setupOf(input);
    const blockCount = input.wholeNumber("blocks", 1, BLOCKS_MAX);
    const operationCount = input.wholeNumber("operations", 1, OPERATIONS_MAX);
    const { provider } = await loadCrypto(process.env);
    const { signMicros, verifyMicros } = cryptoCost(provider);
    const cryptoMs = (signMicros + VERIFICATIONS_IN_A_ROW * verifyMicros) / MICROS_PER_MS;
    const { blocks, cost } = await withPeers((pattern) =>
      withPrivateCluster(setup, note, async (cluster) =>
        withDisk(async (fsync) => {
          const client = await cluster.connect();
          const steps = {
            readFloor: () => pattern.run("read"),
            read: loneOperation(client, "read", setup.accountCount),
            writeFloor: () => pattern.run("write"),
            commitFloor: () => pattern.run("commit"),
            write: loneOperation(client, "write", setup.accountCount),
            fsync,
          };
          await runBlock(steps, WARM_UP_OPERATIONS);
          const blocks: Block[] = [];
          while (blocks.length < blockCount) blocks.push(await runBlock(steps, operationCount));
          return { blocks, cost: await costOf(cluster, steps, operationCount) };
        }),
      ),
    );
    const limitMs = ({ writeFloor, fsync }: Block): number =>
      2 * writeFloor + cryptoMs + FSYNCS_IN_A_ROW * fsync;
    const rows: Figures[] = [
      {
        kind: "read",
        ...spreadFigures(blocks, "p50Ms", ({ read }) => read),
        floorP50Ms: medianOf(blocks, ({ readFloor }) => readFloor),
        ...spreadFigures(blocks, "ratioToFloor", ({ read, readFloor }) => read / readFloor),
        microsPerOperation: rounded(cost.read),
      },
      {
        kind: "write",
        ...spreadFigures(blocks, "p50Ms", ({ write }) => write),
        floorP50Ms: medianOf(blocks, ({ writeFloor }) => writeFloor),
        floorWithCommitsP50Ms: medianOf(blocks, ({ commitFloor }) => commitFloor),
        signMs: rounded(signMicros / MICROS_PER_MS),
        verifyMs: rounded(verifyMicros / MICROS_PER_MS),
        fsyncP50Ms: medianOf(blocks, ({ fsync }) => fsync),
        twiceFloorAndCostsMs: medianOf(blocks, limitMs),
        ...spreadFigures(blocks, "ratioToThat", (block) => block.write / limitMs(block)),
        microsPerOperation: rounded(cost.write),
      },
    ];
    const settings = { ...(await settingsOf(setup)), blockCount, operationCount };
    return { settings, rows };
  },
};

/** The median of `figureOf` over the blocks, and its range in words. */
function spreadFigures(
  blocks: readonly Block[],
  name: string,
  figureOf: (block: Block) => number,
): Figures {
  const { median, min, max } = spreadOf(blocks.map(figureOf));
  return { [name]: rounded(median), [`${name}Range`]: `${rounded(min)} to ${rounded(max)}` };
}

function medianOf(blocks: readonly Block[], figureOf: (block: Block) => number): number {
  return rounded(spreadOf(blocks.map(figureOf)).median);
}

function loneOperation(client: LedgerClient, kind: BulkKind, accountCount: number): Step {
  const operations = new Operations(kind, accountCount, SEED);
  return async () => {
    const [operation] = operations.take(1);
    if (operation !== undefined) await client.run(operation);
  };
}

/** So many of each step, one step after the other. */
async function runBlock(
  steps: Readonly<Record<StepName, Step>>,
  operationCount: number,
): Promise<Block> {
  const block: Partial<Record<StepName, number>> = {};
  for (const name of STEPS) block[name] = await medianMsOf(steps[name], operationCount);
  return block as Block;
}

async function medianMsOf(step: Step, operationCount: number): Promise<number> {
  const histogram = new LatencyHistogram();
  for (let count = 0; count < operationCount; count += 1) {
    const startMs = performance.now();
    await step();
    histogram.record((performance.now() - startMs) * MICROS_PER_MS);
  }
  return histogram.percentileMs(50);
}

async function costOf(
  cluster: PrivateCluster,
  { read, write }: Readonly<Record<StepName, Step>>,
  operationCount: number,
): Promise<Cost> {
  const microsOf = async (step: Step): Promise<number> => {
    const before = await usageNow(cluster);
    const count = COST_BLOCKS * operationCount;
    for (let done = 0; done < count; done += 1) await step();
    return microsPerOperation(before, await usageNow(cluster), count);
  };
  return { read: await microsOf(read), write: await microsOf(write) };
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

/** A durable write as another thread makes it for the journal, into blocks that exist. */
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
