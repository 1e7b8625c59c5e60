import { readdirSync, readFileSync } from "node:fs";
import { assert } from "../core/base/assert.js";
import { StoreError } from "./store.js";

/** The package's `sql` folder, seen from where the compiled file lies: dist/src/io. */
const SQL_FOLDER = new URL("../../../sql/", import.meta.url);

/** Where the name ends in a dialect, there is one file for each. */
const MIGRATION_NAME = /^(\d{3})-[a-z-]+(?:\.(sqlite|mysql))?\.sql$/;

/** Databases that speak SQL differently. */
type SqlDialect = "sqlite" | "mysql";

/** Creates the table that says which migrations a database has seen. */
export const MIGRATION_TABLE_SQL = `CREATE TABLE IF NOT EXISTS SCHEMA_MIGRATION (
  VERSION INTEGER NOT NULL PRIMARY KEY,
  FILE_NAME VARCHAR(64) NOT NULL,
  APPLIED_AT_MS BIGINT NOT NULL
)`;

/** One step of the schema, forward only. */
export interface Migration {
  /** 1 and up; ascending, with a gap where a step is for another dialect only. */
  readonly version: number;
  readonly fileName: string;
  readonly sql: string;
}

/**
 * The migrations that a database at `version` (0: empty) still needs, in order.
 * @param place the database, as a sentence names it: "The database …".
 * @throws StoreError when the database is newer than this program.
 */
export function pendingMigrations(
  place: string,
  dialect: SqlDialect,
  version: number,
): Migration[] {
  const migrations = allMigrations(dialect);
  const newest = migrations.at(-1)?.version ?? 0;
  if (version > newest) {
    throw new StoreError(
      `${place} has schema version ${version}, and this program knows only ` +
        `${newest}. Use the newer program that wrote it.`,
    );
  }
  return migrations.filter((migration) => migration.version > version);
}

function allMigrations(dialect: SqlDialect): Migration[] {
  const fileNames = readdirSync(SQL_FOLDER).filter((name) => {
    const match = MIGRATION_NAME.exec(name);
    return match !== null && (match[2] ?? dialect) === dialect;
  });
  let newest = 0;
  return fileNames.sort().map((fileName) => {
    const version = Number(fileName.slice(0, 3));
    assert(version > newest, "each migration of a dialect has a number of its own");
    newest = version;
    return { version, fileName, sql: readFileSync(new URL(fileName, SQL_FOLDER), "utf8") };
  });
}
