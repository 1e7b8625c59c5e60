import Libsql from "libsql";
import type { LedgerOperation } from "../../src/core/ledger/operation.js";
import { accountName } from "./private-cluster.js";

const BALANCE = 1_000_000_00;

/** A bank in one SQLite file: what an application without replicas would write. */
export class SqliteBank {
  readonly #database: Libsql.Database;
  readonly #deposit: Libsql.Statement;
  readonly #withdraw: Libsql.Statement;
  readonly #balance: Libsql.Statement;

  constructor(path: string, accountCount: number) {
    this.#database = new Libsql(path);
    this.#database.pragma("journal_mode = WAL");
    this.#database.pragma("synchronous = FULL");
    this.#database.exec(
      "CREATE TABLE ACCOUNT (ID TEXT PRIMARY KEY, BALANCE INTEGER) WITHOUT ROWID",
    );
    const insert = this.#database.prepare("INSERT INTO ACCOUNT VALUES (?, ?)");
    this.#inTransaction(() => {
      for (let index = 0; index < accountCount; index += 1) {
        insert.run([accountName(index), BALANCE]);
      }
    });
    const update = "UPDATE ACCOUNT SET BALANCE = BALANCE";
    this.#deposit = this.#database.prepare(`${update} + ? WHERE ID = ?`);
    this.#withdraw = this.#database.prepare(`${update} - ? WHERE ID = ?`);
    this.#balance = this.#database.prepare("SELECT BALANCE FROM ACCOUNT WHERE ID = ?");
  }

  /** Runs `operations` in one transaction, and reads the balance after each. */
  run(operations: readonly LedgerOperation[]): void {
    this.#inTransaction(() => {
      for (const operation of operations) this.#apply(operation);
    });
  }

  close(): void {
    this.#database.close();
  }

  #apply(operation: LedgerOperation): void {
    if (operation.kind === "deposit") {
      this.#deposit.run([Number(operation.amount), operation.account]);
      this.#balance.get([operation.account]);
    } else if (operation.kind === "move") {
      this.#withdraw.run([Number(operation.amount), operation.source]);
      this.#deposit.run([Number(operation.amount), operation.target]);
      this.#balance.get([operation.source]);
    }
  }

  #inTransaction(work: () => void): void {
    this.#database.exec("BEGIN IMMEDIATE");
    work();
    this.#database.exec("COMMIT");
  }
}
