import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  BundleReader,
  BundleWriter,
  bundleItems,
  bundleOf,
} from "../../../src/core/base/bundle.js";
import type { Hasher } from "../../../src/core/base/hasher.js";
import type { AccountRow } from "../../../src/core/ledger/account-row.js";
import { unpackAccounts } from "../../../src/core/ledger/packed-accounts.js";
import { Ledger } from "../../../src/core/ledger/ledger.js";
import {
  encodeOperation,
  type LedgerOperation,
  type LedgerResult,
} from "../../../src/core/ledger/operation.js";
import { ResultReader } from "../../../src/core/ledger/result-reader.js";

/** Any collision-free hash will do for the ledger. */
export const hasher: Hasher = {
  digest: (domain, bytes) =>
    new Uint8Array(createHash("sha256").update(Uint8Array.of(domain)).update(bytes).digest()),
};

/** The client ids of `newLedger`. */
export const TELLER = 0;
export const MIA = 1;
export const NICK = 2;

export const MAX = 2n ** 63n - 1n;

/** A ledger of one teller and two customers. */
export function newLedger(accounts: readonly AccountRow[], accountsMax?: number): Ledger {
  const clients = ["teller", "customer", "customer"] as const;
  return new Ledger({ hasher, clients, accounts, ...(accountsMax && { accountsMax }) });
}

/** An account of a bank, whose details matter to nobody. */
export function rowOf(customerId: number, account: string, balance: bigint): AccountRow {
  const name = `Customer ${customerId}`;
  return { customerId, account, name, address: "", balance, owner: null };
}

/** `count` accounts, "1" and up, with 1,000 each. */
export function rowsOf(count: number): AccountRow[] {
  return Array.from({ length: count }, (_, index) => rowOf(index + 1, String(index + 1), 1_000n));
}

/** Executes encoded operations as one bundle. */
export function executeBytes(
  ledger: Ledger,
  client: number,
  operations: readonly Uint8Array[],
): LedgerResult[] {
  const results = new BundleWriter();
  ledger.execute(client, new BundleReader(bundleOf(operations)), results);
  return resultsIn(results);
}

/** Asks for encoded operations on the read path. */
export function queryBytes(
  ledger: Ledger,
  client: number,
  operations: readonly Uint8Array[],
): LedgerResult[] {
  const results = new BundleWriter();
  ledger.query(client, new BundleReader(bundleOf(operations)), results);
  return resultsIn(results);
}

/** Executes one operation. */
export function execute(ledger: Ledger, client: number, operation: LedgerOperation): LedgerResult {
  const [result] = executeBytes(ledger, client, [encodeOperation(operation)]);
  assert(result !== undefined);
  return result;
}

/** The rows that changed since this was last asked. */
export function changedRows(ledger: Ledger): AccountRow[] {
  const rows = new Map(ledger.accountRows().map((row) => [row.customerId, row]));
  return [...ledger.takeChangedAccounts()].flatMap(({ changed, opened }) => {
    const known = Array.from(changed.customerIds, (customerId, place) => {
      const row = rows.get(customerId);
      assert(row !== undefined, "an account that changed is there");
      return { ...row, balance: changed.balances[place] ?? 0n };
    });
    return [...known, ...unpackAccounts(opened)];
  });
}

/** Adds up all balances. */
export function moneyIn(ledger: Ledger): bigint {
  return ledger.accountRows().reduce((sum, row) => sum + row.balance, 0n);
}

function resultsIn(results: BundleWriter): LedgerResult[] {
  return bundleItems(results.finish()).map((bytes) => {
    const result = new ResultReader().read(bytes, 0, bytes.length);
    assert(result !== null, "a result can be decoded");
    return result;
  });
}
