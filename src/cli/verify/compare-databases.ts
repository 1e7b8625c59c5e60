import { createHash } from "node:crypto";
import { hexOf } from "../../core/base/bytes.js";
import type { ReplicaId } from "../../core/base/ids.js";
import { formatMoney } from "../../io/money.js";
import type { DatabaseContent } from "../../io/store.js";

/** One value that a replica's database holds otherwise than most do. */
export interface RowDifference {
  readonly replica: ReplicaId;
  readonly table: string;
  /** Which row: columns and values of its key. */
  readonly row: string;
  /** Null: the whole row is missing, or is one too many. */
  readonly column: string | null;
  readonly found: string;
  /** What most of the compared replicas hold; null when no value has a majority. */
  readonly majority: string | null;
}

/** A row as texts by column, so that any two can be compared and told. */
type Row = ReadonlyMap<string, string>;

/** The rows of a table by key. */
type Table = ReadonlyMap<string, Row>;

/** The databases that are compared: those that are equally far, or all for blocks. */
type Contents = ReadonlyMap<ReplicaId, DatabaseContent>;

/** Every value of any table in which databases at the same last batch differ. */
export function compareStates(contents: Contents): RowDifference[] {
  return [
    ...compareTables("CUSTOMER", contents, customerTable),
    ...compareTables("ENTRY", contents, entryTable),
    ...compareTables("SESSION", contents, sessionTable),
    ...compareTables("SESSION_EVICTED", contents, evictedTable),
    ...compareTables("META", contents, metaTable),
  ];
}

/**
 * The same for blocks, as far as databases hold the same ones. The view is left out, since replicas
 * may have decided a batch in different views.
 */
export function compareBlocks(contents: Contents): RowDifference[] {
  const seqs = [...contents.values()].map(({ blocks }) => new Set(blocks.map(({ seq }) => seq)));
  const common = (seq: number): boolean => seqs.filter((held) => held.has(seq)).length > 1;
  return compareTables("BLOCK", contents, ({ blocks }) => {
    const shared = blocks.filter(({ seq }) => common(seq));
    return new Map(
      shared.map(({ seq, digest, requestCount }) => [
        `SEQUENCE ${seq}`,
        rowOf({ DIGEST: hexOf(digest), REQUEST_COUNT: requestCount }),
      ]),
    );
  }).filter(({ column }) => column !== null);
}

function customerTable({ accounts }: DatabaseContent): Table {
  return new Map(
    accounts.map(({ customerId, account, name, address, balance, owner }) => [
      `CUSTOMER_ID ${customerId}`,
      rowOf({
        ACCOUNT: JSON.stringify(account),
        CUSTOMER_NAME: JSON.stringify(name),
        CUSTOMER_ADDRESS: JSON.stringify(address),
        BALANCE: formatMoney(balance),
        OWNER: owner ?? "NULL",
      }),
    ]),
  );
}

/** The key is part of the name, so that whoever reads of a value knows whose it is. */
function entryTable({ entries = [] }: DatabaseContent): Table {
  return new Map(
    entries.map(({ slot, key, value }) => [
      `SLOT ${slot}, ENTRY_KEY ${JSON.stringify(key)}`,
      rowOf({ ENTRY_VALUE: valueText(value) }),
    ]),
  );
}

/** Most bytes of a value that are told one by one (included). */
const VALUE_BYTES_TOLD_MAX = 32;

function valueText(value: Uint8Array): string {
  if (value.length <= VALUE_BYTES_TOLD_MAX) return `X'${hexOf(value)}'`;
  const hash = createHash("sha256").update(value).digest("hex");
  return `${value.length} bytes with SHA-256 ${hash}`;
}

function sessionTable({ sessions }: DatabaseContent): Table {
  return new Map(
    sessions.map(({ client, session, timestamp, seq, code, results }) => [
      `CLIENT_ID ${client}, SESSION_ID ${session}`,
      rowOf({
        REQUEST_TIMESTAMP: timestamp,
        SEQUENCE: seq,
        REPLY_CODE: code,
        RESULTS: hexOf(results),
      }),
    ]),
  );
}

function evictedTable({ evictedThrough }: DatabaseContent): Table {
  return new Map(
    evictedThrough.map(({ client, session }) => [
      `CLIENT_ID ${client}`,
      rowOf({ SESSION_ID: session }),
    ]),
  );
}

function metaTable({ serviceRoot }: DatabaseContent): Table {
  return new Map([["META_ID 1", rowOf({ SERVICE_ROOT: hexOf(serviceRoot) })]]);
}

function rowOf(columns: Readonly<Record<string, string | number>>): Row {
  return new Map(Object.entries(columns).map(([name, value]) => [name, String(value)]));
}

function compareTables(
  table: string,
  contents: Contents,
  read: (content: DatabaseContent) => Table,
): RowDifference[] {
  const tables = new Map([...contents].map(([replica, content]) => [replica, read(content)]));
  const keys = new Set([...tables.values()].flatMap((rows) => [...rows.keys()]));
  return [...keys].flatMap((row) => {
    const rows = [...tables].map(([replica, held]) => [replica, held.get(row) ?? null] as const);
    return compareRow(rows).map((difference) => ({ table, row, ...difference }));
  });
}

type Held = readonly (readonly [replica: ReplicaId, row: Row | null])[];

function compareRow(
  rows: Held,
): Pick<RowDifference, "replica" | "column" | "found" | "majority">[] {
  const presence = rows.map(
    ([replica, row]) => [replica, row === null ? "no row" : "a row"] as const,
  );
  const whole = odd(presence).map((difference) => ({ column: null, ...difference }));
  const held = rows.filter((each): each is readonly [ReplicaId, Row] => each[1] !== null);
  const columns = [...(held[0]?.[1].keys() ?? [])];
  const values = columns.flatMap((column) => {
    const cells = held.map(([replica, row]) => [replica, row.get(column) ?? ""] as const);
    return odd(cells).map((difference) => ({ column, ...difference }));
  });
  return [...whole, ...values];
}

/** Who differs from the value of most; all of them where no value has a majority. */
function odd(values: readonly (readonly [replica: ReplicaId, value: string])[]) {
  const counts = new Map<string, number>();
  for (const [, value] of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  if (counts.size < 2) return [];
  const winner = [...counts].find(([, count]) => 2 * count > values.length);
  const majority = winner === undefined ? null : winner[0];
  return values
    .filter(([, value]) => value !== majority)
    .map(([replica, found]) => ({ replica, found, majority }));
}
