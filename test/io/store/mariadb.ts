import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";

import { tmpdir, userInfo } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { promisify } from "node:util";
import { parseMysqlUrl, type MysqlAddress } from "../../../src/io/mysql-address.js";
import { MysqlPool } from "../../../src/io/mysql-pool.js";

/*
 * A real MariaDB for tests: one that they start themselves on a folder of their own where mariadbd
 * is installed, or the server of MYSQL_URL. REQUIRE_MARIADB=1 makes it an error to have neither.
 */

/** A server that tests may use, and stop if it is their own. */
export class TestServer {
  /** How to reach it with any prefix. */
  readonly #urlOf: (prefix: string) => string;
  /** Null: somebody else's server. */
  readonly own: OwnServer | null;

  constructor(urlOf: (prefix: string) => string, own: OwnServer | null) {
    this.#urlOf = urlOf;
    this.own = own;
  }

  /** The URL of a store whose schemas are called `prefix`_0, `prefix`_1 …. */
  url(prefix: string): `mysql://${string}` {
    return this.#urlOf(prefix) as `mysql://${string}`;
  }

  /** The same, taken apart. */
  address(prefix: string): MysqlAddress {
    return addressOf(this.url(prefix));
  }

  /** Runs statements as the administrator, one after another. */
  async run(...statements: readonly string[]): Promise<void> {
    const pool = new MysqlPool("The test server", this.address("any"));
    try {
      await pool.use(async (connection) => {
        for (const sql of statements) await connection.run(sql);
      });
    } finally {
      await pool.close();
    }
  }

  /** All rows that `sql` selects. */
  async select(sql: string): Promise<readonly (readonly unknown[])[]> {
    const pool = new MysqlPool("The test server", this.address("any"));
    try {
      return await pool.use((connection) => connection.select(sql));
    } finally {
      await pool.close();
    }
  }
}

/** `url`, which must be one of a store. */
export function addressOf(url: string): MysqlAddress {
  const address = parseMysqlUrl(url);
  if (address === null) throw new Error(`not the URL of a store: ${url}`);
  return address;
}

/** A MariaDB on a folder of its own, reached by a Unix socket: no port that somebody else takes. */
export class OwnServer {
  readonly #program: string;
  readonly #folder: string;
  #process: ChildProcess | null = null;

  constructor(program: string, folder: string) {
    this.#program = program;
    this.#folder = folder;
  }

  get socketPath(): string {
    return join(this.#folder, "s.sock");
  }

  /** The URL of a store whose schemas are called `prefix`_0, `prefix`_1 …. */
  url(prefix: string): `mysql://${string}` {
    return `mysql://root@localhost/${prefix}?socket=${this.socketPath}`;
  }

  /** A server that starts clears away the temporary files of others in the same folder. */
  get #environment(): NodeJS.ProcessEnv {
    return { ...process.env, TMPDIR: this.#folder };
  }

  /** Makes the data that it starts on. */
  async install(installer: string): Promise<void> {
    const options = [
      "--no-defaults",
      `--user=${userInfo().username}`,
      `--datadir=${join(this.#folder, "data")}`,
      "--auth-root-authentication-method=normal",
      "--skip-test-db",
      "--innodb-log-file-size=16M",
    ];
    await promisify(execFile)(installer, options, { env: this.#environment });
  }

  /** Starts it on the data it has; resolves once it takes connections. */
  async start(...options: readonly string[]): Promise<void> {
    const child = spawn(
      this.#program,
      [
        "--no-defaults",
        `--user=${userInfo().username}`,
        `--datadir=${join(this.#folder, "data")}`,
        `--socket=${this.socketPath}`,
        `--pid-file=${join(this.#folder, "pid")}`,
        "--skip-networking",
        "--innodb-buffer-pool-size=32M",
        "--innodb-log-file-size=16M",
        ...options,
      ],
      { stdio: ["ignore", "ignore", "pipe"], env: this.#environment },
    );
    this.#process = child;
    process.once("exit", () => child.kill("SIGKILL"));
    const said: string[] = [];
    let isReady = false;
    for await (const line of createInterface({ input: child.stderr })) {
      said.push(line);
      isReady = line.includes("ready for connections");
      if (isReady) break;
    }
    if (!isReady) throw new Error(`MariaDB does not start:\n${said.join("\n")}`);
    // The end of the loop has paused it, and a server whose words nobody takes stands still.
    child.stderr.resume();
  }

  /** Ends it: SIGKILL is a crash, SIGSTOP a hang. */
  async signal(signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT"): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    child.kill(signal);
    if (signal === "SIGSTOP" || signal === "SIGCONT") return;
    if (child.exitCode === null && child.signalCode === null) {
      await new Promise((resolve) => child.once("exit", resolve));
    }
    this.#process = null;
  }

  async remove(): Promise<void> {
    await this.signal("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Says why tests of MySQL do not run here; null when they do. */
type NoServer = string;

/**
 * A server for the tests of this file, or the reason why there is none here. Ends with them.
 * @throws Error when REQUIRE_MARIADB asks for one and there is none.
 */
export async function testServer(): Promise<TestServer | NoServer> {
  const url = process.env["MYSQL_URL"];
  if (url !== undefined) return new TestServer((prefix) => withPrefix(url, prefix), null);
  const own = await startOwnServer((server) => after(() => server.remove()));
  if (own === null) {
    const reason =
      "no MariaDB here: install mariadb-server-core and -client-core, or set MYSQL_URL";
    if (process.env["REQUIRE_MARIADB"] === "1") throw new Error(reason);
    process.stdout.write(`\n⚠ SKIPPED, NOT TESTED: ${reason}\n\n`);
    return reason;
  }
  return new TestServer((prefix) => own.url(prefix), own);
}

/**
 * Makes and starts a server; null where none is installed.
 * @param onMade takes care that it is removed, before it is started.
 */
export async function startOwnServer(
  onMade: (server: OwnServer) => void,
): Promise<OwnServer | null> {
  const program = findProgram("mariadbd");
  const installer = findProgram("mariadb-install-db");
  // The installer is a script that calls this one, which Debian has in another package.
  const defaults = findProgram("my_print_defaults");
  if (program === null || installer === null || defaults === null) return null;
  const own = new OwnServer(program, mkdtempSync(join(tmpdir(), "pbft-mariadb-")));
  onMade(own);
  await own.install(installer);
  await own.start();
  return own;
}

/** Servers stand where an ordinary user's PATH does not lead. */
const SERVER_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/bin"];

function findProgram(name: string): string | null {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...SERVER_FOLDERS];
  const paths = folders.map((folder) => join(folder, name));
  return paths.find((path) => existsSync(path)) ?? null;
}

function withPrefix(url: string, prefix: string): string {
  const parsed = new URL(url);
  parsed.pathname = `/${prefix}`;
  return parsed.href;
}

let count = 0;

/** A prefix that no other test uses. */
export function freshPrefix(): string {
  count += 1;
  return `test_${process.pid.toString()}_${Date.now().toString(36)}_${count.toString()}`;
}
