/*
 * One run from its seed: a phase in which anything may go wrong, then one in which a core heals.
 */
import type { ReplicaId } from "../../src/core/base/ids.js";
import { adversaryOf } from "./adversaries.js";
import { liarOf } from "./byzantine/draw-liar.js";
import { type Liar, type Plot, Villain } from "./byzantine/liar.js";
import { Attacker } from "./byzantine-clients/attacker.js";
import { clientStrategies } from "./byzantine-clients/draw-attacker.js";
import { Auditor } from "./checkers/auditor.js";
import { Bounds } from "./checkers/bounds.js";
import { Evidence } from "./checkers/evidence.js";
import { History } from "./checkers/history.js";
import { Linearizability } from "./checkers/linearizability.js";
import { Promises } from "./checkers/promises.js";
import { RecoveryTime } from "./checkers/recovery-time.js";
import { RegisterSearch } from "./checkers/register-search.js";
import { Votes } from "./checkers/votes.js";
import { SimClient } from "./client.js";
import { FaultDriver } from "./faults.js";
import { Violation } from "./failure.js";
import { accountsAtStart, Cast } from "./keys.js";
import { awaitConvergence, type Troupe } from "./liveness.js";
import { Machine } from "./machine.js";
import { startLongPause } from "./mishaps.js";
import { Network } from "./network.js";
import type { SimOptions } from "./options.js";
import { Prng } from "./prng.js";
import { type Micros, Scheduler } from "./scheduler.js";
import { Trace } from "./trace.js";
import { type TwinOptions, Twins } from "./twins.js";
import { type ClientWatcher, Watch, type Watcher } from "./watch.js";
import { bentBy } from "./wire.js";
import type { World } from "./world.js";

/** What a run came to. */
export interface RunResult {
  readonly hash: string;
  readonly virtualTime: Micros;
  readonly events: number;
  readonly datagrams: number;
  readonly batches: number;
  readonly operations: number;
  /** The highest view of a correct replica when the storm was over. */
  readonly view: number;
  /** Why it failed, or null. */
  readonly failure: Error | null;
}

/** The parts of a run that a script can reach. */
export interface Stage {
  readonly world: World;
  readonly troupe: Troupe;
}

/** Who watches a run beside the checkers, and what happens in it beside what the options say. */
interface Direction {
  readonly watcher: Watcher & ClientWatcher;
  readonly script: (stage: Stage) => void;
}

/** Runs the world of `options`; `tell` takes the lines of its story. */
export function simulate(
  options: SimOptions,
  tell: ((line: string) => void) | null = null,
  direction: Direction = { watcher: {}, script: () => undefined },
): RunResult {
  const prng = new Prng(options.seed);
  const scheduler = new Scheduler(prng.fork("scheduler"));
  const trace = new Trace(scheduler, tell);
  const run = new Simulation(options, { prng, scheduler, trace }, direction);
  let failure: Error | null = null;
  try {
    run.run();
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    trace.say("FAILURE", () => failure?.stack ?? "");
  }
  return { ...run.result(), failure };
}

/** What replica `id` breaks the rules with; null if it keeps them. */
function liarAt(world: World, id: ReplicaId, plot: Plot): Liar | null {
  const { options, cast, prng } = world;
  const drawn = options.byzantine.find((one) => one.id === id);
  const identity = cast.replicas[id];
  if (drawn === undefined || identity === undefined) return null;
  const { replicaCount, tick, protocol } = options;
  const villain = new Villain({
    ...{ self: id, replicaCount, keys: identity.keys, prng: prng.fork(`villain ${id}`), plot },
    checkpointInterval: protocol.checkpointIntervalSlots,
    viewChangeTicks: protocol.viewChangeTicks,
    roles: cast.genesis.clients.map(({ role }) => role),
    hush: (replica, length) => {
      world.network.hush(`r${replica}`, length);
      return Math.ceil(length / tick);
    },
  });
  return liarOf(villain, drawn.strategies);
}

/** How replica `id` exists twice; null if it does not. */
function twinsOf({ byzantine }: SimOptions, id: ReplicaId): TwinOptions | null {
  return byzantine.find((one) => one.id === id)?.twins ?? null;
}

/** One machine for each replica, and a second one for those that exist twice. */
function buildMachines(world: World): { machines: Machine[]; twins: Twins[] } {
  const { byzantine } = world.options;
  const members = byzantine.map(({ id }) => id);
  const plot = { prng: world.prng.fork("plot"), members, others: new Map() };
  const twins: Twins[] = [];
  const machines = world.cast.replicas.map((_, id) => {
    if (twinsOf(world.options, id) !== null) {
      const pair = new Twins(world, id);
      twins.push(pair);
      return pair.first;
    }
    const liar = liarAt(world, id, plot);
    const wire = liar === null ? world.network : bentBy(liar, world.network);
    return new Machine(world, id, { liar, wire });
  });
  return { machines, twins };
}

type Bare = Pick<World, "prng" | "scheduler" | "trace">;

/** The parts of one run. */
class Simulation {
  readonly #world: World;
  readonly #troupe: Troupe;
  readonly #twins: readonly Twins[];
  readonly #faults: FaultDriver;
  readonly #history: History;
  readonly #linearizability: Linearizability;
  readonly #search: RegisterSearch;
  #view = 0;

  constructor(options: SimOptions, bare: Bare, direction: Direction) {
    const { prng, scheduler, trace } = bare;
    const cast = new Cast(options, prng.fork("cast"));
    const network = new Network({
      options: options.network,
      scheduler,
      prng: prng.fork("network"),
      trace,
    });
    const auditor = new Auditor(accountsAtStart(options));
    this.#history = new History(auditor, options.clients.clientCount);
    const promises = new Promises(options);
    this.#linearizability = new Linearizability(auditor, (seq) => promises.mayBeToldOf(seq));
    this.#search = new RegisterSearch(BigInt(options.clients.balanceAtStart));
    const watch = new Watch([
      this.#history,
      new Votes(options),
      new Evidence(),
      promises,
      this.#linearizability,
      this.#search,
      new Bounds(options),
      new RecoveryTime(options, () => scheduler.now),
      direction.watcher,
    ]);
    const onStopped = (machine: Machine): void => {
      this.#faults.restartLater(machine);
    };
    this.#world = { options, prng, scheduler, trace, network, cast, watch, onStopped };
    const { machines, twins } = buildMachines(this.#world);
    this.#twins = twins;
    const counter = { next: 0 };
    const { clientCount } = options.clients;
    const ids = cast.clients.map((_, id) => id);
    this.#troupe = {
      machines,
      doubles: twins.map(({ second }) => second),
      clients: ids.slice(0, clientCount).map((id) => new SimClient(this.#world, id, counter)),
      attackers: ids.slice(clientCount).map((id) => new Attacker(this.#world, id)),
    };
    this.#faults = new FaultDriver(this.#world, machines, this.#troupe.clients);
    direction.script({ world: this.#world, troupe: this.#troupe });
  }

  run(): void {
    const { scheduler, options } = this.#world;
    const { machines, clients } = this.#troupe;
    for (const machine of machines) machine.start();
    for (const client of clients) client.start();
    this.#startEvil();
    this.#faults.start();
    startLongPause(this.#world, machines);
    while (scheduler.step(options.safetyPhase));
    this.#faults.stop();
    for (const { isCorrect, process } of machines) {
      if (isCorrect) this.#view = Math.max(this.#view, process?.replica.view ?? 0);
    }
    if (options.isCalm) this.#checkCalm();
    awaitConvergence(this.#world, this.#troupe, this.#history);
    this.#linearizability.conclude();
    this.#search.conclude();
  }

  #startEvil(): void {
    const { options, network, prng, scheduler } = this.#world;
    for (const [index, attacker] of this.#troupe.attackers.entries()) {
      attacker.start(clientStrategies(options.attackers[index] ?? []));
    }
    for (const name of options.adversaries) {
      network.interfere(adversaryOf(name, { prng: prng.fork(`adversary ${name}`), scheduler }));
    }
    for (const pair of this.#twins) {
      const drawn = twinsOf(options, pair.first.id);
      if (drawn !== null) pair.start(drawn);
    }
  }

  /** Where nothing went wrong, nobody may have left view 0 (I15). */
  #checkCalm(): void {
    for (const { id, process } of this.#troupe.machines) {
      const view = process?.replica.view ?? 0;
      if (view === 0) continue;
      const sentence = `replica ${id} is in view ${view} although nothing went wrong`;
      throw new Violation("I15 spurious view change", sentence);
    }
  }

  result(): Omit<RunResult, "failure"> {
    const { scheduler, trace, network } = this.#world;
    return {
      hash: trace.hash,
      virtualTime: scheduler.now,
      events: scheduler.eventCount,
      datagrams: network.datagramCount,
      batches: this.#history.headSeq,
      operations: this.#history.auditor.position,
      view: this.#view,
    };
  }
}
