import { bytesEqual, hexOf } from "../../core/base/bytes.js";
import type { Digest } from "../../core/base/hasher.js";
import { EntryRowError } from "../../core/entries/entry-row.js";
import { AccountRowError } from "../../core/ledger/account-row.js";
import { nextBlockHash, startOfChain } from "../../io/block-chain.js";
import type { AccountRow, DatabaseContent, EntryRow } from "../../io/store.js";

/** Something that is wrong with a database, as one sentence without its replica. */
type Finding = string;

/** What an audit needs to know beside a database. */
export interface AuditKnowledge {
  /** The table with the state: that of accounts, or that of a service that is not the ledger. */
  readonly table: "CUSTOMER" | "ENTRY";
  /**
   * The state root of these accounts or entries, whichever that is; throws an AccountRowError or
   * EntryRowError when they can't be a state.
   */
  readonly rootOf: (accounts: readonly AccountRow[], entries: readonly EntryRow[]) => Digest;
  readonly genesisAccounts: readonly AccountRow[];
}

/** What one database by itself shows. */
export interface DatabaseAudit {
  readonly findings: readonly Finding[];
  /** All money in it, in minor units. */
  readonly money: bigint;
  /** Requests that its blocks hold. */
  readonly requestCount: number;
  /** The batch that its chain starts after: 0, or that of the last state transfer. */
  readonly chainStartSeq: number;
}

/** Checks what one database can show by itself. */
export function auditDatabase(content: DatabaseContent, known: AuditKnowledge): DatabaseAudit {
  const { accounts, blocks, seq } = content;
  return {
    findings: [...chainFindings(content, known), ...rootFindings(content, known)],
    money: moneyIn(accounts),
    requestCount: blocks.reduce((sum, block) => sum + block.requestCount, 0),
    chainStartSeq: (blocks[0]?.seq ?? seq + 1) - 1,
  };
}

/** The sum of all balances, in minor units. */
export function moneyIn(accounts: readonly AccountRow[]): bigint {
  return accounts.reduce((sum, { balance }) => sum + balance, 0n);
}

/** Who edits, drops or swaps a block breaks the hash of the next one. */
function chainFindings(content: DatabaseContent, known: AuditKnowledge): Finding[] {
  const { blocks, seq, serviceRoot, chainHash } = content;
  const findings: Finding[] = [];
  const [first] = blocks;
  if (first === undefined) {
    const start = startOfChain(seq, serviceRoot);
    if (!bytesEqual(start, chainHash)) {
      findings.push(`META.CHAIN_HASH is not that of a chain that starts after batch ${seq}`);
    }
    return findings;
  }
  let hash = first.previousHash;
  if (first.seq === 1) hash = startOfChain(0, known.rootOf(known.genesisAccounts, []));
  let expectedSeq = first.seq;
  for (const block of blocks) {
    if (block.seq !== expectedSeq) {
      findings.push(`BLOCK has no row for batch ${expectedSeq}; the next one is ${block.seq}`);
    }
    if (!bytesEqual(block.previousHash, hash)) {
      findings.push(
        `BLOCK, batch ${block.seq}: PREVIOUS_HASH is ${short(block.previousHash)}, and what ` +
          `precedes it hashes to ${short(hash)}`,
      );
    }
    hash = nextBlockHash(block.previousHash, block);
    expectedSeq = block.seq + 1;
  }
  if (expectedSeq !== seq + 1) {
    findings.push(`BLOCK ends at batch ${expectedSeq - 1}, META.LAST_APPLIED says ${seq}`);
  }
  if (!bytesEqual(hash, chainHash)) {
    findings.push(
      `META.CHAIN_HASH is ${short(chainHash)}, the blocks hash to ${short(hash)}: the last block ` +
        "or META was edited",
    );
  }
  return findings;
}

function rootFindings(content: DatabaseContent, known: AuditKnowledge): Finding[] {
  const { accounts, entries = [], serviceRoot } = content;
  const { table } = known;
  const strangers = table === "CUSTOMER" ? entries.length : accounts.length;
  if (strangers > 0) {
    const other = table === "CUSTOMER" ? "ENTRY" : "CUSTOMER";
    return [`${other} has ${strangers} rows, and this cluster's service keeps none there`];
  }
  try {
    const root = known.rootOf(accounts, entries);
    if (bytesEqual(root, serviceRoot)) return [];
    return [
      `the rows of ${table} have state root ${short(root)}, the replica stored them with ` +
        `${short(serviceRoot)}: rows were edited, added or deleted by hand`,
    ];
  } catch (error) {
    if (!(error instanceof AccountRowError || error instanceof EntryRowError)) throw error;
    const whose = table === "CUSTOMER" ? "a ledger's" : "a service's";
    return [`the rows of ${table} can't be ${whose}: ${error.message}`];
  }
}

const SHORT_DIGITS = 12;

function short(bytes: Uint8Array): string {
  return `${hexOf(bytes).slice(0, SHORT_DIGITS)}…`;
}
