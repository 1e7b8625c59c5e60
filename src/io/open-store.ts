import { assert } from "../core/base/assert.js";
import type { ReplicaId } from "../core/base/ids.js";
import { replicaDatabasePath } from "./cluster-directory.js";
import type { ReplicaKey } from "./config.js";
import { MemoryStore } from "./memory-store.js";
import { parseMysqlUrl } from "./mysql-address.js";
import { MysqlStore } from "./mysql-store.js";
import { SqliteStore } from "./sqlite-store.js";
import type { Store } from "./store.js";

/** The store that a replica's key file asks for, not yet opened. */
export function chooseStore(dir: string, id: ReplicaId, key: ReplicaKey): Store {
  const { store, durability } = key;
  if (store === "memory") return new MemoryStore();
  if (store === "sqlite") {
    return new SqliteStore({ path: replicaDatabasePath(dir, id), durability });
  }
  const address = parseMysqlUrl(store);
  assert(address !== null, "a key file names a store");
  return new MysqlStore({ address, replica: id, durability });
}
