import { spreadOf } from "../../src/cli/bench/spread.js";
import type { LedgerClient } from "../../src/io/ledger-client.js";
import { measureClosedLoop } from "../harness/measure-load.js";
import { type PrivateCluster, withPrivateCluster } from "../harness/private-cluster.js";
import { settingsOf, setupOptions, setupOf, timesOf } from "../harness/setup-options.js";
import { withSignatureLimit } from "../harness/signature-limit.js";
import type { BenchTool, Figures } from "../harness/tool.js";
import { rounded } from "../harness/usage.js";

const CLIENTS_MAX = 1_000;
const BLOCKS_MAX = 100;

/** V8 compiles what is called often, and each of few operations that are far apart calls little. */
const WARM_UP_SECONDS = 20;

/** Until a load that stopped for a moment runs as before. */
const BLOCK_WARM_UP_MS = 300;

/** What was measured in a row, and the limit just before and just after. */
interface Block {
  readonly row: Figures;
  readonly limitPerSecond: number;
}

/** Many clients that know nothing of each other. */
export const clients: BenchTool = {
  name: "clients",
  summary: "identities with one operation outstanding each, every write signed for itself",
  options: [
    { name: "clients", fallback: "64", summary: "identities, all in this process" },
    { name: "blocks", fallback: "5", summary: "writes and what limits them, in turns" },
    ...setupOptions(WARM_UP_SECONDS),
  ],
  async run(input, note) {
    const clientCount = input.wholeNumber("clients", 1, CLIENTS_MAX);
    const blockCount = input.wholeNumber("blocks", 1, BLOCKS_MAX);
    const setup = setupOf(input, clientCount);
    const times = timesOf(input);
    const rows: Figures[] = [];
    await withPrivateCluster(setup, note, async (cluster) => {
      const connected: LedgerClient[] = [];
      for (let id = 0; id < clientCount; id += 1) connected.push(await cluster.connect(id));
      const measure = (kind: "write" | "read", warmUpMs: number): Promise<Figures> =>
        measureClosedLoop(cluster, connected, kind, clientCount, { ...times, warmUpMs });
      const write = (index: number): Promise<Figures> =>
        measure("write", index === 0 ? times.warmUpMs : BLOCK_WARM_UP_MS);
      rows.push(medianOf(await blocksOf(cluster, blockCount, write)));
      rows.push(await measure("read", times.warmUpMs));
    });
    return { settings: { ...(await settingsOf(setup, times)), blockCount }, rows };
  },
};

/** Runs `write` so often, and asks what signatures allow before, between and behind. */
function blocksOf(
  { setup }: PrivateCluster,
  count: number,
  write: (index: number) => Promise<Figures>,
): Promise<Block[]> {
  return withSignatureLimit(setup.replicaCount, async (limit) => {
    const blocks: Block[] = [];
    let before = await limit();
    while (blocks.length < count) {
      const row = await write(blocks.length);
      const after = await limit();
      blocks.push({ row, limitPerSecond: (before + after) / 2 });
      before = after;
    }
    return blocks;
  });
}

/** The median of the blocks' shares and their range, with what else the middle one came to. */
function medianOf(blocks: readonly Block[]): Figures {
  const shareOf = ({ row, limitPerSecond }: Block): number =>
    Number(row["operationsPerSecond"]) / limitPerSecond;
  const byShare = [...blocks].sort((left, right) => shareOf(left) - shareOf(right));
  const middle = byShare[Math.ceil(byShare.length / 2) - 1];
  const { median, min, max } = spreadOf(blocks.map(shareOf));
  return {
    ...middle?.row,
    signatureLimitPerSecond: Math.round(middle?.limitPerSecond ?? 0),
    shareOfSignatureLimit: rounded(median),
    shareOfSignatureLimitRange: `${rounded(min)} to ${rounded(max)}`,
  };
}
