import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { auditDatabase } from "../../src/cli/verify/audit-database.js";
import { compareStates } from "../../src/cli/verify/compare-databases.js";
import { EntryRowError } from "../../src/core/entries/entry-row.js";
import { startOfChain } from "../../src/io/block-chain.js";
import type { DatabaseContent, EntryRow } from "../../src/io/store.js";

/** A root that tells states apart, and nothing more. */
function rootOf(_: unknown, entries: readonly EntryRow[]): Uint8Array {
  const state = entries.map(({ slot, key, value }) => [slot, key, ...value]);
  return Uint8Array.from(createHash("sha256").update(JSON.stringify(state)).digest());
}

/** A database that took the state with `entries` over after batch 7. */
function contentOf(...entries: readonly EntryRow[]): DatabaseContent {
  const serviceRoot = rootOf([], entries);
  const chainHash = startOfChain(7, serviceRoot);
  const empty = { accounts: [], sessions: [], evictedThrough: [], blocks: [] };
  return { seq: 7, serviceRoot, chainHash, ...empty, ...(entries.length > 0 ? { entries } : {}) };
}

function entry(slot: number, key: string, value: Uint8Array): EntryRow {
  return { slot, key, value };
}

const A = entry(0, "a", Uint8Array.of(1));
const B = entry(1, "b", Uint8Array.of(2, 255));

/** What is found when replica 2 holds `odd`, and three others hold A and B. */
function found(...odd: readonly EntryRow[]): string[] {
  const contents = new Map([0, 1, 2, 3].map((id) => [id, contentOf(A, B)] as const));
  contents.set(2, { ...contentOf(A, B), entries: odd });
  return compareStates(contents).map(({ replica, table, row, column, found, majority }) => {
    assert.deepEqual([replica, table], [2, "ENTRY"]);
    return `${row}: ${column ?? "row"}: ${found}, ${majority ?? "no majority"}`;
  });
}

test("verify: the root is that of the entries, where there are any", () => {
  const known = { table: "ENTRY", rootOf, genesisAccounts: [] } as const;
  assert.deepEqual(auditDatabase(contentOf(A, B), known).findings, []);
  const edited = { ...contentOf(A, B), entries: [A, { ...B, value: Uint8Array.of(3) }] };
  const [finding, ...others] = auditDatabase(edited, known).findings;
  assert.match(finding ?? "", /^the rows of ENTRY have state root .* by hand$/);
  assert.deepEqual(others, []);
  assert.deepEqual(auditDatabase(contentOf(), known).findings, []);
  const emptied = { ...contentOf(), serviceRoot: contentOf(A).serviceRoot };
  assert.equal(auditDatabase(emptied, known).findings.length, 2, "root and start of the chain");
});

test("verify: rows of another service than the cluster's are found", () => {
  const known = { table: "CUSTOMER", rootOf, genesisAccounts: [] } as const;
  const { findings } = auditDatabase(contentOf(A, B), known);
  assert.deepEqual(findings, ["ENTRY has 2 rows, and this cluster's service keeps none there"]);
});

test("verify: entries that can't be a state are named", () => {
  const cannot = (): never => {
    throw new EntryRowError("Slot 0 is missing.");
  };
  const known = { table: "ENTRY", rootOf: cannot, genesisAccounts: [] } as const;
  const { findings } = auditDatabase(contentOf(B), known);
  assert.deepEqual(findings, ["the rows of ENTRY can't be a service's: Slot 0 is missing."]);
});

test("verify: names the slot and the key of an entry that differs", () => {
  assert.deepEqual(found(A, B), []);
  assert.deepEqual(found(A, { ...B, value: Uint8Array.of(3) }), [
    `SLOT 1, ENTRY_KEY "b": ENTRY_VALUE: X'03', X'02ff'`,
  ]);
  assert.deepEqual(found(A), [`SLOT 1, ENTRY_KEY "b": row: no row, a row`]);
  assert.deepEqual(found(A, { ...B, key: "B\0" }), [
    `SLOT 1, ENTRY_KEY "b": row: no row, a row`,
    `SLOT 1, ENTRY_KEY "B\\u0000": row: a row, no row`,
  ]);
});

test("verify: tells a long value by its hash", () => {
  const long = new Uint8Array(33);
  const hash = createHash("sha256").update(long).digest("hex");
  assert.deepEqual(found({ ...A, value: long }, B), [
    `SLOT 0, ENTRY_KEY "a": ENTRY_VALUE: 33 bytes with SHA-256 ${hash}, X'01'`,
  ]);
});
