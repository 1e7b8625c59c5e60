import type { ReplicaId } from "../core/base/ids.js";
import { replicaDatabasePath } from "./cluster-directory.js";
import type { ReplicaKey } from "./config.js";
import { MemoryStore } from "./memory-store.js";
import { SqliteStore } from "./sqlite-store.js";
import { type Store, StoreError } from "./store.js";

/**
 * The store that a replica's key file asks for, not yet opened.
 * @throws StoreError for one that this release has not.
 */
export function chooseStore(dir: string, id: ReplicaId, key: ReplicaKey): Store {
  const { store, durability } = key;
  if (store === "memory") return new MemoryStore();
  if (store === "sqlite")
    return new SqliteStore({ path: replicaDatabasePath(dir, id), durability });
  throw new StoreError(
    "This release cannot use MySQL yet: run init with --store sqlite, the embedded database.",
  );
}
