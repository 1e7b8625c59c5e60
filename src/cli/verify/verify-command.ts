import type { ReplicaId } from "../../core/base/ids.js";
import { ClusterHasher } from "../../core/crypto/prefix.js";
import { rootOfEntries } from "../../core/entries/entry-table.js";
import { Ledger } from "../../core/ledger/ledger.js";
import { loadGenesis, storeOfReplica } from "../../io/cluster-directory.js";
import type { Genesis } from "../../io/config.js";
import { formatMoney } from "../../io/money.js";
import { readContentOf } from "../../io/read-customer-table.js";
import type { DatabaseContent } from "../../io/store.js";
import { loadCrypto } from "../../workers/load-crypto.js";
import type { CommandDescription, CommandInput, ExitStatus, Output } from "../command.js";
import { FailedOperation } from "../failure.js";
import {
  auditDatabase,
  type AuditKnowledge,
  type DatabaseAudit,
  moneyIn,
} from "./audit-database.js";
import { compareBlocks, compareStates, type RowDifference } from "./compare-databases.js";

const PROVES = [
  "Proved from the databases alone: the chain of blocks is whole; the state root is that of the",
  "rows; databases at the same last batch hold the same rows, and all hold the same batches. Not",
  "proved: that the sum of money follows from the operations. BLOCK keeps the digest of a batch,",
  "not its amounts, so the sum is compared with that of the other replicas, and with the genesis",
  "where no request was executed since. What precedes a state transfer is not in a database.",
].join("\n");

/** `verify`: audits the databases. */
export const verifyCommand: CommandDescription = {
  name: "verify",
  summary: "audit the databases of all replicas: chain of blocks, state root, money, agreement",
  positionals: [["<dir>", "the cluster's directory, with the databases or keys of its replicas"]],
  options: [{ flags: "--json", summary: "print one JSON object a replica, and one for them all" }],
  examples: ["verify demo", "verify demo --json"],
  notes: PROVES,
  run: runVerify,
};

/** One replica's database, with what it shows by itself. */
interface Audited {
  readonly replica: ReplicaId;
  readonly content: DatabaseContent;
  readonly audit: DatabaseAudit;
}

async function runVerify(input: CommandInput, output: Output): Promise<ExitStatus> {
  const dir = input.directory;
  const genesis = loadGenesis(dir);
  const known = await knowledgeOf(genesis);
  const audited: Audited[] = [];
  for (const { id } of genesis.replicas) {
    const content = await readContentOf(dir, id, storeOfReplica(dir, id));
    if (content !== null) {
      audited.push({ replica: id, content, audit: auditDatabase(content, known) });
    }
  }
  if (audited.length === 0) throw new FailedOperation(`${dir} leads to no database to verify.`);
  const differences = differencesOf(audited);
  const money = moneyFindings(audited, genesis);
  const isSound =
    differences.length === 0 &&
    money.length === 0 &&
    audited.every(({ audit }) => audit.findings.length === 0);
  const report = { genesis, audited, differences, money, isSound };
  if (input.flag("json")) printJson(report, output);
  else printText(report, output);
  return isSound ? 0 : 1;
}

interface Report {
  readonly genesis: Genesis;
  readonly audited: readonly Audited[];
  readonly differences: readonly RowDifference[];
  readonly money: readonly string[];
  readonly isSound: boolean;
}

async function knowledgeOf(genesis: Genesis): Promise<AuditKnowledge> {
  const { provider } = await loadCrypto(process.env);
  const hasher = new ClusterHasher(provider, genesis.clusterId);
  const genesisAccounts = genesis.accounts;
  if (genesis.service !== undefined) {
    return { table: "ENTRY", rootOf: (_, rows) => rootOfEntries(hasher, rows), genesisAccounts };
  }
  const clients = genesis.clients.map((client) => client.role);
  const rootOf: AuditKnowledge["rootOf"] = (accounts) =>
    new Ledger({ hasher, clients, accounts }).root();
  return { table: "CUSTOMER", rootOf, genesisAccounts };
}

/** By last batch, the replicas whose databases are there. */
function levelsOf(audited: readonly Audited[]): ReadonlyMap<number, readonly Audited[]> {
  const levels = new Map<number, Audited[]>();
  for (const each of audited) {
    const { seq } = each.content;
    levels.set(seq, [...(levels.get(seq) ?? []), each]);
  }
  return levels;
}

function differencesOf(audited: readonly Audited[]): RowDifference[] {
  const contentsOf = (some: readonly Audited[]): ReadonlyMap<ReplicaId, DatabaseContent> =>
    new Map(some.map(({ replica, content }) => [replica, content]));
  const states = [...levelsOf(audited).values()].flatMap((level) =>
    compareStates(contentsOf(level)),
  );
  return [...states, ...compareBlocks(contentsOf(audited))];
}

/** Only what rows and blocks can tell about money: see `PROVES`. */
function moneyFindings(audited: readonly Audited[], genesis: Genesis): string[] {
  const findings: string[] = [];
  const genesisMoney = moneyIn(genesis.accounts);
  for (const { replica, audit } of audited) {
    const { money, requestCount, chainStartSeq } = audit;
    if (chainStartSeq !== 0 || requestCount > 0 || money === genesisMoney) continue;
    findings.push(
      `replica ${replica}: ${formatMoney(money)} in all, though nothing was executed since the ` +
        `genesis, which has ${formatMoney(genesisMoney)}`,
    );
  }
  for (const [seq, level] of levelsOf(audited)) {
    const sums = new Set(level.map(({ audit }) => audit.money));
    if (sums.size < 2) continue;
    const each = level.map(({ replica, audit }) => `${replica} ${formatMoney(audit.money)}`);
    findings.push(
      `after batch ${seq} the sums of money differ: replica ${each.join(", replica ")}`,
    );
  }
  return findings;
}

function printJson(
  { genesis, audited, differences, money, isSound }: Report,
  output: Output,
): void {
  for (const { replica, content, audit } of audited) {
    const { findings, requestCount, chainStartSeq } = audit;
    const row = {
      ...{ replica, lastApplied: content.seq, blocks: content.blocks.length, chainStartSeq },
      ...{ requests: requestCount, money: formatMoney(audit.money), findings },
    };
    output.result(JSON.stringify(row));
  }
  const genesisMoney = formatMoney(moneyIn(genesis.accounts));
  const level = levelsOf(audited).size === 1;
  const missing = missingFrom(genesis, audited);
  output.result(JSON.stringify({ isSound, level, missing, genesisMoney, differences, money }));
}

function missingFrom(genesis: Genesis, audited: readonly Audited[]): ReplicaId[] {
  const here = new Set(audited.map(({ replica }) => replica));
  return genesis.replicas.map(({ id }) => id).filter((id) => !here.has(id));
}

function printText(
  { genesis, audited, differences, money, isSound }: Report,
  output: Output,
): void {
  for (const { replica, content, audit } of audited) {
    const { findings, requestCount, chainStartSeq } = audit;
    output.result(
      `replica ${replica}: batches ${chainStartSeq + 1} to ${content.seq}, ` +
        `${requestCount} requests, ${holdingsOf(content, audit)}: ` +
        (findings.length === 0 ? "sound" : "NOT SOUND"),
    );
    for (const finding of findings) output.result(`  ${finding}`);
  }
  const missing = missingFrom(genesis, audited);
  if (missing.length > 0) output.result(`No database here of replica ${missing.join(", ")}.`);
  const levels = [...levelsOf(audited)];
  if (levels.length > 1) {
    const sizes = levels.map(([seq, { length }]) => `${length} after batch ${seq}`);
    output.result(
      `The databases are not equally far (${sizes.join(", ")}): rows are compared among those ` +
        "that are, blocks among all.",
    );
  }
  for (const difference of differences) output.result(sentenceOf(difference));
  for (const finding of money) output.result(finding);
  if (genesis.service === undefined) {
    const genesisMoney = formatMoney(moneyIn(genesis.accounts));
    output.result(
      `The genesis has ${genesisMoney}; deposits, withdrawals and new accounts change it.`,
    );
  }
  output.result(isSound ? "Nothing is wrong." : "SOMETHING IS WRONG.");
  if (genesis.service === undefined) output.result(PROVES);
}

function holdingsOf({ accounts, entries }: DatabaseContent, { money }: DatabaseAudit): string {
  if (entries === undefined) return `${accounts.length} accounts, ${formatMoney(money)} in all`;
  const used = entries.filter(({ key }) => key !== "").length;
  return `${used} entries in ${entries.length} slots`;
}

function sentenceOf(difference: RowDifference): string {
  const { replica, table, row, column, found, majority } = difference;
  const what = column === null ? "holds" : `${column} is`;
  const others = majority === null ? "no value has a majority" : `most others hold ${majority}`;
  return `replica ${replica}: ${table}, ${row}: ${what} ${found}; ${others}`;
}
