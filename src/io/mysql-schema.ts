import type { Durability } from "./config-schema.js";
import type { MysqlConnection } from "./mysql-pool.js";
import { MIGRATION_TABLE_SQL, type Migration, pendingMigrations } from "./schema-migrations.js";
import { StoreError } from "./store.js";

/** Where a schema is, and how a sentence names it: "The database … at …". */
export interface MysqlPlace {
  readonly schema: string;
  readonly name: string;
}

/** Names of schemas are letters, digits and underscores: see `parseMysqlUrl`. */
function quoted(schema: string): string {
  return `\`${schema}\``;
}

/** Makes `schema` the one that all names on a connection mean. */
export function useSql(schema: string): string {
  return `USE ${quoted(schema)}`;
}

/** Whether there is a schema of this name that this user may see. */
export async function hasSchema(connection: MysqlConnection, schema: string): Promise<boolean> {
  const sql = "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?";
  return (await connection.select(sql, [schema])).length > 0;
}

/** Deletes `schema` with everything in it, if there is one. */
export async function dropSchema(connection: MysqlConnection, schema: string): Promise<void> {
  await connection.run(`DROP DATABASE IF EXISTS ${quoted(schema)}`);
}

/**
 * Brings the schema of one replica up to date; creates it when there is none and the user may.
 * @throws StoreError when it can't be made, holds other tables, or is of a newer program.
 */
export async function migrateSchema(connection: MysqlConnection, place: MysqlPlace): Promise<void> {
  if (!(await hasSchema(connection, place.schema))) await createSchema(connection, place);
  await connection.run(useSql(place.schema));
  // Whoever else starts on this schema waits here until all steps are done.
  const lock = `pbft-ledger.${place.schema}`;
  const locked = await connection.select("SELECT GET_LOCK(?, 10)", [lock]);
  if (Number(locked[0]?.[0]) !== 1) {
    const sentence = `Another program is bringing the tables of ${place.name} up to date.`;
    throw new StoreError(sentence, { patienceMs: Infinity });
  }
  await connection.run(MIGRATION_TABLE_SQL);
  const done = await connection.select("SELECT VERSION, APPLIED_AT_MS FROM SCHEMA_MIGRATION");
  const begun = done.filter(([, appliedAtMs]) => Number(appliedAtMs) === 0);
  const version = Math.max(0, ...done.map(([each]) => Number(each))) - begun.length;
  for (const migration of pendingMigrations(place.name, "mysql", version)) {
    await applyMigration(connection, place, migration, begun.length > 0);
  }
  await connection.select("SELECT RELEASE_LOCK(?)", [lock]);
}

async function createSchema(connection: MysqlConnection, place: MysqlPlace): Promise<void> {
  const sql =
    `CREATE DATABASE IF NOT EXISTS ${quoted(place.schema)} ` +
    "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
  try {
    await connection.run(sql);
  } catch (error) {
    if (numberOf(error) !== ACCESS_DENIED) throw error;
    throw new StoreError(
      `${place.name} does not exist, and this user may not create it. As an administrator: ` +
        `CREATE DATABASE ${place.schema}; GRANT ALL ON ${place.schema}.* TO this user.`,
      { cause: error },
    );
  }
}

const ACCESS_DENIED = 1044;
const TABLE_EXISTS = 1050;

/** What a statement of a migration says that has run before: table, column or key is there. */
const DONE_BEFORE: readonly number[] = [TABLE_EXISTS, 1060, 1061];

/**
 * DDL can't be undone, so a crash may leave the first statements of a migration done. It is
 * recorded with time 0 when it begins, and with its time once all of it is done.
 * @param isResumed whether an earlier start has begun it.
 */
async function applyMigration(
  connection: MysqlConnection,
  place: MysqlPlace,
  migration: Migration,
  isResumed: boolean,
): Promise<void> {
  const { version, fileName, sql } = migration;
  await connection.change("INSERT IGNORE INTO SCHEMA_MIGRATION VALUES (?, ?, 0)", [
    ...[version, fileName],
  ]);
  for (const statement of statementsIn(sql)) {
    try {
      await connection.run(statement);
    } catch (error) {
      const number = numberOf(error);
      if (isResumed && number !== null && DONE_BEFORE.includes(number)) continue;
      if (number !== TABLE_EXISTS) throw error;
      await connection.change("DELETE FROM SCHEMA_MIGRATION WHERE VERSION = ?", [version]);
      throw new StoreError(`${place.name} holds tables of something else. Choose another prefix.`, {
        cause: error,
      });
    }
  }
  await connection.change("UPDATE SCHEMA_MIGRATION SET APPLIED_AT_MS = ? WHERE VERSION = ?", [
    ...[Date.now(), version],
  ]);
}

/** A migration's statements: each ends with a semicolon at the end of a line. */
function statementsIn(sql: string): string[] {
  return sql
    .split(/;[ \t]*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}

/** The server's number of an error that it reported; null for any other error. */
function numberOf(error: unknown): number | null {
  return error instanceof Error && "errno" in error ? Number(error.errno) : null;
}

/**
 * Checks that what this server acknowledges is as durable as the replica was told.
 * @throws StoreError when it is less.
 */
export async function checkDurability(
  connection: MysqlConnection,
  place: MysqlPlace,
  durability: Durability,
): Promise<void> {
  if (durability !== "fsync") return;
  const [row] = await connection.select("SELECT @@GLOBAL.innodb_flush_log_at_trx_commit");
  // MariaDB's 3 is its 1 with one more fsync.
  if (Number(row?.[0]) === 1 || Number(row?.[0]) === 3) return;
  throw new StoreError(
    `${place.name} would forget in a power cut what it had acknowledged: its server runs with ` +
      `innodb_flush_log_at_trx_commit = ${String(row?.[0])}. Set it to 1, or set the durability ` +
      'in the replica\'s key file to "async".',
  );
}
