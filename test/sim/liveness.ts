/*
 * After the storm (I13, I14): a random core of correct replicas is healed, the others are stopped,
 * and the core must answer every client and come to one state by itself. Otherwise: what is stuck,
 * in words.
 */
import { hexOf } from "../../src/core/base/bytes.js";
import { quorumsOf } from "../../src/core/base/quorum.js";
import type { History } from "./checkers/history.js";
import type { SimClient } from "./client.js";
import { Violation } from "./failure.js";
import type { Machine } from "./machine.js";
import type { NetworkOptions } from "./options.js";
import type { ReplicaProcess } from "./process.js";
import { MS, SECOND } from "./scheduler.js";
import type { World } from "./world.js";

/** How often it is looked whether the core has converged. */
const LOOK_EVERY = 50 * MS;

/** Heals a core and waits for it. @throws Violation when it does not converge. */
export function awaitConvergence(
  world: World,
  machines: readonly Machine[],
  clients: readonly SimClient[],
  history: History,
): void {
  const core = heal(world, machines);
  for (const client of clients) client.finish();
  const { scheduler, options } = world;
  const end = scheduler.now + options.livenessPhase;
  while (scheduler.now < end) {
    const until = scheduler.now + LOOK_EVERY;
    while (scheduler.step(until));
    if (whatIsStuck(core, clients, history) === null) return;
  }
  const seconds = options.livenessPhase / SECOND;
  const stuck = whatIsStuck(core, clients, history) ?? "nothing";
  throw new Violation("I13 liveness", `after ${seconds} s in peace, ${stuck}`);
}

/** Makes the network good, stops all but a core of Q correct replicas, and starts those. */
function heal(world: World, machines: readonly Machine[]): Machine[] {
  const prng = world.prng.fork("liveness");
  const { strong } = quorumsOf(machines.length);
  const correct = machines.filter(({ isCorrect }) => isCorrect);
  // Who may not vote yet is part of the core too, and no part of the quorum that it needs.
  const forgetful = correct.filter(({ isAmnesiac }) => isAmnesiac);
  const voting = correct.filter(({ isAmnesiac }) => !isAmnesiac);
  const core = [...prng.sample(voting, prng.between(strong, voting.length)), ...forgetful];
  world.trace.say("liveness", () => `core ${core.map(({ id }) => id).join(" ")}`);
  const { network } = world.options;
  const delayMin = Math.max(network.delayMin, network.healedDelayMin);
  world.network.change({ ...network, ...PEACE, delayMin });
  for (const machine of machines) {
    machine.heal();
    const isLiarAtLarge = !machine.isCorrect && prng.chance(0.5);
    if (!core.includes(machine) && !isLiarAtLarge) machine.stop();
    else if (machine.process === null) machine.start();
  }
  return core;
}

const PEACE: Partial<NetworkOptions> = {
  delayMean: 2 * MS,
  lossShare: 0,
  duplicateShare: 0,
  replayShare: 0,
  corruptShare: 0,
  lossyKinds: [],
};

function whatIsStuck(
  core: readonly Machine[],
  clients: readonly SimClient[],
  history: History,
): string | null {
  for (const client of clients) {
    if (client.pendingCount > 0) {
      return `client ${client.id} waits for ${client.pendingCount} operations; ${states(core)}`;
    }
  }
  const roots = new Set<string>();
  for (const machine of core) {
    const { process } = machine;
    if (process === null) return `replica ${machine.id} is down`;
    if (process.replica.executedSeq < history.headSeq) {
      return `replica ${machine.id} is not at batch ${history.headSeq}; ${states(core)}`;
    }
    if (machine.isAmnesiac) return `replica ${machine.id} may not vote yet; ${states(core)}`;
    roots.add(hexOf(process.ledger.root()));
  }
  return roots.size === 1 ? null : `the core has ${roots.size} different states`;
}

function states(core: readonly Machine[]): string {
  return core.map(({ id, process }) => `r${id} ${stateOf(process)}`).join("; ");
}

function stateOf(process: ReplicaProcess | null): string {
  if (process === null) return "is down";
  const { view, active, stableSeq, executedSeq, pendingCount, transferring } = process.replica;
  const doing = [
    `is in view ${view}${active ? "" : " (changing)"}`,
    `stable ${stableSeq}`,
    `executed ${executedSeq}`,
    `${pendingCount} pending`,
  ];
  if (transferring) doing.push("fetching state");
  const { rejoin } = process.replica;
  if (rejoin !== null) {
    const { bounds, answerCount } = rejoin;
    const past = bounds === null ? "unknown" : `${bounds.seq} and view ${bounds.view}`;
    doing.push(`rejoining past ${past} with ${answerCount} answers`);
  }
  return doing.join(", ");
}
