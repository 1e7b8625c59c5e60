import { readFileSync } from "node:fs";
import { createPool } from "mysql2/promise";
import type { ConnectionOptions, Pool, PoolConnection, ResultSetHeader } from "mysql2/promise";
import type { MysqlAddress } from "./mysql-address.js";
import { mysqlErrorOf } from "./mysql-error.js";
import { StoreError } from "./store.js";
import type { SqlRow, SqlValue } from "./store-rows.js";

/** Transactions come one at a time; a second connection serves while a lost one is given up. */
const CONNECTIONS_MAX = 2;

/** How long the server may take to let this client in. */
const CONNECT_MS_MAX = 10_000;

/** How long the server may take for one statement. Then the connection is given up. */
const STATEMENT_MS_MAX = 30_000;

/** How long what is under way may still take when the pool is closed. */
const CLOSE_MS_MAX = 1_000;

/**
 * Exact whatever the server's defaults are: nothing is cut to fit, and a lock is not waited for
 * longer than a statement may take.
 */
const SESSION_SQL: readonly string[] = [
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
  "SET SESSION innodb_lock_wait_timeout = 5",
  "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
];

/** One connection to a MySQL or MariaDB server, for as long as a piece of work takes. */
export interface MysqlConnection {
  /** The largest packet that the server takes, in bytes (included). */
  readonly packetBytesMax: number;
  /** Runs one statement without values: DDL, or what begins and ends a transaction. */
  run(sql: string): Promise<void>;
  /**
   * Runs a prepared statement that returns no rows. Returns the server's count of rows: of an
   * UPDATE, those that it found, though it may have left some as they were.
   */
  change(sql: string, values: readonly SqlValue[]): Promise<number>;
  /** Runs a prepared statement that returns rows. */
  select(sql: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
}

/**
 * A pool of connections to one server. Whatever fails on a connection ends it, and with it the
 * transaction that was open on it; the next piece of work gets another one.
 */
export class MysqlPool {
  readonly #place: string;
  readonly #address: MysqlAddress;
  #pool: Pool | null = null;
  /** The connection that was used last: its session is set up, and it is idle between two uses. */
  #latest: PoolConnection["connection"] | null = null;
  #packetBytesMax = 0;
  readonly #sessionSql = [...SESSION_SQL];
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #isEnded: Promise<never>;
  #end: (error: StoreError) => void = () => undefined;
  #isClosed = false;

  /** @param place the database, as in "The database … at …", for sentences. */
  constructor(place: string, address: MysqlAddress) {
    this.#place = place;
    this.#address = address;
    this.#isEnded = new Promise((_, reject) => {
      this.#end = reject;
    });
    this.#isEnded.catch(() => undefined);
  }

  /**
   * Lends a connection to `work`.
   * @throws StoreError when the world is at fault.
   */
  use<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(this.#closedError());
    const result = this.#use(work);
    this.#underWay.add(result);
    const done = (): void => {
      this.#underWay.delete(result);
    };
    result.then(done, done);
    return result;
  }

  /** From now on every connection runs `sql` before it is lent for the first time. */
  beginWith(sql: string): void {
    this.#sessionSql.push(sql);
    this.#latest = null;
  }

  /** As `use`, between START TRANSACTION and COMMIT. */
  transaction<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    return this.use(async (connection) => {
      await connection.run("START TRANSACTION");
      const result = await work(connection);
      await connection.run("COMMIT");
      return result;
    });
  }

  /** Lets what is under way finish if it does so soon, then ends all connections. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await within(CLOSE_MS_MAX, Promise.allSettled(this.#underWay));
    this.#end(this.#closedError());
    await Promise.allSettled(this.#underWay);
    if (this.#pool !== null) await within(CLOSE_MS_MAX, this.#pool.end());
    // Where nobody answers, saying goodbye has no end.
    this.#latest?.destroy();
  }

  async #use<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    let connection: PoolConnection | null = null;
    try {
      connection = await this.#acquire();
      const result = await work(this.#lend(connection));
      connection.release();
      return result;
    } catch (error) {
      connection?.destroy();
      throw mysqlErrorOf(this.#place, error);
    }
  }

  async #acquire(): Promise<PoolConnection> {
    this.#pool ??= createPool(poolOptions(this.#address));
    const asked = this.#pool.getConnection();
    try {
      const connection = await this.#bounded(asked, CONNECT_MS_MAX + STATEMENT_MS_MAX);
      if (connection.connection !== this.#latest) {
        await this.#setUp(this.#lend(connection));
        this.#latest = connection.connection;
      }
      return connection;
    } catch (error) {
      // It may still come, or be of no use.
      asked.then((late) => {
        late.destroy();
      }, ignore);
      throw error;
    }
  }

  async #setUp(connection: MysqlConnection): Promise<void> {
    for (const sql of this.#sessionSql) await connection.run(sql);
    const [row] = await connection.select("SELECT @@max_allowed_packet");
    this.#packetBytesMax = Number(row?.[0]);
  }

  #lend(connection: PoolConnection): MysqlConnection {
    return {
      packetBytesMax: this.#packetBytesMax,
      run: async (sql) => {
        await this.#bounded(connection.query(sql));
      },
      change: async (sql, values) => {
        const statement = connection.execute<ResultSetHeader>(sql, values.map(parameterOf));
        const [{ affectedRows }] = await this.#bounded(statement);
        return affectedRows;
      },
      select: async (sql, values = []) => {
        const options = { sql, rowsAsArray: true };
        const [rows] = await this.#bounded(connection.execute(options, values.map(parameterOf)));
        return rows as unknown as readonly SqlRow[];
      },
    };
  }

  /** The driver tells nobody who waits on a connection that was ended from this side. */
  async #bounded<T>(work: Promise<T>, timeoutMs = STATEMENT_MS_MAX): Promise<T> {
    work.catch(ignore);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const sentence = `${this.#place} does not answer. Look after the server.`;
        reject(new StoreError(sentence, { patienceMs: Number.POSITIVE_INFINITY }));
      }, timeoutMs);
    });
    try {
      return await Promise.race([work, late, this.#isEnded]);
    } finally {
      clearTimeout(timer);
    }
  }

  #closedError(): StoreError {
    return new StoreError(`${this.#place} is not in use any more.`);
  }
}

function poolOptions(address: MysqlAddress) {
  return { ...connectionOptions(address), connectionLimit: CONNECTIONS_MAX };
}

/**
 * How the driver reaches the server of `address`, and as whom.
 * @throws StoreError when a file of its TLS can't be read.
 */
export function connectionOptions({
  tls,
  socketPath,
  ...address
}: MysqlAddress): ConnectionOptions {
  return {
    user: address.user,
    password: address.password,
    ...(socketPath === null ? { host: address.host, port: address.port } : { socketPath }),
    connectTimeout: CONNECT_MS_MAX,
    charset: "utf8mb4_bin",
    // A balance that came back to what it was counts as found.
    flags: ["FOUND_ROWS"],
    // As texts: a number could not hold them exactly.
    supportBigNumbers: true,
    bigNumberStrings: true,
    ...(tls === null
      ? {}
      : {
          ssl: {
            rejectUnauthorized: true,
            verifyIdentity: true,
            ...(tls.caPath === null ? {} : { ca: contentOf(tls.caPath) }),
            ...(tls.certPath === null ? {} : { cert: contentOf(tls.certPath) }),
            ...(tls.keyPath === null ? {} : { key: contentOf(tls.keyPath) }),
          },
        }),
  };
}

function contentOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StoreError(`The file ${path} of the database's TLS cannot be read (${reason}).`);
  }
}

function parameterOf(value: SqlValue): string | number | Buffer | null {
  if (typeof value === "bigint") return value.toString();
  if (!(value instanceof Uint8Array)) return value;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** Waits for `work`, but no longer than `timeoutMs`. */
async function within(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([work.catch(ignore), late]);
  clearTimeout(timer);
}

function ignore(): void {
  // Whoever waited for it has been told another reason.
}
