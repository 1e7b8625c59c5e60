import type { StoreUrl } from "../../src/io/config-schema.js";
import { addressOf, type OwnServer, startOwnServer } from "../io/store/mariadb.js";
import { mysqlReader, sqliteReader, type TableReader } from "./tables.js";

/** Where the replicas of a campaign keep their accounts. */
export interface TorturedDatabase {
  /** Whether it is a server that may be killed and paused. */
  readonly isOurs: boolean;
  /** A place for the cluster in `dir`, and how to read what is in it. */
  place(
    dir: string,
    prefix: string,
  ): { readonly store: StoreUrl; readonly readTables: TableReader };
  kill(): Promise<void>;
  start(): Promise<void>;
  pause(isPaused: boolean): Promise<void>;
  /** Ends it, if it is ours. */
  close(): Promise<void>;
}

const nothing = (): Promise<void> => Promise.resolve();

/** An embedded database for each replica. */
export const embeddedDatabases: TorturedDatabase = {
  isOurs: false,
  place: (dir) => ({ store: "sqlite", readTables: sqliteReader(dir) }),
  ...{ kill: nothing, start: nothing, pause: nothing, close: nothing },
};

/** A schema for each replica on a MariaDB of the campaign's own; null where none is installed. */
export async function ownDatabaseServer(): Promise<TorturedDatabase | null> {
  const server = await startOwnServer(() => undefined);
  return server === null ? null : databaseOn(server);
}

function databaseOn(server: OwnServer): TorturedDatabase {
  return {
    isOurs: true,
    place: (_, prefix) => {
      const store = server.url(prefix);
      return { store, readTables: mysqlReader(addressOf(store)) };
    },
    kill: () => server.signal("SIGKILL"),
    start: () => server.start(),
    pause: (isPaused) => server.signal(isPaused ? "SIGSTOP" : "SIGCONT"),
    close: () => server.remove(),
  };
}
