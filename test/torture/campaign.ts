import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Durability } from "../../src/io/config-schema.js";
import { Prng } from "../sim/prng.js";
import type { KillOrder } from "./kill-points.js";
import { nowMicros } from "./load.js";
import { describe, type Operation } from "./operation.js";
import { describePlan, drawLoad, drawPlan, drawSettings } from "./plan.js";
import { type FaultKind, type Plan, faultName } from "./plan.js";
import { count, Tally } from "./tally.js";
import type { TorturedDatabase } from "./tortured-database.js";
import { TorturedCluster } from "./tortured-cluster.js";
import type { Death, TorturedReplica } from "./tortured-replica.js";
import { surprise, Violation } from "./violation.js";

/** What a campaign is. */
export interface CampaignOptions {
  /** Everything that is drawn comes from it. */
  readonly seed: string;
  readonly cycles: number;
  readonly replicaCount: number;
  readonly durability: Durability;
  readonly database: TorturedDatabase;
  readonly faults: readonly FaultKind[];
  /** Cycles that one cluster has to bear before the next one takes its place. */
  readonly cyclesPerCluster: number;
  /** How long anything may take to come back. */
  readonly patienceMs: number;
  /** Clusters are made in it, and left there when they broke a promise. */
  readonly dir: string;
  /** Ends the campaign early, in order. */
  readonly signal: AbortSignal;
  /** Hears of every cycle. */
  readonly note: (line: string) => void;
}

/** What came of a campaign. */
export interface CampaignResult {
  readonly tally: Tally;
  readonly elapsedMs: number;
  /** What was broken, in which cycle, and where the evidence is; null when nothing was. */
  readonly violation: string | null;
}

/** How long a process may take to reach the moment at which it is to die. */
const POINT_TIMEOUT_MS = 1_500;

const POLL_MS = 25;
const MICROS_PER_MS = 1_000;

/** An order for a moment that never comes. */
const NEVER: KillOrder = { operation: "never", phase: "before", countdown: 1 };

/** Tortures clusters until all cycles are done, or a promise is broken. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const campaign = new Campaign(options);
  const violation = await campaign.run();
  return { tally: campaign.tally, elapsedMs: campaign.elapsedMs, violation };
}

class Campaign {
  readonly tally = new Tally();
  readonly #options: CampaignOptions;
  readonly #prng: Prng;
  readonly #startedMs = performance.now();
  /** What nobody waits for before the next cycle. */
  readonly #measurements = new Set<Promise<void>>();
  /** The first broken promise that showed outside of the flow of a cycle. */
  #violation: Violation | null = null;
  #numberLast = 0;

  constructor(options: CampaignOptions) {
    this.#options = options;
    this.#prng = new Prng(`${options.seed}/torture`);
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  async run(): Promise<string | null> {
    const { cycles, dir, signal } = this.#options;
    mkdirSync(dir, { recursive: true });
    while (this.tally.cycles < cycles && !signal.aborted) {
      const clusterDir = mkdtempSync(join(dir, "cluster-"));
      const violation = await this.#torture(clusterDir);
      if (violation !== null) return violation;
      rmSync(clusterDir, { recursive: true, force: true, maxRetries: 5 });
    }
    return null;
  }

  /** One cluster's life. Resolves with what it broke. */
  async #torture(dir: string): Promise<string | null> {
    const { replicaCount, durability, database, patienceMs, note } = this.#options;
    const prng = this.#prng.fork(`cluster ${this.tally.clusters}`);
    this.tally.clusters += 1;
    const settings = drawSettings(prng);
    const load = drawLoad(prng, patienceMs);
    const workerCount = prng.pick([0, 0, 1]);
    note(
      `cluster ${this.tally.clusters}: ${JSON.stringify({ ...settings, ...load, workerCount })}`,
    );
    let cluster: TorturedCluster | null = null;
    try {
      cluster = await TorturedCluster.start({
        ...{ dir, replicaCount, durability, settings, load, workerCount, prng },
        ...database.place(dir, `torture_${this.tally.clusters}`),
        numberLast: this.#numberLast,
        onDeath: (death) => this.#onDeath(death),
      });
      await this.#cycles(cluster);
      await this.#audit(cluster);
      return null;
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      return this.#keepEvidence(dir, error);
    } finally {
      this.#numberLast = cluster?.load.numberLast ?? this.#numberLast;
      await cluster?.stop();
      await Promise.all(this.#measurements);
    }
  }

  async #cycles(cluster: TorturedCluster): Promise<void> {
    const { cycles, cyclesPerCluster, replicaCount, faults, note, signal } = this.#options;
    const last = Math.min(cycles, this.tally.cycles + cyclesPerCluster);
    while (this.tally.cycles < last && !signal.aborted) {
      const cycle = this.tally.cycles + 1;
      const plan = drawPlan(this.#prng.fork(`cycle ${cycle}`), replicaCount, faults);
      note(`cycle ${cycle}: ${describePlan(plan)}`);
      await this.#cycle(cluster, plan);
      this.tally.cycles = cycle;
      count(this.tally.faults, faultName(plan, replicaCount));
    }
  }

  async #cycle(cluster: TorturedCluster, plan: Plan): Promise<void> {
    await sleep(plan.leadMs);
    this.#measureOutage(cluster);
    await this.#inflict(cluster, plan);
    if (plan.settling !== "nothing") await cluster.allServe();
    if (this.#violation !== null) throw this.#violation;
    if (plan.settling === "audit") await this.#audit(cluster);
  }

  async #inflict(cluster: TorturedCluster, plan: Plan): Promise<void> {
    const victims = plan.victims.flatMap((id) => cluster.replicas[id] ?? []);
    switch (plan.kind) {
      case "kill":
      case "kill-all":
        await killAll(victims);
        return this.#startAll(cluster, victims, plan);
      case "kill-at-point":
        await this.#killAtPoint(victims, plan);
        return this.#startAll(cluster, victims, plan);
      case "kill-at-start":
        await killAll(victims);
        await sleep(plan.lastingMs);
        await this.#killAtStart(victims, plan);
        return this.#startAll(cluster, victims, plan);
      case "kill-in-view-change": {
        const primary = cluster.replicas[await cluster.primary()];
        const others = victims.filter((victim) => victim !== primary);
        for (const [index, other] of others.entries()) other.order(plan.orders[index] ?? NEVER);
        await killAll(primary === undefined ? [] : [primary]);
        await this.#killAtPoint(others, plan);
        return this.#startAll(cluster, victims, plan);
      }
      case "pause":
        for (const victim of victims) victim.pause(true);
        await sleep(plan.lastingMs);
        for (const victim of victims) victim.pause(false);
        return;
      case "partition":
        await cutOff(victims, true);
        await sleep(plan.lastingMs);
        return cutOff(victims, false);
      case "partition-and-kill":
        await victims[0]?.cutOff(true);
        await killAll(victims.slice(1));
        await this.#startAll(cluster, victims.slice(1), plan);
        await victims[0]?.cutOff(false);
        return;
      case "database-kill":
        await this.#options.database.kill();
        await sleep(plan.lastingMs);
        return this.#options.database.start();
      case "database-pause":
        await this.#options.database.pause(true);
        await sleep(plan.lastingMs);
        return this.#options.database.pause(false);
    }
  }

  async #killAtPoint(victims: readonly TorturedReplica[], plan: Plan): Promise<void> {
    for (const [index, victim] of victims.entries()) victim.order(plan.orders[index] ?? NEVER);
    const deaths = victims.map(async (victim) => {
      await Promise.race([victim.dies(), sleep(POINT_TIMEOUT_MS, null, { ref: false })]);
      if (victim.isRunning()) this.tally.missed += 1;
      await victim.kill();
    });
    await Promise.all(deaths);
  }

  /** Starts them so that they die on the way; one that does not has served by then. */
  async #killAtStart(victims: readonly TorturedReplica[], plan: Plan): Promise<void> {
    const deaths = victims.map(async (victim, index) => {
      if (victim.isRunning()) return;
      victim.start(plan.orders[index] ?? NEVER);
      if (!(await victim.serves())) return;
      await Promise.race([victim.dies(), sleep(POINT_TIMEOUT_MS / 3, null, { ref: false })]);
      if (victim.isRunning()) this.tally.missed += 1;
      victim.order(NEVER);
    });
    await Promise.all(deaths);
  }

  async #startAll(
    cluster: TorturedCluster,
    victims: readonly TorturedReplica[],
    { lastingMs }: Plan,
  ): Promise<void> {
    await sleep(lastingMs);
    for (const victim of victims) {
      if (!victim.isRunning()) victim.start(null);
      this.#measureRecovery(cluster, victim);
    }
  }

  async #audit(cluster: TorturedCluster): Promise<void> {
    const seen = await cluster.audit();
    if (this.#violation !== null) throw this.#violation;
    this.tally.audits += 1;
    for (const { asked, answer } of seen) {
      count(this.tally.operations, asked.kind);
      if (answer === null) this.tally.unanswered += 1;
    }
    this.tally.retries += cluster.load.takeRetryCount();
  }

  #onDeath(death: Death): void {
    const { how, isSurprise, lastWords } = death;
    if (lastWords !== null) this.tally.hit(lastWords);
    if (isSurprise) this.#violation ??= surprise(death);
    else if (how === "SIGKILL") {
      count(this.tally.kills, lastWords === null ? "at a random moment" : "at a point");
    }
  }

  #measureOutage(cluster: TorturedCluster): void {
    const sinceMicros = nowMicros();
    void cluster.load.answered(sinceMicros).then((endedMicros) => {
      this.tally.outageMs.push((endedMicros - sinceMicros) / MICROS_PER_MS);
    });
  }

  /** From its death until it serves, and until it holds what clients had been told by then. */
  #measureRecovery(cluster: TorturedCluster, victim: TorturedReplica): void {
    const death = victim.lastDeath;
    if (death === null) return;
    const elapsedMs = (): number => (nowMicros() - death.atMicros) / MICROS_PER_MS;
    const measure = async (): Promise<void> => {
      if (!(await victim.serves()) || victim.lastDeath !== death) return;
      this.tally.serveMs.push(elapsedMs());
      const seq = cluster.load.seqLast;
      while (victim.lastDeath === death && elapsedMs() < this.#options.patienceMs) {
        const status = await cluster.status(victim.id);
        if (status !== null && status.executed - status.databaseLag >= seq) {
          this.tally.catchUpMs.push(elapsedMs());
          return;
        }
        await sleep(POLL_MS);
      }
    };
    const measurement = measure().finally(() => this.#measurements.delete(measurement));
    this.#measurements.add(measurement);
  }

  /** The files of the cluster stay, with what clients had seen beside them. */
  #keepEvidence(dir: string, violation: Violation): string {
    const lines = violation.operations.map((operation) => evidenceLine(operation));
    const held = ({ initial, final }: Violation): string[] => [
      ...[...initial].map(([account, balance]) => `initially ${account} ${balance}`),
      ...[...final].map(([account, balance]) => `finally ${account} ${balance}`),
    ];
    writeFileSync(join(dir, "history.txt"), [...held(violation), ...lines, ""].join("\n"));
    const { seed } = this.#options;
    return (
      `seed ${seed}, cycle ${this.tally.cycles + 1}: ${violation.message}. ` +
      `Journals, databases, logs and what clients saw: ${dir}`
    );
  }
}

async function killAll(victims: readonly TorturedReplica[]): Promise<void> {
  await Promise.all(victims.map((victim) => victim.kill()));
}

async function cutOff(victims: readonly TorturedReplica[], isCutOff: boolean): Promise<void> {
  await Promise.all(victims.map((victim) => victim.cutOff(isCutOff)));
}

function evidenceLine(operation: Operation): string {
  const { begunMicros, endedMicros, answer } = operation;
  const batch = answer === null ? "" : ` ${answer.path} in batch ${answer.seq}`;
  return `${begunMicros.toFixed(0)} to ${endedMicros.toFixed(0)} ${describe(operation)}${batch}`;
}
