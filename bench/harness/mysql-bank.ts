import { createConnection, type Connection } from "mysql2/promise";
import type { LedgerOperation } from "../../src/core/ledger/operation.js";
import type { MysqlAddress } from "../../src/io/mysql-address.js";
import { connectionOptions } from "../../src/io/mysql-pool.js";
import { accountName } from "./private-cluster.js";

const BALANCE = 1_000_000_00;
const ROWS_PER_INSERT = 1_000;

/** One connection to the bank, and how to use it. */
export type Teller = (operation: LedgerOperation) => Promise<void>;

/**
 * A bank in a schema of one MySQL or MariaDB server: what an application without replicas would
 * write. Every operation is a transaction of its own, with prepared statements.
 */
export class MysqlBank {
  readonly #address: MysqlAddress;
  readonly #schema: string;
  readonly #connections: Connection[] = [];

  private constructor(address: MysqlAddress) {
    this.#address = address;
    this.#schema = `${address.prefix}_baseline`;
  }

  /** Makes the schema anew. */
  static async open(address: MysqlAddress, accountCount: number): Promise<MysqlBank> {
    const bank = new MysqlBank(address);
    const connection = await bank.#connect();
    await connection.query(`DROP DATABASE IF EXISTS ${bank.#schema}`);
    await connection.query(`CREATE DATABASE ${bank.#schema}`);
    await connection.query(
      `CREATE TABLE ${bank.#schema}.ACCOUNT (ID VARCHAR(64) PRIMARY KEY, BALANCE BIGINT NOT NULL)`,
    );
    for (let first = 0; first < accountCount; first += ROWS_PER_INSERT) {
      const count = Math.min(ROWS_PER_INSERT, accountCount - first);
      const rows = Array.from({ length: count }, (_, index) => [
        accountName(first + index),
        BALANCE,
      ]);
      await connection.query(`INSERT INTO ${bank.#schema}.ACCOUNT VALUES ?`, [rows]);
    }
    return bank;
  }

  /** Whoever serves one customer at a time, on a connection of his own. */
  async teller(): Promise<Teller> {
    const connection = await this.#connect();
    const table = `${this.#schema}.ACCOUNT`;
    const change = (amount: bigint, account: string): Promise<unknown> =>
      connection.execute(`UPDATE ${table} SET BALANCE = BALANCE + ? WHERE ID = ?`, [
        amount.toString(),
        account,
      ]);
    const read = (account: string): Promise<unknown> =>
      connection.execute(`SELECT BALANCE FROM ${table} WHERE ID = ?`, [account]);
    return async (operation) => {
      await connection.query("START TRANSACTION");
      if (operation.kind === "deposit") {
        await change(operation.amount, operation.account);
        await read(operation.account);
      } else if (operation.kind === "move") {
        // In one order, whichever way the money goes: else two of them wait for each other.
        const { source, target, amount } = operation;
        const steps = [() => change(-amount, source), () => change(amount, target)];
        if (target < source) steps.reverse();
        for (const step of steps) await step();
        await read(source);
      }
      await connection.query("COMMIT");
    };
  }

  /** Drops the schema. */
  async close(): Promise<void> {
    await this.#connections[0]?.query(`DROP DATABASE IF EXISTS ${this.#schema}`);
    await Promise.all(this.#connections.map((connection) => connection.end()));
  }

  async #connect(): Promise<Connection> {
    const connection = await createConnection(connectionOptions(this.#address));
    this.#connections.push(connection);
    return connection;
  }
}
