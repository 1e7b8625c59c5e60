import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync } from "node:fs";
import type { Duplex } from "node:stream";
import { createInterface, type Interface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ReplicaId } from "../../src/core/base/ids.js";
import { replicaDirectory, replicaLogPath } from "../../src/io/cluster-directory.js";
import { HOOK_FD, type KillOrder, type LastWords, ORDER_VARIABLE } from "./kill-points.js";
import { nowMicros } from "./load.js";

const PROGRAM_PATH = fileURLToPath(new URL("./replica-program.js", import.meta.url));
const HOOK_URL = new URL("./hook.js", import.meta.url).href;

/** How one run of a replica's process ended. */
export interface Death {
  readonly replica: ReplicaId;
  readonly atMicros: number;
  /** The signal or the status that it ended with. */
  readonly how: string;
  /** Whether it was neither killed nor asked to end. */
  readonly isSurprise: boolean;
  /** Where it killed itself by order; null when it did not. */
  readonly lastWords: LastWords | null;
}

/** One run of the process. */
interface Life {
  readonly process: ChildProcess;
  readonly orders: Duplex;
  readonly serving: Promise<boolean>;
  readonly death: Promise<Death>;
  isServing: boolean;
  isUnwanted: boolean;
}

/** Kills what still runs when the campaign ends, however it ends: a stopped process never would. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A replica in a process of its own that can be killed at any moment, paused and cut off. */
export class TorturedReplica {
  readonly id: ReplicaId;
  readonly #dir: string;
  readonly #workerCount: number;
  readonly #onDeath: (death: Death) => void;
  #life: Life | null = null;
  #lastDeath: Death | null = null;

  /**
   * @param workerCount verification threads.
   * @param onDeath hears of every end of a process of its.
   */
  constructor(dir: string, id: ReplicaId, workerCount: number, onDeath: (death: Death) => void) {
    this.#dir = dir;
    this.#workerCount = workerCount;
    this.id = id;
    this.#onDeath = onDeath;
  }

  /** Whether it has a process that serves. */
  isServing(): boolean {
    return this.#life?.isServing ?? false;
  }

  /** Whether it has a process. */
  isRunning(): boolean {
    return this.#life !== null;
  }

  /** How its last process ended. */
  get lastDeath(): Death | null {
    return this.#lastDeath;
  }

  /** Starts a process, which kills itself on the way if `order` says so. */
  start(order: KillOrder | null): void {
    if (this.#life !== null) throw new Error(`replica ${this.id} runs`);
    const child = this.#fork(order);
    running.add(child);
    let lastWords: LastWords | null = null;
    const orders = child.stdio[HOOK_FD] as Duplex;
    orders.on("error", () => orders.destroy());
    const words = createInterface({ input: orders });
    words.on("line", (line) => (lastWords = JSON.parse(line) as LastWords));
    const allSaid = untilClosed(words);
    const death = once(child, "exit").then(async ([status, signal]: unknown[]) => {
      const atMicros = nowMicros();
      running.delete(child);
      await allSaid;
      this.#life = null;
      const how = typeof signal === "string" ? signal : `status ${Number(status)}`;
      const isSurprise = !life.isUnwanted && lastWords === null;
      const end = { replica: this.id, atMicros, how, isSurprise, lastWords };
      this.#lastDeath = end;
      this.#onDeath(end);
      return end;
    });
    const serving = Promise.race([
      once(child, "message").then(() => true),
      death.then(() => false),
    ]);
    const life: Life = {
      ...{ process: child, orders, serving, death },
      ...{ isServing: false, isUnwanted: false },
    };
    this.#life = life;
    void serving.then((isServing) => (life.isServing = isServing));
  }

  /** Resolves with whether its process came to serve; false when it ended before. */
  async serves(): Promise<boolean> {
    return (await this.#life?.serving) ?? false;
  }

  /** Resolves once its process has ended. */
  async dies(): Promise<Death | null> {
    return (await this.#life?.death) ?? null;
  }

  /** Tells its process when to kill itself. */
  order(order: KillOrder): void {
    this.#life?.orders.write(`${JSON.stringify(order)}\n`);
  }

  /** Kills its process in the middle of whatever it does. Resolves once it is gone. */
  async kill(): Promise<Death | null> {
    if (this.#life !== null) this.#life.isUnwanted = true;
    this.#life?.process.kill("SIGKILL");
    return this.dies();
  }

  /** Lets its process stand still, or go on. */
  pause(isPaused: boolean): void {
    this.#life?.process.kill(isPaused ? "SIGSTOP" : "SIGCONT");
  }

  /** Cuts it off from everybody, or connects it again; a restart connects it too. */
  async cutOff(isCutOff: boolean): Promise<void> {
    const life = this.#life;
    if (life?.isServing !== true) return;
    const isDone = new Promise<void>((resolve) => {
      life.process.once("message", () => resolve());
    });
    life.process.send({ isCutOff });
    await Promise.race([isDone, life.death]);
  }

  /** Lets its process end in order, and makes it end if it does not within `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    const life = this.#life;
    if (life === null) return;
    life.isUnwanted = true;
    if (life.process.connected) life.process.disconnect();
    await Promise.race([life.death, sleep(timeoutMs, null, { ref: false })]);
    await this.kill();
  }

  #fork(order: KillOrder | null): ChildProcess {
    mkdirSync(replicaDirectory(this.#dir, this.id), { recursive: true, mode: 0o700 });
    const log = openSync(replicaLogPath(this.#dir, this.id), "a", 0o600);
    const env = { ...process.env };
    if (order !== null) env[ORDER_VARIABLE] = JSON.stringify(order);
    const words = [this.#dir, this.id.toString(), this.#workerCount.toString()];
    const child = fork(PROGRAM_PATH, words, {
      execArgv: ["--import", HOOK_URL],
      stdio: ["ignore", log, log, "ipc", "pipe"],
      env,
    });
    closeSync(log);
    return child;
  }
}

/** Resolves once nothing more can be read: a process that dies with an order unread resets. */
function untilClosed(lines: Interface): Promise<void> {
  return new Promise((resolve) => {
    lines.once("close", () => resolve());
    lines.once("error", () => resolve());
  });
}
