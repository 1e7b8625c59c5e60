import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BulkKind } from "../../src/cli/bench/closed-loop.js";
import { LatencyHistogram } from "../../src/cli/bench/latency-histogram.js";
import { spreadOf } from "../../src/cli/bench/spread.js";
import type { LedgerClient } from "../../src/io/ledger-client.js";
import { loadCrypto } from "../../src/workers/load-crypto.js";
import { messageOf } from "../harness/child-message.js";
import { cryptoCost, type CryptoCost } from "../harness/crypto-cost.js";
import { PatternClient } from "../harness/datagrams.js";
import { DurableBlocks } from "../harness/durable-blocks.js";
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
 * Before anything is measured, when the compilers of five processes have settled: between 5,000 and
 * 10,000 reads one takes a tenth longer than after 20,000, between 1,500 and 3,000 writes a fifth
 * longer than after 4,500; from then on neither gets faster.
 */
const WARM_UP_OPERATIONS: Readonly<Partial<Record<StepName, number>>> = {
  read: 20_000,
  write: 5_000,
};
const WARM_UP_ROUNDS = 2_000;

const SEED = 7;

/** Processor time is counted over so many blocks' worth of operations. */
const COST_BLOCKS = 5;

const MICROS_PER_MS = 1_000;

/** Fsyncs that one write waits for: Q-entry of the primary, of a backup, P-entry. */
const FSYNCS_IN_A_ROW = 3;

/** Does one thing once. */
type Step = () => Promise<unknown>;

const STEPS = [
  "readFloor",
  "read",
  "writeFloor",
  "commitFloor",
  "durableFloor",
  "write",
  "fsync",
] as const;

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
    const crypto = cryptoCost(provider);
    const { blocks, cost } = await withDirectory((directory) =>
      withPeers(directory, (pattern) =>
        withPrivateCluster(setup, note, async (cluster) => {
          const disk = await DurableBlocks.create(directory, "alone");
          const steps = stepsOf(await cluster.connect(), pattern, disk, setup.accountCount);
          try {
            return await measure(cluster, steps, blockCount, operationCount);
          } finally {
            await disk.close();
          }
        }),
      ),
    );
    const settings = { ...(await settingsOf(setup)), blockCount, operationCount };
    return { settings, rows: [readRow(blocks, cost), writeRow(blocks, cost, crypto)] };
  },
};

function readRow(blocks: readonly Block[], cost: Cost): Figures {
  return {
    kind: "read",
    ...spreadFigures(blocks, "p50Ms", ({ read }) => read),
    floorP50Ms: medianOf(blocks, ({ readFloor }) => readFloor),
    ...spreadFigures(blocks, "ratioToFloor", ({ read, readFloor }) => read / readFloor),
    microsPerOperation: rounded(cost.read),
  };
}

/**
 * Its fsyncs count twice: as long as so many take one after the other with the disk to themselves,
 * and as long as they take where a write makes them, three and four of them at a time.
 */
function writeRow(blocks: readonly Block[], cost: Cost, crypto: CryptoCost): Figures {
  const { signMicros, verifyMicros } = crypto;
  const cryptoMs = (signMicros + verifyMicros) / MICROS_PER_MS;
  const limitMs = ({ writeFloor, fsync }: Block): number =>
    2 * writeFloor + cryptoMs + FSYNCS_IN_A_ROW * fsync;
  const togetherMs = ({ writeFloor, durableFloor }: Block): number =>
    2 * writeFloor + cryptoMs + (durableFloor - writeFloor);
  return {
    kind: "write",
    ...spreadFigures(blocks, "p50Ms", ({ write }) => write),
    floorP50Ms: medianOf(blocks, ({ writeFloor }) => writeFloor),
    floorWithCommitsP50Ms: medianOf(blocks, ({ commitFloor }) => commitFloor),
    floorWithFsyncsP50Ms: medianOf(blocks, ({ durableFloor }) => durableFloor),
    signMs: rounded(signMicros / MICROS_PER_MS),
    verifyMs: rounded(verifyMicros / MICROS_PER_MS),
    fsyncP50Ms: medianOf(blocks, ({ fsync }) => fsync),
    twiceFloorAndCostsMs: medianOf(blocks, limitMs),
    ...spreadFigures(blocks, "ratioToThat", (block) => block.write / limitMs(block)),
    twiceFloorAndCostsTogetherMs: medianOf(blocks, togetherMs),
    ...spreadFigures(blocks, "ratioToThatTogether", (block) => block.write / togetherMs(block)),
    microsPerOperation: rounded(cost.write),
  };
}

function stepsOf(
  client: LedgerClient,
  pattern: PatternClient,
  disk: DurableBlocks,
  accountCount: number,
): Readonly<Record<StepName, Step>> {
  return {
    readFloor: () => pattern.run("read"),
    read: loneOperation(client, "read", accountCount),
    writeFloor: () => pattern.run("write"),
    commitFloor: () => pattern.run("commit"),
    durableFloor: () => pattern.run("durable"),
    write: loneOperation(client, "write", accountCount),
    fsync: () => disk.write(),
  };
}

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

async function measure(
  cluster: PrivateCluster,
  steps: Readonly<Record<StepName, Step>>,
  blockCount: number,
  operationCount: number,
): Promise<{ readonly blocks: readonly Block[]; readonly cost: Cost }> {
  for (const name of STEPS) {
    await medianMsOf(steps[name], WARM_UP_OPERATIONS[name] ?? WARM_UP_ROUNDS);
  }
  const blocks: Block[] = [];
  while (blocks.length < blockCount) blocks.push(await runBlock(steps, operationCount));
  return { blocks, cost: await costOf(cluster, steps, operationCount) };
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

async function withPeers<T>(
  directory: string,
  work: (client: PatternClient) => Promise<T>,
): Promise<T> {
  const peers = Array.from({ length: PEER_COUNT }, (_, index) =>
    fork(PEER_PATH, [directory, `peer-${index}`], { execArgv: [] }),
  );
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
    for (const peer of peers) if (peer.connected) peer.disconnect();
  }
}

async function withDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "pbft-ledger-floor-"));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
