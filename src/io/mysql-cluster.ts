import { assert } from "../core/base/assert.js";
import type { ReplicaId } from "../core/base/ids.js";
import type { StoreUrl } from "./config-schema.js";
import { type MysqlAddress, parseMysqlUrl } from "./mysql-address.js";
import { MysqlPool } from "./mysql-pool.js";
import { dropSchema, hasSchema } from "./mysql-schema.js";
import { mysqlPlaceOf } from "./mysql-store.js";

/*
 * What a cluster that lives for a moment only needs beyond its replicas' stores: no schema that
 * was there before is touched, and none is left behind.
 */

/**
 * The names of those schemas that the replicas would use and that are there already; none for
 * stores without a server.
 * @throws StoreError when the server can't be asked.
 */
export async function schemasPresent(store: StoreUrl, replicaCount: number): Promise<string[]> {
  const present: string[] = [];
  await forEachSchema(store, replicaCount, async (pool, schema) => {
    if (await pool.use((connection) => hasSchema(connection, schema))) present.push(schema);
  });
  return present;
}

/**
 * Deletes the schemas of all replicas, which must have stopped.
 * @throws StoreError when the server can't do it.
 */
export async function dropSchemas(store: StoreUrl, replicaCount: number): Promise<void> {
  await forEachSchema(store, replicaCount, async (pool, schema) => {
    await pool.use((connection) => dropSchema(connection, schema));
  });
}

async function forEachSchema(
  store: StoreUrl,
  replicaCount: number,
  work: (pool: MysqlPool, schema: string) => Promise<void>,
): Promise<void> {
  const address = store === "sqlite" || store === "memory" ? null : addressOf(store);
  if (address === null) return;
  const ids: ReplicaId[] = Array.from({ length: replicaCount }, (_, id) => id);
  for (const { schema, name } of ids.map((id) => mysqlPlaceOf(address, id))) {
    const pool = new MysqlPool(name, address);
    try {
      await work(pool, schema);
    } finally {
      await pool.close();
    }
  }
}

function addressOf(url: string): MysqlAddress {
  const address = parseMysqlUrl(url);
  assert(address !== null, "the form of the URL was checked before");
  return address;
}
