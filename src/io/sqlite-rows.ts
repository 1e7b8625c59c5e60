import type { SqlValue } from "./store-rows.js";

/** As much of a database connection as a statement about many rows needs. */
interface Connection {
  prepare(sql: string): { run(values: readonly SqlValue[]): { readonly changes: number } };
}

/**
 * Rows of one statement, largest first. Measured with 10,000 accounts: 3.8 µs a row one by one, 1.5
 * µs in chunks of 20, 1.2 µs in chunks of 100, 1.1 µs in chunks of 500.
 */
const CHUNK_ROWS = [200, 20, 1] as const;

/** What is done with any number of rows, in as few statements as possible, all prepared once. */
export class SqliteRows {
  readonly #chunks: readonly { rows: number; statement: ReturnType<Connection["prepare"]> }[];
  readonly #columnCount: number;

  /**
   * @param columnCount how many values a row has.
   * @param sqlOf the statement for the rows that it is given as `(?, ?), (?, ?)`.
   */
  constructor(connection: Connection, columnCount: number, sqlOf: (rows: string) => string) {
    this.#columnCount = columnCount;
    const row = `(${Array<string>(columnCount).fill("?").join(", ")})`;
    this.#chunks = CHUNK_ROWS.map((rows) => {
      const sql = sqlOf(Array<string>(rows).fill(row).join(", "));
      return { rows, statement: connection.prepare(sql) };
    });
  }

  /**
   * Does it; `values` are those of the first row, then those of the second, and so on. Returns how
   * many rows of the table it changed.
   */
  run(values: readonly SqlValue[]): number {
    let offset = 0;
    let changes = 0;
    for (const { rows, statement } of this.#chunks) {
      const size = rows * this.#columnCount;
      for (; offset + size <= values.length; offset += size) {
        changes += statement.run(values.slice(offset, offset + size)).changes;
      }
    }
    return changes;
  }
}

/**
 * An INSERT.
 * @param head its first words, up to the name of the table.
 * @param columns their names, separated by commas.
 * @param tail what follows the values, like an ON CONFLICT clause.
 */
export function sqliteInsert(
  connection: Connection,
  head: string,
  columns: string,
  tail = "",
): SqliteRows {
  const sqlOf = (rows: string): string => `${head} (${columns}) VALUES ${rows} ${tail}`;
  return new SqliteRows(connection, columns.split(",").length, sqlOf);
}
