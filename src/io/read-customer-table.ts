import { existsSync } from "node:fs";
import { assert } from "../core/base/assert.js";
import type { ReplicaId } from "../core/base/ids.js";
import { replicaDatabasePath } from "./cluster-directory.js";
import type { StoreUrl } from "./config-schema.js";
import { type MysqlAddress, parseMysqlUrl } from "./mysql-address.js";
import { readMysqlContent, readMysqlCustomerTable } from "./mysql-store.js";
import { readCustomerTable, readSqliteContent } from "./sqlite-database.js";
import type { CustomerTable, DatabaseContent } from "./store.js";

/**
 * The customer table of replica `id`, read from its own database while the replica may be using it;
 * null when there is none to read.
 * @param store what its key file says; null where that is not at hand: then only a database in
 * `dir` can be found.
 * @throws StoreError when the database can't be read, or no replica has set it up yet.
 */
export function readTableOf(
  dir: string,
  id: ReplicaId,
  store: StoreUrl | null,
): Promise<CustomerTable | null> {
  return reading(dir, id, store, readCustomerTable, readMysqlCustomerTable);
}

/**
 * Everything in the database of replica `id`, likewise.
 * @throws StoreError likewise.
 */
export function readContentOf(
  dir: string,
  id: ReplicaId,
  store: StoreUrl | null,
): Promise<DatabaseContent | null> {
  return reading(dir, id, store, readSqliteContent, readMysqlContent);
}

async function reading<T>(
  dir: string,
  id: ReplicaId,
  store: StoreUrl | null,
  fromFile: (path: string) => T,
  fromServer: (address: MysqlAddress, id: ReplicaId) => Promise<T>,
): Promise<T | null> {
  if (store === "memory") return null;
  if (store === null || store === "sqlite") {
    const path = replicaDatabasePath(dir, id);
    return existsSync(path) ? fromFile(path) : null;
  }
  const address = parseMysqlUrl(store);
  assert(address !== null, "a key file names a store");
  return fromServer(address, id);
}
