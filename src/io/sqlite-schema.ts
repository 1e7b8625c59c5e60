import { readdirSync, readFileSync } from "node:fs";
import { assert } from "../core/base/assert.js";
import { StoreError } from "./store.js";

/** The package's `sql` folder, seen from where the compiled file lies: dist/src/io. */
const SQL_FOLDER = new URL("../../../sql/", import.meta.url);

const MIGRATION_NAME = /^(\d{3})-[a-z-]+\.sql$/;

/** Creates the table that says which migrations a database has seen. */
export const MIGRATION_TABLE_SQL = `CREATE TABLE IF NOT EXISTS SCHEMA_MIGRATION (
  VERSION INTEGER NOT NULL PRIMARY KEY,
  FILE_NAME VARCHAR(64) NOT NULL,
  APPLIED_AT_MS BIGINT NOT NULL
)`;

/** One step of the schema, forward only. */
interface Migration {
  /** 1 and up, no gap. */
  readonly version: number;
  readonly fileName: string;
  readonly sql: string;
}

/**
 * The migrations that a database at `version` (0: empty) still needs, in order.
 * @throws StoreError when the database is newer than this program.
 */
export function pendingMigrations(path: string, version: number): Migration[] {
  const migrations = allMigrations();
  if (version > migrations.length) {
    throw new StoreError(
      `The database ${path} has schema version ${version}, and this program knows only ` +
        `${migrations.length}. Use the newer program that wrote it.`,
    );
  }
  return migrations.slice(version);
}

function allMigrations(): Migration[] {
  const fileNames = readdirSync(SQL_FOLDER).filter((name) => MIGRATION_NAME.test(name));
  return fileNames.sort().map((fileName, index) => {
    const version = Number(fileName.slice(0, 3));
    assert(version === index + 1, "migrations are numbered without a gap");
    return { version, fileName, sql: readFileSync(new URL(fileName, SQL_FOLDER), "utf8") };
  });
}
