import { UsageError } from "../../src/cli/command.js";
import { loadCrypto } from "../../src/workers/load-crypto.js";
import type { BenchTool } from "../harness/tool.js";
import { cryptoSuites } from "../micro/crypto.bench.js";
import { journalSuites } from "../micro/journal.bench.js";
import { ledgerSuites } from "../micro/ledger.bench.js";
import { type MicroFigures, type MicroSuite, measureSuite } from "../micro/measure.js";
import { wireSuites } from "../micro/wire.bench.js";

const GROUPS: Readonly<Record<string, () => Promise<MicroSuite[]>>> = {
  wire: wireSuites,
  crypto: cryptoSuites,
  ledger: ledgerSuites,
  journal: journalSuites,
};

/** Single steps by themselves. */
export const micro: BenchTool = {
  name: "micro",
  summary: "single steps: decode, encode, MAC, verify, digest, ledger, Merkle tree, journal",
  options: [{ name: "only", fallback: Object.keys(GROUPS).join(), summary: "groups to measure" }],
  async run(input, note) {
    const rows: MicroFigures[] = [];
    for (const name of (input.text("only") ?? "").split(",")) {
      const suites = GROUPS[name];
      if (suites === undefined) throw new UsageError(`--only ${name}: there is no such group`);
      for (const suite of await suites()) {
        note(suite.title);
        rows.push(...(await measureSuite(suite)));
      }
    }
    const { provider } = await loadCrypto(process.env);
    return { settings: { crypto: provider.name }, rows };
  },
};
