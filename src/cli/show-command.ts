import { existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { ReplicaId } from "../core/base/ids.js";
import { clientKeyPath, loadGenesis, replicaDatabasePath } from "../io/cluster-directory.js";
import type { Genesis } from "../io/config.js";
import type { ReplicaStatus } from "../io/ledger-client.js";
import { formatMoney } from "../io/money.js";
import { readCustomerTable } from "../io/sqlite-database.js";
import type { AccountRow } from "../io/store.js";
import type { CommandDescription, CommandInput, ExitStatus, Output } from "./command.js";
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

/** One replica's rows by customer id, or null where it has no database here. */
type ReplicaTable = ReadonlyMap<number, AccountRow> | null;

async function runShow(input: CommandInput, output: Output): Promise<ExitStatus> {
  const dir = input.directory;
  const genesis = loadGenesis(dir);
  await settle(dir, genesis);
  const tables = genesis.replicas.map(({ id }) => tableOf(dir, id));
  const held = tables.filter((table) => table !== null);
  if (held.length === 0) {
    throw new FailedOperation(
      `${dir} holds no database. Replicas whose store is sqlite make theirs when they first run.`,
    );
  }
  const accounts = new Set(input.rest);
  const customers = customersOf(held, accounts);
  const isIdentical = customers.every(({ customerId }) => isSame(customerId, held));
  const rows = customers.map((customer) => ({ customer, balances: balancesOf(customer, tables) }));
  if (input.flag("json")) printJson(rows, isIdentical, held.length, output);
  else printTable(rows, isIdentical, held.length, output);
  const missing = [...accounts].filter(
    (name) => !customers.some(({ account }) => account === name),
  );
  if (missing.length > 0) throw new FailedOperation(`No database holds ${missing.join(", ")}.`);
  return isIdentical ? 0 : 1;
}

function tableOf(dir: string, id: ReplicaId): ReplicaTable {
  const path = replicaDatabasePath(dir, id);
  if (!existsSync(path)) return null;
  const { accounts } = readCustomerTable(path);
  return new Map(accounts.map((row) => [row.customerId, row]));
}

/** One row for each customer that any of the databases holds, ascending by customer id. */
function customersOf(
  tables: readonly NonNullable<ReplicaTable>[],
  accounts: ReadonlySet<string>,
): readonly AccountRow[] {
  const customers = new Map<number, AccountRow>(tables.toReversed().flatMap((table) => [...table]));
  return [...customers.values()]
    .filter(({ account }) => accounts.size === 0 || accounts.has(account))
    .sort((left, right) => left.customerId - right.customerId);
}

/** Whether every database holds this customer with the same values in every column. */
function isSame(customerId: number, tables: readonly NonNullable<ReplicaTable>[]): boolean {
  const rows = tables.map((table) => table.get(customerId));
  const [first] = rows;
  return rows.every((row) => {
    return (
      row !== undefined &&
      row.account === first?.account &&
      row.name === first.name &&
      row.address === first.address &&
      row.balance === first.balance &&
      row.owner === first.owner
    );
  });
}

function balancesOf(
  { customerId }: AccountRow,
  tables: readonly ReplicaTable[],
): readonly (string | null)[] {
  return tables.map((table) => {
    const row = table?.get(customerId);
    return row === undefined ? null : formatMoney(row.balance);
  });
}

interface ShownRow {
  readonly customer: AccountRow;
  /** By replica; null where its database lacks the customer, or is not here. */
  readonly balances: readonly (string | null)[];
}

function printJson(
  rows: readonly ShownRow[],
  identical: boolean,
  databases: number,
  output: Output,
): void {
  for (const { customer, balances } of rows) {
    const { customerId, account, name, address } = customer;
    output.result(JSON.stringify({ customerId, account, name, address, balances }));
  }
  output.result(JSON.stringify({ identical, databases }));
}

function printTable(
  rows: readonly ShownRow[],
  isIdentical: boolean,
  databaseCount: number,
  output: Output,
): void {
  const replicaCount = rows[0]?.balances.length ?? 0;
  const columns = Array.from(
    { length: replicaCount },
    (_, id) => `BALANCE\nreplica ${id.toString()}`,
  );
  const heads = ["CUSTOMER_ID", "ACCOUNT", "CUSTOMER_NAME", "CUSTOMER_ADDRESS", ...columns];
  const cells = rows.map(({ customer, balances }) => {
    const { customerId, account, name, address } = customer;
    return [customerId.toString(), account, name, address, ...balances.map((each) => each ?? "-")];
  });
  output.result(renderTable(heads, cells));
  const verdict = isIdentical ? "are identical" : "DIFFER";
  output.result(`The tables of ${databaseCount.toString()} databases ${verdict}.`);
}

/** How long replicas that run get to bring their databases up to what they have executed. */
const SETTLE_TIMEOUT_MS = 3_000;
const SETTLE_PAUSE_MS = 50;

/**
 * Databases follow the replicas a moment later. Where the replicas run and can be asked, this waits until
 * all that answer are equally far and their databases too; where not, the databases stand as they are.
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
