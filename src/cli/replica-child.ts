import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ReplicaId } from "../core/base/ids.js";
import { replicaDirectory, replicaLogPath } from "../io/cluster-directory.js";

/** What a replica's process tells its supervisor. */
export type ReplicaReport =
  | { readonly kind: "serving" }
  | { readonly kind: "failed"; readonly reason: string }
  /** The order was carried out. */
  | ReplicaOrder;

/** What a supervisor tells a replica's process. */
export interface ReplicaOrder {
  readonly kind: "cut-off";
  readonly isCutOff: boolean;
}

/** How a replica's process ended. */
interface Ending {
  /** Whether it ended in order, everything durable and every file closed. */
  readonly isClean: boolean;
  /** Completes "replica 2 …". */
  readonly words: string;
}

/** How long a replica may take to stop before it is killed. */
const STOP_TIMEOUT_MS = 10_000;

/** How Node is started: as this process was, or by a command that takes it somewhere else. */
export interface Launcher {
  readonly execPath: string;
  readonly execArgv: readonly string[];
  /** Further words of the command `replica`. */
  readonly words?: readonly string[];
}

/** Where this process is. */
export const HERE: Launcher = { execPath: process.execPath, execArgv: [] };

const MAIN_PATH = fileURLToPath(new URL("./main.js", import.meta.url));

/**
 * One run of one replica in a process of its own. Its log goes to a file. It ends by itself when
 * this process does, however that happens: the channel between them closes.
 */
export class ReplicaChild {
  /** Resolves once it serves, or with the reason why it can't. */
  readonly started: Promise<"serving" | { readonly reason: string }>;
  /** Resolves once the process is gone. */
  readonly ended: Promise<Ending>;
  readonly #process: ChildProcess;

  constructor(dir: string, id: ReplicaId, { execPath, execArgv, words: more = [] }: Launcher) {
    mkdirSync(replicaDirectory(dir, id), { recursive: true, mode: 0o700 });
    const log = openSync(replicaLogPath(dir, id), "a", 0o600);
    const words = ["replica", dir, "--id", id.toString(), ...more];
    this.#process = fork(MAIN_PATH, words, {
      execPath,
      execArgv: [...execArgv],
      stdio: ["ignore", log, log, "ipc"],
    });
    closeSync(log);
    this.ended = endOf(this.#process);
    this.started = Promise.race([
      firstReport(this.#process),
      this.ended.then(({ words }) => ({ reason: words })),
    ]);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Lets it end in order, and makes it end if it does not. Resolves once it is gone. */
  async stop(): Promise<Ending> {
    if (this.#process.connected) this.#process.disconnect();
    const deadline = setTimeout(() => this.kill(), STOP_TIMEOUT_MS);
    const ending = await this.ended;
    clearTimeout(deadline);
    return ending;
  }

  /**
   * Cuts it off from everybody, or connects it again. Resolves once it is so; with false when the
   * process ended before.
   */
  async cutOff(isCutOff: boolean): Promise<boolean> {
    const order: ReplicaOrder = { kind: "cut-off", isCutOff };
    const isDone = untilReported(this.#process, order);
    if (this.#process.connected) this.#process.send(order);
    return Promise.race([isDone, this.ended.then(() => false)]);
  }

  /** Ends it at once, in the middle of whatever it does. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }
}

function endOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once("error", (error) => {
      resolve({ isClean: false, words: `cannot be started: ${error.message}` });
    });
    child.once("exit", (status, signal) => {
      const how =
        signal === null ? `ended with status ${String(status)}` : `was killed by ${signal}`;
      resolve({ isClean: status === 0, words: how });
    });
  });
}

function firstReport(child: ChildProcess): Promise<"serving" | { readonly reason: string }> {
  return new Promise((resolve) => {
    child.once("message", (message) => {
      const report = message as ReplicaReport;
      resolve(report.kind === "failed" ? { reason: report.reason } : "serving");
    });
  });
}

function untilReported(child: ChildProcess, order: ReplicaOrder): Promise<true> {
  return new Promise((resolve) => {
    const onMessage = (message: unknown): void => {
      const report = message as ReplicaReport;
      if (report.kind !== order.kind || report.isCutOff !== order.isCutOff) return;
      child.off("message", onMessage);
      resolve(true);
    };
    child.on("message", onMessage);
  });
}
