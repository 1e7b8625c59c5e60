import { rmSync } from "node:fs";
import type { ReplicaId, Seq } from "../core/base/ids.js";
import { replicaDirectory, replicaLogPath } from "../io/cluster-directory.js";
import { sentenceFor } from "./failure.js";
import { HERE, type Launcher, type Observation, ReplicaChild } from "./replica-child.js";

/** What a replica's process is doing. "gone" ones ended too often; "crashed" ones by command. */
type ReplicaState = "starting" | "serving" | "waiting" | "crashed" | "gone";

/** One replica of the cluster as its supervisor sees it. */
export interface ReplicaListing {
  readonly replica: ReplicaId;
  /** Null while no process runs. */
  readonly pid: number | null;
  readonly state: ReplicaState;
  /** Whether it runs but was cut off from all others by hand. */
  readonly isCutOff: boolean;
}

/** Where a supervisor says what happens to replicas. */
type Note = (line: string) => void;

/**
 * Most restarts of one replica within a minute: more, and it has a reason that restarts can't cure.
 */
const RESTARTS_PER_MINUTE_MAX = 6;
const MINUTE_MS = 60_000;

/** Wait before the first restart within a minute; doubles with each. */
const BACKOFF_MS = 100;

/** Keeps one replica running until it is stopped. */
class Guardian {
  readonly id: ReplicaId;
  readonly #dir: string;
  readonly #note: Note;
  readonly #launcher: Launcher;
  /** The process that shall run; null while none shall. */
  #child: ReplicaChild | null = null;
  /** The process that was started last. */
  #latest: ReplicaChild | null = null;
  #state: ReplicaState = "starting";
  #restartTimer: NodeJS.Timeout | null = null;
  /** When it was restarted within the last minute, by the process's clock. */
  #restartsMs: number[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #isStopped = false;
  #isCutOff = false;

  constructor(dir: string, id: ReplicaId, note: Note, launcher: Launcher) {
    this.#launcher = launcher;
    this.id = id;
    this.#dir = dir;
    this.#note = note;
  }

  get #name(): string {
    return `replica ${this.id}`;
  }

  get #logPath(): string {
    return replicaLogPath(this.#dir, this.id);
  }

  get listing(): ReplicaListing {
    const pid = this.#child?.pid ?? null;
    return { replica: this.id, pid, state: this.#state, isCutOff: this.#isCutOff };
  }

  /** Starts its process. Resolves with null once it serves, or with the reason why it does not. */
  start(mayHaveForgotten = false): Promise<string | null> {
    return this.#inTurn(() => this.#spawn(mayHaveForgotten));
  }

  /** The same, after killing the process that runs now, if one does. */
  restart(mayHaveForgotten: boolean): Promise<string | null> {
    return this.#inTurn(async () => {
      await this.crash();
      return this.#spawn(mayHaveForgotten);
    });
  }

  /** Kills its process, leaves it so, and deletes all that it wrote. */
  wipe(): Promise<void> {
    return this.#inTurn(async () => {
      await this.crash();
      rmSync(replicaDirectory(this.#dir, this.id), { recursive: true, force: true });
    });
  }

  /**
   * Cuts its process off from everybody, or connects it again. Resolves once it is so; with false
   * when none serves.
   */
  async cutOff(isCutOff: boolean): Promise<boolean> {
    const child = this.#child;
    if (child === null || this.#state !== "serving") return false;
    const isDone = await child.cutOff(isCutOff);
    if (!isDone || this.#child !== child) return false;
    this.#isCutOff = isCutOff;
    return true;
  }

  /** What its process says of itself; null when none serves or it does not answer in time. */
  async observe(seq: Seq | null): Promise<Observation | null> {
    return this.#state === "serving" ? ((await this.#child?.observe(seq)) ?? null) : null;
  }

  /** Kills its process and leaves it so. */
  async crash(): Promise<void> {
    this.#release("crashed")?.kill();
    await this.#latest?.ended;
  }

  /** Ends its process in order, for good. Resolves with whether it did end in order. */
  async stop(): Promise<boolean> {
    this.#isStopped = true;
    const ending = await this.#release("gone")?.stop();
    // What waits for its turn finds the guardian stopped, and starts nothing.
    await this.#turn;
    if (ending === undefined || ending.isClean) return true;
    this.#note(`${this.#name} ${ending.words} while stopping. Its log tells why: ${this.#logPath}`);
    return false;
  }

  /** Starts do not overlap: two processes would fight for the replica's files and port. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result;
    return result;
  }

  async #spawn(mayHaveForgotten: boolean): Promise<string | null> {
    await this.#latest?.ended;
    if (this.#isStopped) return "the cluster is stopping";
    this.#cancelRestart();
    const child = this.#newChild(mayHaveForgotten);
    if (typeof child === "string") return child;
    this.#child = child;
    this.#latest = child;
    this.#state = "starting";
    void child.ended.then(({ words }) => {
      this.#onEnded(child, words);
    });
    const outcome = await child.started;
    if (outcome !== "serving") return outcome.reason;
    if (this.#child === child) this.#state = "serving";
    return null;
  }

  /** A process for it, or the reason why there can't be one: its log can't be written. */
  #newChild(mayHaveForgotten: boolean): ReplicaChild | string {
    try {
      return new ReplicaChild(this.#dir, this.id, this.#launcher, mayHaveForgotten);
    } catch (error) {
      const reason = sentenceFor(error);
      if (reason === null) throw error;
      this.#state = "gone";
      return reason;
    }
  }

  /** From here on the end of its process is wanted. */
  #release(state: ReplicaState): ReplicaChild | null {
    this.#cancelRestart();
    const child = this.#child;
    this.#child = null;
    this.#isCutOff = false;
    this.#state = state;
    return child;
  }

  #onEnded(child: ReplicaChild, how: string): void {
    if (this.#child !== child) return;
    const wasServing = this.#state === "serving";
    this.#release("gone");
    if (!wasServing && this.#restartsMs.length === 0) return;
    const nowMs = performance.now();
    this.#restartsMs = this.#restartsMs.filter((restartMs) => nowMs - restartMs < MINUTE_MS);
    if (this.#restartsMs.length >= RESTARTS_PER_MINUTE_MAX) {
      this.#note(`${this.#name} ${how}, too often: it stays down. Its log: ${this.#logPath}`);
      return;
    }
    const delayMs = BACKOFF_MS * 2 ** this.#restartsMs.length;
    this.#restartsMs.push(nowMs);
    this.#state = "waiting";
    this.#note(`${this.#name} ${how}: starting it again in ${delayMs} ms`);
    this.#restartTimer = setTimeout(() => void this.#restart(), delayMs);
  }

  async #restart(): Promise<void> {
    const reason = await this.start();
    const news = reason === null ? "serves again" : `does not start: ${reason}`;
    this.#note(`${this.#name} ${news}`);
  }

  #cancelRestart(): void {
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer);
    this.#restartTimer = null;
  }
}

/** Runs all replicas of a cluster on this machine, each in a process of its own. */
export class Supervisor {
  readonly #guardians: readonly Guardian[];

  /**
   * @param replicaCount replicas 0 to `replicaCount` - 1 of the cluster in `dir`.
   * @param launcherOf how each of them is run; here, and as it comes, if left out.
   */
  constructor(
    dir: string,
    replicaCount: number,
    note: Note,
    launcherOf: (id: ReplicaId) => Launcher = () => HERE,
  ) {
    const ids = Array.from({ length: replicaCount }, (_, id) => id);
    this.#guardians = ids.map((id) => new Guardian(dir, id, note, launcherOf(id)));
  }

  /**
   * Starts all replicas. Resolves with null once all serve, or with the reason why one does not.
   * @param forgetful which of them has to make up for votes it may have forgotten, if one has.
   */
  async start(forgetful: ReplicaId | null = null): Promise<string | null> {
    const reasons = await Promise.all(
      this.#guardians.map((guardian) => guardian.start(guardian.id === forgetful)),
    );
    const failed = reasons.findIndex((reason) => reason !== null);
    return failed < 0 ? null : `Replica ${failed} does not start. ${reasons[failed] ?? ""}`;
  }

  /** All replicas, in order. */
  list(): readonly ReplicaListing[] {
    return this.#guardians.map((guardian) => guardian.listing);
  }

  /**
   * Cuts replica `id` off from everybody, or connects it again; a restart connects it too. Resolves
   * once it is so; with false when there is no such replica, or it does not serve.
   */
  async cutOff(id: ReplicaId, isCutOff: boolean): Promise<boolean> {
    return (await this.#guardians[id]?.cutOff(isCutOff)) ?? false;
  }

  /** What replica `id` says of itself and of batch `seq`; null when it does not answer in time. */
  async observe(id: ReplicaId, seq: Seq | null): Promise<Observation | null> {
    return (await this.#guardians[id]?.observe(seq)) ?? null;
  }

  /** Kills replica `id` and leaves it down. False when there is no such replica. */
  async crash(id: ReplicaId): Promise<boolean> {
    const guardian = this.#guardians[id];
    await guardian?.crash();
    return guardian !== undefined;
  }

  /**
   * Starts replica `id` again, killing it first if it runs. Resolves with null once it serves, or
   * with the reason why it does not.
   * @param mayHaveForgotten whether it has to make up for votes it may have forgotten (RS4).
   */
  async restart(id: ReplicaId, mayHaveForgotten = false): Promise<string | null> {
    const guardian = this.#guardians[id];
    if (guardian === undefined) return `there is no replica ${id}`;
    return guardian.restart(mayHaveForgotten);
  }

  /** Kills replica `id` and deletes all that it wrote. False when there is no such replica. */
  async wipe(id: ReplicaId): Promise<boolean> {
    const guardian = this.#guardians[id];
    await guardian?.wipe();
    return guardian !== undefined;
  }

  /**
   * Ends all replicas, for good; resolves once all processes are gone, with whether all of them
   * that ran ended in order.
   */
  async stop(): Promise<boolean> {
    const endings = await Promise.all(this.#guardians.map((guardian) => guardian.stop()));
    return endings.every(Boolean);
  }
}
