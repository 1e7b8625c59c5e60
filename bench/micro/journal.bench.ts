import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClusterHasher } from "../../src/core/crypto/prefix.js";
import type { Durability } from "../../src/io/config-schema.js";
import { nodeJournalFiles } from "../../src/io/journal-files.js";
import { Journal } from "../../src/io/journal.js";
import { loadCrypto } from "../../src/workers/load-crypto.js";
import type { MicroSuite } from "./measure.js";

const IDENTITY = new Uint8Array(32).fill(1);
const RECORD_BYTES = [64, 1_400, 60_000];

/** What it takes until a record is durable. */
export async function journalSuites(): Promise<MicroSuite[]> {
  return [await suiteOf("fsync"), await suiteOf("async")];
}

async function suiteOf(durability: Durability): Promise<MicroSuite> {
  const { provider } = await loadCrypto(process.env);
  const directory = mkdtempSync(join(tmpdir(), "pbft-ledger-journal-"));
  let onDurable = (): void => undefined;
  let seq = 0;
  const { journal } = await Journal.open({
    ...{ directory, durability, identity: IDENTITY, files: nodeJournalFiles },
    hasher: new ClusterHasher(provider, IDENTITY),
    onDurable: () => onDurable(),
    onFatal: (error) => {
      throw error;
    },
    carryOver: () => [],
  });
  if (journal === null) throw new Error("a new journal opens");
  const append = (record: Uint8Array): Promise<void> => {
    seq += 1;
    journal.append(record, seq);
    journal.discard(seq - 1);
    return new Promise((resolve) => {
      onDurable = resolve;
    });
  };
  return {
    title: `journal, ${durability}`,
    cases: RECORD_BYTES.map((length) => {
      const record = new Uint8Array(length).fill(3);
      return { name: `append ${length} bytes until durable`, run: () => append(record) };
    }),
    close: async () => {
      await journal.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
