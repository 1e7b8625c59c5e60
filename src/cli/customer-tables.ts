import type { Seq } from "../core/base/ids.js";
import { formatMoney } from "../io/money.js";
import type { AccountRow, CustomerTable } from "../io/store.js";

/** One customer as all databases hold it. */
export interface ComparedCustomer {
  readonly customerId: number;
  readonly account: string;
  readonly name: string;
  readonly address: string;
  /** By replica; null where its database lacks the customer, or is not here. */
  readonly balances: readonly (string | null)[];
}

/** The replicas' customer tables side by side. */
export interface TableComparison {
  /** Every customer that any of the databases holds, ascending by customer id. */
  readonly customers: readonly ComparedCustomer[];
  /** By replica: the last batch in its database; null where there is none. */
  readonly sequences: readonly (Seq | null)[];
  /** Whether every database holds the same customers, with the same values in every column. */
  readonly identical: boolean;
}

/**
 * Lays the tables of all replicas side by side; null for a replica that has no database here.
 * @param accounts only these; all if empty.
 */
export function compareTables(
  tables: readonly (CustomerTable | null)[],
  accounts: ReadonlySet<string>,
): TableComparison {
  const wanted = tables.map((table) => table && rowsById(table, accounts));
  const held = wanted.filter((rows) => rows !== null);
  const ids = new Set(held.flatMap((rows) => [...rows.keys()]));
  const customers: ComparedCustomer[] = [];
  let identical = true;
  for (const id of [...ids].sort((left, right) => left - right)) {
    const rows = held.map((each) => each.get(id));
    const first = rows.find((row) => row !== undefined);
    if (first === undefined) continue;
    identical &&= rows.every((row) => row !== undefined && isSame(row, first));
    const { customerId, account, name, address } = first;
    const balances = wanted.map((each) => balanceOf(each?.get(id)));
    customers.push({ customerId, account, name, address, balances });
  }
  return { customers, sequences: tables.map((table) => table?.seq ?? null), identical };
}

function rowsById(
  table: CustomerTable,
  accounts: ReadonlySet<string>,
): ReadonlyMap<number, AccountRow> {
  const rows = table.accounts.filter(({ account }) => accounts.size === 0 || accounts.has(account));
  return new Map(rows.map((row) => [row.customerId, row]));
}

function isSame(left: AccountRow, right: AccountRow): boolean {
  return (
    left.account === right.account &&
    left.name === right.name &&
    left.address === right.address &&
    left.balance === right.balance &&
    left.owner === right.owner
  );
}

function balanceOf(row: AccountRow | undefined): string | null {
  return row === undefined ? null : formatMoney(row.balance);
}
