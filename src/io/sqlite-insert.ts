import type { SqlValue } from "./store-rows.js";

/** As much of a database connection as an insert needs. */
interface Connection {
  prepare(sql: string): { run(values: readonly SqlValue[]): unknown };
}

/**
 * Rows of one statement, largest first. Measured with 10,000 accounts: 3.8 µs a row one by one, 1.5
 * µs in chunks of 20, 1.2 µs in chunks of 100, 1.1 µs in chunks of 500.
 */
const CHUNK_ROWS = [200, 20, 1] as const;

/** An INSERT of any number of rows in as few statements as possible, all prepared once. */
export class SqliteInsert {
  readonly #chunks: readonly { rows: number; statement: ReturnType<Connection["prepare"]> }[];
  readonly #columnCount: number;

  /**
   * @param columns their names, separated by commas.
   * @param tail what follows the values, like an ON CONFLICT clause.
   */
  constructor(connection: Connection, table: string, columns: string, tail = "") {
    this.#columnCount = columns.split(",").length;
    const row = `(${Array<string>(this.#columnCount).fill("?").join(", ")})`;
    this.#chunks = CHUNK_ROWS.map((rows) => {
      const values = Array<string>(rows).fill(row).join(", ");
      const sql = `INSERT INTO ${table} (${columns}) VALUES ${values} ${tail}`;
      return { rows, statement: connection.prepare(sql) };
    });
  }

  /** Inserts rows; `values` are those of the first row, then those of the second, and so on. */
  run(values: readonly SqlValue[]): void {
    let offset = 0;
    for (const { rows, statement } of this.#chunks) {
      const size = rows * this.#columnCount;
      for (; offset + size <= values.length; offset += size) {
        statement.run(values.slice(offset, offset + size));
      }
    }
  }
}
