/*
 * One run from its seed: a phase in which anything may go wrong, then one in which a core heals.
 */
import type { ReplicaId } from "../../src/core/base/ids.js";
import { liarOf } from "./byzantine/draw-liar.js";
import { type Liar, Villain } from "./byzantine/liar.js";
import { Auditor } from "./checkers/auditor.js";
import { Bounds } from "./checkers/bounds.js";
import { History } from "./checkers/history.js";
import { Linearizability } from "./checkers/linearizability.js";
import { Promises } from "./checkers/promises.js";
import { RegisterSearch } from "./checkers/register-search.js";
import { Votes } from "./checkers/votes.js";
import { SimClient } from "./client.js";
import { FaultDriver } from "./faults.js";
import { Violation } from "./failure.js";
import { accountName, Cast } from "./keys.js";
import { awaitConvergence } from "./liveness.js";
import { Machine } from "./machine.js";
import { Network } from "./network.js";
import type { SimOptions } from "./options.js";
import { Prng } from "./prng.js";
import { type Micros, Scheduler } from "./scheduler.js";
import { Trace } from "./trace.js";
import { Watch } from "./watch.js";
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

/** Runs the world of `options`; `tell` takes the lines of its story. */
export function simulate(
  options: SimOptions,
  tell: ((line: string) => void) | null = null,
): RunResult {
  const prng = new Prng(options.seed);
  const scheduler = new Scheduler(prng.fork("scheduler"));
  const trace = new Trace(scheduler, tell);
  const run = new Simulation(options, { prng, scheduler, trace });
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
function liarAt(world: World, id: ReplicaId): Liar | null {
  const { options, cast, prng } = world;
  const drawn = options.byzantine.find((one) => one.id === id);
  const identity = cast.replicas[id];
  if (drawn === undefined || identity === undefined) return null;
  const { replicaCount, tick, protocol } = options;
  const villain = new Villain({
    ...{ self: id, replicaCount, keys: identity.keys, prng: prng.fork(`villain ${id}`) },
    checkpointInterval: protocol.checkpointIntervalSlots,
    roles: cast.genesis.clients.map(({ role }) => role),
    hush: (replica, length) => {
      world.network.hush(`r${replica}`, length);
      return Math.ceil(length / tick);
    },
  });
  return liarOf(villain, drawn.strategies);
}

type Bare = Pick<World, "prng" | "scheduler" | "trace">;

/** The parts of one run. */
class Simulation {
  readonly #world: World;
  readonly #machines: readonly Machine[];
  readonly #clients: readonly SimClient[];
  readonly #faults: FaultDriver;
  readonly #history: History;
  readonly #search: RegisterSearch;
  #view = 0;

  constructor(options: SimOptions, bare: Bare) {
    const { prng, scheduler, trace } = bare;
    const cast = new Cast(options, prng.fork("cast"));
    const network = new Network({
      options: options.network,
      scheduler,
      prng: prng.fork("network"),
      trace,
    });
    const balanceAtStart = BigInt(options.clients.balanceAtStart);
    const balances = new Map<string, bigint>();
    for (let index = 0; index < options.clients.accountCount; index += 1) {
      balances.set(accountName(index), balanceAtStart);
    }
    this.#history = new History(new Auditor(balances));
    this.#search = new RegisterSearch(balanceAtStart);
    const watch = new Watch([
      this.#history,
      new Votes(options),
      new Promises(options),
      new Linearizability(this.#history.auditor),
      this.#search,
      new Bounds(options),
    ]);
    const onStopped = (machine: Machine): void => {
      this.#faults.restartLater(machine);
    };
    this.#world = { options, prng, scheduler, trace, network, cast, watch, onStopped };
    this.#machines = cast.replicas.map(
      (_, id) => new Machine(this.#world, id, liarAt(this.#world, id)),
    );
    const counter = { next: 0 };
    this.#clients = cast.clients.map((_, id) => new SimClient(this.#world, id, counter));
    this.#faults = new FaultDriver(this.#world, this.#machines, this.#clients);
  }

  run(): void {
    const { scheduler, options } = this.#world;
    for (const machine of this.#machines) machine.start();
    for (const client of this.#clients) client.start();
    this.#faults.start();
    while (scheduler.step(options.safetyPhase));
    this.#faults.stop();
    for (const { isCorrect, process } of this.#machines) {
      if (isCorrect) this.#view = Math.max(this.#view, process?.replica.view ?? 0);
    }
    if (options.isCalm) this.#checkCalm();
    awaitConvergence(this.#world, this.#machines, this.#clients, this.#history);
    this.#search.conclude();
  }

  /** Where nothing went wrong, nobody may have left view 0 (I15). */
  #checkCalm(): void {
    for (const { id, process } of this.#machines) {
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
