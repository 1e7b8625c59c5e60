/*
 * What goes wrong, and when: crashes, power cuts, pauses, clogged links and partitions.
 */
import { quorumsOf } from "../../src/core/base/quorum.js";
import type { SimClient } from "./client.js";
import type { Machine } from "./machine.js";
import type { Prng } from "./prng.js";
import type { Micros } from "./scheduler.js";
import type { World } from "./world.js";

/** Most effects that are carried out before a machine stops in the middle of things. */
const EFFECTS_BEFORE_STOP_MAX = 12;

/** Drives the faults of one run until it is told to stop. */
export class FaultDriver {
  readonly #world: World;
  readonly #prng: Prng;
  readonly #machines: readonly Machine[];
  readonly #clients: readonly SimClient[];
  readonly #forgetPrng: Prng;
  #isOver = false;

  constructor(world: World, machines: readonly Machine[], clients: readonly SimClient[]) {
    this.#world = world;
    this.#prng = world.prng.fork("faults");
    this.#forgetPrng = world.prng.fork("forget");
    this.#machines = machines;
    this.#clients = clients;
  }

  /** Lets everything begin that the options ask for. */
  start(): void {
    const { faults, network, clients } = this.#world.options;
    this.#repeat(faults.crashEvery, () => {
      this.#crash();
    });
    this.#repeat(this.#world.options.forgetEvery, () => {
      this.#forget();
    });
    this.#repeat(faults.pauseEvery, () => {
      this.#pause();
    });
    this.#repeat(network.clogEvery, () => {
      this.#clog();
    });
    this.#repeat(network.partitionEvery, () => {
      this.#partition();
    });
    this.#repeat(clients.crashEvery, () => {
      this.#prng.pick(this.#clients).crash();
    });
  }

  /** Nothing goes wrong from now on. */
  stop(): void {
    this.#isOver = true;
  }

  /** Starts a stopped machine again after a while, as an operator or a supervisor would. */
  restartLater(machine: Machine): void {
    const delay = this.#prng.exponential(this.#world.options.faults.downMean);
    // In peace only those run that shall; a write that was begun before may still fail there.
    const isPeace = this.#isOver;
    this.#world.scheduler.after(delay, () => {
      if (this.#isOver === isPeace && machine.process === null) machine.start();
    });
  }

  #repeat(every: Micros, act: () => void): void {
    if (every === 0) return;
    this.#world.scheduler.after(this.#prng.exponential(every), () => {
      if (this.#isOver) return;
      act();
      this.#repeat(every, act);
    });
  }

  #crash(): void {
    const { powerCutShare, midStepShare } = this.#world.options.faults;
    if (this.#prng.chance(powerCutShare)) {
      for (const machine of this.#machines) this.#stop(machine);
      return;
    }
    const machine = this.#prng.pick(this.#machines);
    if (this.#prng.chance(midStepShare)) {
      machine.stopWithin(this.#prng.below(EFFECTS_BEFORE_STOP_MAX));
    } else this.#stop(machine);
  }

  #stop(machine: Machine): void {
    if (machine.process === null) return;
    machine.stop();
    this.restartLater(machine);
  }

  /** Some replica forgets what it promised, perhaps one that has not made up for the last time. */
  #forget(): void {
    const prng = this.#forgetPrng;
    const { faultsMax } = quorumsOf(this.#machines.length);
    const faulty = this.#machines.filter(({ isCorrect, isAmnesiac }) => !isCorrect || isAmnesiac);
    const mayAnother = faulty.length < faultsMax;
    const able = this.#machines.filter(
      ({ isCorrect, isAmnesiac }) => isCorrect && (isAmnesiac || mayAnother),
    );
    if (able.length === 0) return;
    const machine = prng.pick(able);
    const wasUp = machine.process !== null;
    prng.pick([
      () => {
        machine.wipe();
      },
      () => {
        machine.rot();
      },
      () => {
        machine.loseDatabase();
      },
    ])();
    if (wasUp) this.restartLater(machine);
  }

  #pause(): void {
    const machine = this.#prng.pick(this.#machines);
    const { pauseMean } = this.#world.options.faults;
    this.#world.trace.say(`r${machine.id}`, () => "freezes");
    machine.freeze();
    this.#world.scheduler.after(this.#prng.exponential(pauseMean), () => {
      machine.thaw();
    });
  }

  #clog(): void {
    const hosts = this.#hosts();
    const [from, to] = this.#prng.sample(hosts, 2);
    if (from === undefined || to === undefined) return;
    const { clogMean } = this.#world.options.network;
    this.#world.network.clog(from, to, this.#prng.exponential(clogMean));
  }

  /** Cuts the hosts in two; an asymmetric partition cuts one direction only. */
  #partition(): void {
    const { network, options, scheduler, trace } = this.#world;
    const isolated = this.#prng.chance(0.4) ? this.#prng.sample(this.#hosts(), 1) : null;
    const left = isolated ?? this.#hosts().filter(() => this.#prng.chance(0.5));
    const right = this.#hosts().filter((host) => !left.includes(host));
    trace.say("network", () => `cuts ${left.join(" ")} from ${right.join(" ")}`);
    for (const from of left) {
      for (const to of right) {
        network.cut(from, to);
        if (options.network.partitionIsSymmetric) network.cut(to, from);
      }
    }
    scheduler.after(this.#prng.exponential(options.network.partitionMean), () => {
      if (this.#isOver) return;
      trace.say("network", () => "mends");
      network.mend();
    });
  }

  #hosts(): string[] {
    const replicas = this.#machines.map(({ id }) => `r${id}`);
    return [...replicas, ...this.#clients.map(({ id }) => `c${id}`)];
  }
}
