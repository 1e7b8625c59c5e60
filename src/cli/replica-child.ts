import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ReplicaId, Seq } from "../core/base/ids.js";
import { replicaDirectory, replicaLogPath } from "../io/cluster-directory.js";
import type { RequestFlow } from "../io/flow-recorder.js";
import type { ReplicaStatus } from "../io/replica-status.js";

/** What a replica's process tells its supervisor. */
export type ReplicaReport =
  | { readonly kind: "serving" }
  | { readonly kind: "failed"; readonly reason: string }
  /** The order was carried out. */
  | CutOffOrder
  | ({ readonly kind: "observed"; readonly number: number } & Observation);

interface CutOffOrder {
  readonly kind: "cut-off";
  readonly isCutOff: boolean;
}

/** What a supervisor tells a replica's process. */
export type ReplicaOrder =
  | CutOffOrder
  /** Answer with the status and what is known of batch `seq`. Numbers tell answers apart. */
  | { readonly kind: "observe"; readonly number: number; readonly seq: Seq | null };

/** What a replica's process says of itself. */
export interface Observation {
  readonly status: ReplicaStatus;
  readonly flow: RequestFlow | null;
}

/** How long a replica may take to say how it is. */
const OBSERVE_TIMEOUT_MS = 1_000;

/** How a replica's process ended. */
interface Ending {
  /** Whether it ended in order, everything durable and every file closed. */
  readonly isClean: boolean;
  /** Completes "replica 2 …". */
  readonly words: string;
}

/** How long a replica may take to stop before it is killed. */
const STOP_TIMEOUT_MS = 10_000;

/**
 * How a replica is started: as this process was, or by a command that takes it somewhere else.
 */
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
  #observationCount = 0;

  /** @param mayHaveForgotten whether it has to make up for votes it may have forgotten (RS4). */
  constructor(dir: string, id: ReplicaId, launcher: Launcher, mayHaveForgotten: boolean) {
    const { execPath, execArgv, words: more = [] } = launcher;
    mkdirSync(replicaDirectory(dir, id), { recursive: true, mode: 0o700 });
    const log = openSync(replicaLogPath(dir, id), "a", 0o600);
    const words = ["replica", dir, "--id", id.toString(), ...more];
    if (mayHaveForgotten) words.push("--rejoin");
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
    const order: CutOffOrder = { kind: "cut-off", isCutOff };
    const isDone = untilReported(this.#process, order);
    if (this.#process.connected) this.#process.send(order);
    return Promise.race([isDone, this.ended.then(() => false)]);
  }

  /**
   * Asks it how it is and what it knows of batch `seq`; null asks for the status only. Resolves
   * with null when it does not answer in time.
   */
  async observe(seq: Seq | null): Promise<Observation | null> {
    if (!this.#process.connected) return null;
    this.#observationCount += 1;
    const number = this.#observationCount;
    return new Promise((resolve) => {
      const settle = (observation: Observation | null): void => {
        clearTimeout(timer);
        this.#process.off("message", onMessage);
        resolve(observation);
      };
      const onMessage = (message: unknown): void => {
        const report = message as ReplicaReport;
        if (report.kind === "observed" && report.number === number) settle(report);
      };
      const timer = setTimeout(() => settle(null), OBSERVE_TIMEOUT_MS);
      this.#process.on("message", onMessage);
      // A process that ends meanwhile is found out by the time-out.
      this.#process.send({ kind: "observe", number, seq }, () => undefined);
    });
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

function untilReported(child: ChildProcess, order: CutOffOrder): Promise<true> {
  return new Promise((resolve) => {
    const onMessage = (message: unknown): void => {
      const report = message as ReplicaReport;
      if (report.kind !== "cut-off" || report.isCutOff !== order.isCutOff) return;
      child.off("message", onMessage);
      resolve(true);
    };
    child.on("message", onMessage);
  });
}
