/*
 * After the storm (I13, I14): a random core of correct replicas is healed, the others are stopped
 * or cut off in one direction for good, and the core must answer every client and come to one state
 * by itself. Then whoever was away comes back, and must catch up although no client asks for
 * anything any more. Otherwise: what is stuck, in words. None of that may take longer than T, the
 * delays and the number of those who are away explain (I16).
 */
import { hexOf } from "../../src/core/base/bytes.js";
import { quorumsOf } from "../../src/core/base/quorum.js";
import type { Attacker } from "./byzantine-clients/attacker.js";
import { checkRecovery, recoveryBounds } from "./checkers/recovery-time.js";
import type { History } from "./checkers/history.js";
import type { SimClient } from "./client.js";
import { Violation } from "./failure.js";
import type { Machine } from "./machine.js";
import type { NetworkOptions } from "./options.js";
import type { Prng } from "./prng.js";
import type { ReplicaProcess } from "./process.js";
import { type Micros, MS, SECOND } from "./scheduler.js";
import type { World } from "./world.js";

/** How often it is looked whether the core has converged. */
const LOOK_EVERY = 50 * MS;

/** Share of the correct replicas outside the core that go on, but only hear, or are only heard. */
const HALF_CONNECTED_SHARE = 0.3;

/** Most time that a replica which was away may need to catch up. */
const CATCH_UP_MAX = 60 * SECOND;

/** Who takes part in a run. */
export interface Troupe {
  /** One for each replica. */
  readonly machines: readonly Machine[];
  /** The second instances of twins. */
  readonly doubles: readonly Machine[];
  readonly clients: readonly SimClient[];
  readonly attackers: readonly Attacker[];
}

/** Heals a core and waits for it. @throws Violation when it does not converge, or not in time. */
export function awaitConvergence(world: World, troupe: Troupe, history: History): void {
  const { clients, attackers } = troupe;
  const prng = world.prng.fork("liveness");
  const core = drawCore(troupe, prng);
  world.trace.say("liveness", () => `core ${core.map(({ id }) => id).join(" ")}`);
  heal(world, troupe, core, prng);
  for (const client of clients) client.finish();
  const limit = world.options.livenessPhase;
  const voting = core.filter(({ isAmnesiac }) => !isAmnesiac).length;
  const waiting = Math.max(...core.map(({ process }) => process?.replica.pendingCount ?? 0));
  const absent = troupe.machines.length - voting;
  const outset = { absent, waiting, reading: readingLeft(world, core) };
  const bounds = recoveryBounds(world.options, outset);
  let wholeSince = world.scheduler.now;
  waitUntil(world, limit, "I13 liveness", () => {
    // A write that was under way may still end one of them.
    if (core.some(({ process }) => process === null)) wholeSince = world.scheduler.now;
    return whoWaits(clients, core);
  });
  checkRecovery("served", world.scheduler.now - wholeSince, bounds.served);
  // Byzantine clients have had their chance to harm the others; they would go on for ever.
  for (const attacker of attackers) attacker.stop();
  const isAtOne = (): string | null => whoWaits(clients, core) ?? whoIsBehind(core, history);
  const converged = waitUntil(world, limit, "I13 liveness", isAtOne);
  // Who forgot its votes waits for many batches, each of which others must bring about (RS4).
  if (voting === core.length) checkRecovery("converged", converged, bounds.converged);
  const all = comeBack(world, troupe);
  // Who only heard may have begun to read a state in before the network was healed.
  const late = { ...outset, reading: readingLeft(world, all) };
  const areAllAtOne = (): string | null => whoIsBehind(all, history);
  const caughtUp = waitUntil(world, CATCH_UP_MAX, "I14 catch-up", areAllAtOne);
  checkRecovery("caughtUp", caughtUp, recoveryBounds(world.options, late).caughtUp);
}

/** How long it takes until the last state that one of `machines` is reading in is read. */
function readingLeft({ scheduler }: World, machines: readonly Machine[]): Micros {
  return Math.max(0, ...machines.map(({ readingUntil }) => readingUntil - scheduler.now));
}

/** Whoever is correct, so many that they can go on without the others. */
function drawCore({ machines }: Troupe, prng: Prng): Machine[] {
  const { strong } = quorumsOf(machines.length);
  const correct = machines.filter(({ isCorrect }) => isCorrect);
  // Who may not vote yet is part of the core too, and no part of the quorum that it needs.
  const forgetful = correct.filter(({ isAmnesiac }) => isAmnesiac);
  const voting = correct.filter(({ isAmnesiac }) => !isAmnesiac);
  return [...prng.sample(voting, prng.between(strong, voting.length)), ...forgetful];
}

/** Makes the network good, and starts the core; half of the liars stay at large. */
function heal(world: World, troupe: Troupe, core: readonly Machine[], prng: Prng): void {
  const { network } = world.options;
  const delayMin = Math.max(network.delayMin, network.healedDelayMin);
  world.network.change({ ...network, ...PEACE, delayMin });
  const halves = prng.fork("half-connected");
  for (const machine of troupe.machines) {
    const double = troupe.doubles.find(({ id }) => id === machine.id);
    machine.heal();
    double?.heal();
    const isLiarAtLarge = !machine.isCorrect && prng.chance(0.5);
    if (core.includes(machine) || isLiarAtLarge) startAgain(machine);
    else if (machine.isCorrect && halves.chance(HALF_CONNECTED_SHARE)) {
      startAgain(machine);
      cutHalf(world, troupe, machine, halves);
    } else {
      machine.stop();
      double?.stop();
    }
  }
}

function startAgain(machine: Machine): void {
  if (machine.process === null) machine.start();
}

/** From now on this replica is heard and hears nothing, or the other way round. */
function cutHalf(world: World, troupe: Troupe, machine: Machine, prng: Prng): void {
  const { network, trace } = world;
  const isHeard = prng.chance(0.5);
  trace.say("liveness", () => `r${machine.id} ${isHeard ? "is only heard" : "only hears"}`);
  const replicas = troupe.machines.filter((other) => other !== machine).map(({ id }) => `r${id}`);
  for (const host of [...replicas, ...troupe.clients.map(({ id }) => `c${id}`)]) {
    if (isHeard) network.cut(host, `r${machine.id}`);
    else network.cut(`r${machine.id}`, host);
  }
}

/** Brings every correct replica back, and every link. */
function comeBack(world: World, { machines }: Troupe): Machine[] {
  world.network.mend();
  const correct = machines.filter(({ isCorrect }) => isCorrect);
  for (const machine of correct) startAgain(machine);
  return correct;
}

const PEACE: Partial<NetworkOptions> = {
  delayMean: 2 * MS,
  lossShare: 0,
  duplicateShare: 0,
  replayShare: 0,
  corruptShare: 0,
  lossyKinds: [],
};

/**
 * Lets time pass until nothing is stuck any more, and says how long it took.
 * @throws Violation when that takes longer than `limit`.
 */
function waitUntil(
  { scheduler }: World,
  limit: Micros,
  breach: "I13 liveness" | "I14 catch-up",
  whatIsStuck: () => string | null,
): Micros {
  const begun = scheduler.now;
  for (;;) {
    const stuck = whatIsStuck();
    const taken = scheduler.now - begun;
    if (stuck === null) return taken;
    if (taken >= limit) throw new Violation(breach, `after ${limit / SECOND} s in peace, ${stuck}`);
    const until = scheduler.now + LOOK_EVERY;
    while (scheduler.step(until));
  }
}

function whoWaits(clients: readonly SimClient[], core: readonly Machine[]): string | null {
  const waiting = clients.find(({ pendingCount }) => pendingCount > 0);
  if (waiting === undefined) return null;
  return `client ${waiting.id} waits for ${waiting.pendingCount} operations; ${states(core)}`;
}

function whoIsBehind(machines: readonly Machine[], history: History): string | null {
  const roots = new Set<string>();
  for (const { id, process, isAmnesiac } of machines) {
    if (process === null) return `replica ${id} is down`;
    if (process.replica.executedSeq < history.headSeq) {
      return `replica ${id} is not at batch ${history.headSeq}; ${states(machines)}`;
    }
    if (isAmnesiac) return `replica ${id} may not vote yet; ${states(machines)}`;
    roots.add(hexOf(process.ledger.root()));
  }
  return roots.size === 1 ? null : `there are ${roots.size} different states`;
}

function states(machines: readonly Machine[]): string {
  return machines.map(({ id, process }) => `r${id} ${stateOf(process)}`).join("; ");
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
