import { assert } from "../../src/core/base/assert.js";
import type { ReplicaId } from "../../src/core/base/ids.js";
import type { SocketAddress } from "../../src/io/udp-socket.js";
import type { Liar } from "./byzantine/liar.js";
import { JournalDisk } from "./disk.js";
import { rotJournal } from "./journal.js";
import type { Identity } from "./keys.js";
import { mishapOf } from "./mishaps.js";
import type { Prng } from "./prng.js";
import { MachineStopped, ReplicaProcess } from "./process.js";
import { type Micros, MS } from "./scheduler.js";
import { StoreDisk } from "./store.js";
import type { ClientWatcher, Watcher } from "./watch.js";
import type { Wire } from "./wire.js";
import type { World } from "./world.js";

/** Most that a write or a transaction takes on average where nothing is wrong. */
const HEALED_DISK_MEAN = 3 * MS;

/** What makes one machine unlike others. */
interface MachineParts {
  readonly liar: Liar | null;
  readonly wire: Wire;
  /** Tells two machines of one replica apart. */
  readonly life?: string;
}

/** A write or a transaction. */
interface DiskWork {
  readonly mean: Micros;
  /** How much later it is done than usual; null: it fails. */
  readonly mishap: Micros | null;
  readonly what: string;
}

/** One replica's machine: its disks outlive the processes that run on it. */
export class Machine {
  readonly id: ReplicaId;
  readonly world: World;
  readonly identity: Identity;
  readonly address: SocketAddress;
  readonly journalDisk: JournalDisk;
  readonly storeDisk: StoreDisk;
  readonly prng: Prng;
  /** What makes this replica Byzantine; null for a correct one. */
  readonly liar: Liar | null;
  /** What its sockets are plugged into. */
  readonly wire: Wire;
  /** When the last state that was fetched here is read in; in the past: it is. */
  readingUntil: Micros = 0;
  readonly #mishaps: Prng;
  readonly #hashing: Prng;
  #process: ReplicaProcess | null = null;
  #tickerEpoch = 0;
  /** What waits for the end of a pause; null while there is none. */
  #frozen: (() => void)[] | null = null;
  /** Effects left to carry out before the machine stops; null: it goes on. */
  #effectsLeft: number | null = null;
  readonly #tickLength: Micros;
  #isHealed = false;
  #isAmnesiac = false;
  #startsOver = false;

  constructor(world: World, id: ReplicaId, { liar, wire, life = "" }: MachineParts) {
    const identity = world.cast.replicas[id];
    assert(identity !== undefined, "the replica is part of the cast");
    this.id = id;
    this.world = world;
    this.identity = identity;
    this.liar = liar;
    this.wire = wire;
    this.address = { address: `r${id}`, port: 1 };
    this.prng = world.prng.fork(`machine ${id}${life}`);
    this.#mishaps = this.prng.fork("mishaps");
    this.#hashing = this.prng.fork("hashing");
    const { tick, faults } = world.options;
    this.journalDisk = new JournalDisk(this.prng.fork("journal"), faults.lostShare);
    this.storeDisk = new StoreDisk(this.prng.fork("store"), faults.lostShare);
    this.#tickLength = tick * (1 + this.prng.range(-faults.driftMax, faults.driftMax));
  }

  /** The running process, or null while the machine is down. */
  get process(): ReplicaProcess | null {
    return this.#process;
  }

  get isCorrect(): boolean {
    return this.liar === null;
  }

  /** Whether this replica may have forgotten its votes and may not vote yet (RS4). */
  get isAmnesiac(): boolean {
    return this.#isAmnesiac;
  }

  /** Whether the operator says that the disks are new; true once. */
  takeStartOver(): boolean {
    const startsOver = this.#startsOver;
    this.#startsOver = false;
    return startsOver;
  }

  /** The machine gets new disks, and its operator says so at the next start (F8). */
  wipe(): void {
    this.stop();
    this.world.trace.say(`r${this.id}`, () => "loses its disks");
    this.journalDisk.wipe();
    this.storeDisk.wipe();
    this.#startsOver = true;
    this.#forget();
  }

  /** What the journal's disk holds is damaged (F7). */
  rot(): void {
    this.stop();
    if (!rotJournal(this.journalDisk, this.identity.keys)) return;
    this.world.trace.say(`r${this.id}`, () => "has a damaged journal");
    this.#forget();
  }

  /** The database is gone, and the journal is not. */
  loseDatabase(): void {
    this.stop();
    this.world.trace.say(`r${this.id}`, () => "loses its database");
    this.storeDisk.wipe();
    this.#forget();
  }

  #forget(): void {
    this.#isAmnesiac = true;
    this.tell((watcher) => watcher.onForgotten?.(this.id));
  }

  /** For the process: the replica has made up for what it forgot. */
  remembers(): void {
    this.#isAmnesiac = false;
  }

  /** Starts a process on what the disks hold. */
  start(): void {
    assert(this.#process === null, "one process at a time");
    this.world.trace.say(`r${this.id}`, () => "starts");
    this.world.trace.note(2, this.id);
    this.#effectsLeft = null;
    this.#process = new ReplicaProcess(this);
    this.wire.attach(this.address, (bytes, from) => {
      this.#run((process) => {
        process.receive(bytes, from);
      });
    });
    this.#tickerEpoch += 1;
    this.#tickLater(this.#tickerEpoch, this.prng.range(0, this.#tickLength));
  }

  /** Stops at once: what was not durable meets its fate. */
  stop(): void {
    if (this.#process === null) return;
    this.world.trace.say(`r${this.id}`, () => "stops");
    this.world.trace.note(3, this.id);
    this.#process = null;
    this.#tickerEpoch += 1;
    this.#frozen = null;
    this.#effectsLeft = null;
    this.wire.attach(this.address, null);
    this.journalDisk.crash();
    this.storeDisk.crash();
  }

  /** Stops in the middle of carrying out what some coming event asks for. */
  stopWithin(effectCount: number): void {
    if (this.#process !== null) this.#effectsLeft = effectCount;
  }

  /** Freezes the process; `thaw` lets it go on with what came meanwhile. */
  freeze(): void {
    if (this.#process !== null) this.#frozen ??= [];
  }

  thaw(): void {
    const waiting = this.#frozen ?? [];
    this.#frozen = null;
    for (const action of waiting) action();
  }

  /** Nothing harms this machine any more, and its disks are as fast as disks are. */
  heal(): void {
    this.#isHealed = true;
    this.#effectsLeft = null;
    this.thaw();
  }

  /** For the process: one effect is about to be carried out. */
  beforeEffect(): void {
    if (this.#effectsLeft === null) return;
    this.#effectsLeft -= 1;
    if (this.#effectsLeft < 0) throw new MachineStopped("the machine stops here");
  }

  /** Tells the checkers what a correct replica does. */
  tell(tell: (watcher: Watcher & ClientWatcher) => void): void {
    if (this.isCorrect) this.world.watch.tell(tell);
  }

  afterSync(process: ReplicaProcess, run: () => void): void {
    const { faults, mishaps } = this.world.options;
    const { syncStallShare, syncErrorShare } = mishaps;
    const mishap = this.#mishap(syncStallShare, syncErrorShare);
    this.#afterDisk(process, { mean: faults.syncMean, mishap, what: "its disk" }, run);
  }

  afterCommit(process: ReplicaProcess, run: () => void): void {
    const { faults, mishaps } = this.world.options;
    const { storeStallShare, storeErrorShare } = mishaps;
    const mishap = this.#mishap(storeStallShare, storeErrorShare);
    this.#afterDisk(process, { mean: faults.storeMean, mishap, what: "its database" }, run);
  }

  /** Runs `execute` at once, or as late as a ledger that rests makes it. */
  whenLedgerMay(process: ReplicaProcess, execute: () => void): void {
    const delay = this.#mishap(this.world.options.mishaps.executionStallShare, 0) ?? 0;
    if (delay === 0) execute();
    else this.#later(process, delay, execute);
  }

  /** Runs `tell` at once, or as late as a large state has its root; execution goes on. */
  whenPinIsHashed(process: ReplicaProcess, tell: () => void): void {
    const { storeMean } = this.world.options.faults;
    if (this.#hashing.chance(0.5)) tell();
    else this.#later(process, this.#hashing.exponential(storeMean), tell);
  }

  /** Runs `install` at once, or once a large state that was fetched is read in. */
  whenStateIsRead(process: ReplicaProcess, install: () => void): void {
    const { readingMax } = this.world.options.mishaps;
    if (this.#isHealed || readingMax === 0) {
      install();
      return;
    }
    const duration = this.#mishaps.range(0, readingMax);
    this.readingUntil = this.world.scheduler.now + duration;
    this.#later(process, duration, install);
  }

  #mishap(stallShare: number, errorShare: number): Micros | null {
    return this.#isHealed ? 0 : mishapOf(this.#mishaps, stallShare, errorShare);
  }

  /** What fails is never tried again: the process ends, and another one begins from the disks. */
  #afterDisk(process: ReplicaProcess, work: DiskWork, run: () => void): void {
    const delay = this.#diskDelay(work.mean);
    if (work.mishap !== null) {
      this.#later(process, delay + work.mishap, run);
      return;
    }
    this.#later(process, delay, () => {
      this.world.trace.say(`r${this.id}`, () => `cannot go on: ${work.what} failed`);
      throw new MachineStopped(`${work.what} failed`);
    });
  }

  #diskDelay(mean: Micros): Micros {
    return this.prng.exponential(this.#isHealed ? Math.min(mean, HEALED_DISK_MEAN) : mean);
  }

  #later(process: ReplicaProcess, delay: Micros, run: () => void): void {
    this.world.scheduler.after(delay, () => {
      if (this.#process !== process) return;
      this.#run(() => {
        process.resume(run);
      });
    });
  }

  #tickLater(epoch: number, delay: Micros): void {
    this.world.scheduler.after(delay, () => {
      if (epoch !== this.#tickerEpoch) return;
      this.#tickLater(epoch, this.#tickLength);
      // A paused process gets one tick, not all that it missed.
      if (this.#frozen !== null) return;
      this.#run((process) => {
        process.tick();
      });
    });
  }

  #run(action: (process: ReplicaProcess) => void): void {
    const process = this.#process;
    if (process === null) return;
    if (this.#frozen !== null) {
      this.#frozen.push(() => {
        if (this.#process === process) this.#run(action);
      });
      return;
    }
    try {
      action(process);
    } catch (error) {
      if (!(error instanceof MachineStopped)) this.#onError(error);
      this.stop();
      this.world.onStopped(this);
    }
  }

  /** A liar that trips over its own lies just stops; a correct replica must never fail. */
  #onError(error: unknown): void {
    if (this.isCorrect) throw error;
    this.world.trace.say(`r${this.id}`, () => `trips: ${String(error)}`);
  }
}
