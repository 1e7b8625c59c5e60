import { existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { mustRun } from "../io/choose-service.js";
import { clientKeyPath, loadGenesis, storeOfReplica } from "../io/cluster-directory.js";
import type { Genesis } from "../io/config.js";
import { readTableOf } from "../io/read-customer-table.js";
import type { ReplicaStatus } from "../io/replica-status.js";
import type { CommandDescription, CommandInput, ExitStatus, Output } from "./command.js";
import { compareTables } from "./customer-tables.js";
import type { TableComparison } from "./customer-tables.js";
import { FailedOperation } from "./failure.js";
import { ReplicaInspector } from "./inspect-replicas.js";
import { renderTable } from "./table.js";

/** `show`: every replica's customer table, as its own database holds it. */
export const showCommand: CommandDescription = {
  name: "show",
  summary: "each replica's customer table from its own database, and whether they are identical",
  positionals: [
    ["<dir>", "the cluster's directory, with the databases of its replicas"],
    ["[account...]", "only these accounts (default: all)"],
  ],
  options: [{ flags: "--json", summary: "print one JSON object for each customer" }],
  examples: ["show demo", "show demo A B --json"],
  run: runShow,
};

async function runShow(input: CommandInput, output: Output): Promise<ExitStatus> {
  const dir = input.directory;
  const genesis = loadGenesis(dir);
  mustRun(genesis, undefined, "`verify` looks at its databases.");
  await settle(dir, genesis);
  const tables = await Promise.all(
    genesis.replicas.map(({ id }) => readTableOf(dir, id, storeOfReplica(dir, id))),
  );
  if (tables.every((table) => table === null)) {
    throw new FailedOperation(
      `${dir} leads to no database. Replicas with a database make theirs when they first run.`,
    );
  }
  const comparison = compareTables(tables, new Set(input.rest));
  if (input.flag("json")) printJson(comparison, output);
  else printTable(comparison, output);
  const found = new Set(comparison.customers.map(({ account }) => account));
  const missing = input.rest.filter((account) => !found.has(account));
  if (missing.length > 0) throw new FailedOperation(`No database holds ${missing.join(", ")}.`);
  return comparison.identical ? 0 : 1;
}

function printJson({ customers, sequences, identical }: TableComparison, output: Output): void {
  for (const customer of customers) output.result(JSON.stringify(customer));
  output.result(JSON.stringify({ identical, sequences }));
}

function printTable({ customers, sequences, identical }: TableComparison, output: Output): void {
  const columns = sequences.map((_, id) => `BALANCE\nreplica ${id}`);
  const heads = ["CUSTOMER_ID", "ACCOUNT", "CUSTOMER_NAME", "CUSTOMER_ADDRESS", ...columns];
  const rows = customers.map(({ customerId, account, name, address, balances }) => {
    return [customerId.toString(), account, name, address, ...balances.map((each) => each ?? "-")];
  });
  output.result(renderTable(heads, rows));
  const verdict = identical ? "are identical" : "DIFFER";
  const last = sequences.map((seq) => seq?.toString() ?? "-").join(", ");
  output.result(`The tables ${verdict}. Last batch in each database: ${last}.`);
}

/**
 * How long replicas that run get to bring their databases up to what they have executed: until they
 * see that no batch comes any more, then for the transaction that is under way, and for the rest.
 */
const SETTLE_TIMEOUT_MS = 12_000;
const SETTLE_PAUSE_MS = 50;

/**
 * Databases follow the replicas a moment later. Where the replicas run and can be asked, this waits
 * until all that answer are equally far and their databases too; where not, the databases stand as
 * they are.
 */
async function settle(dir: string, genesis: Genesis): Promise<void> {
  if (!existsSync(clientKeyPath(dir, genesis.clients[0]?.name ?? ""))) return;
  const inspector = await ReplicaInspector.open(dir, genesis);
  try {
    const deadlineMs = performance.now() + SETTLE_TIMEOUT_MS;
    while (!isSettled(await inspector.ask()) && performance.now() < deadlineMs) {
      await setTimeout(SETTLE_PAUSE_MS);
    }
  } finally {
    await inspector.close();
  }
}

function isSettled(statuses: readonly (ReplicaStatus | null)[]): boolean {
  const answers = statuses.filter((status) => status !== null);
  const executed = new Set(answers.map((status) => status.executed));
  return executed.size <= 1 && answers.every((status) => status.databaseLag === 0);
}
