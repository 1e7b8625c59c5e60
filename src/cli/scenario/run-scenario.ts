import { randomBytes } from "node:crypto";
import type { ReplicaId } from "../../core/base/ids.js";
import type { LedgerClient } from "../../io/ledger-client.js";
import { awaitAgreement } from "../bench/agreement.js";
import type { Agreement } from "../bench/agreement.js";
import { awaitCatchUp } from "../bench/catch-up.js";
import type { LoadClock } from "../bench/load-clock.js";
import type { ObservedCluster } from "../bench/measured-cluster.js";
import { presentView } from "../bench/present-view.js";
import { FailedOperation } from "../failure.js";
import type { Fault } from "../fault.js";
import { chainFault } from "./deposit-chain.js";
import { DepositLoad } from "./deposit-load.js";
import type { Deposit } from "./deposit-load.js";
import type { ScenarioReport } from "./scenario-report.js";
import { victimsOf } from "./scenarios.js";
import type { Scenario } from "./scenarios.js";

/** What a scenario needs of its client. */
type ScenarioClient = Pick<LedgerClient, "run" | "deposit" | "get" | "close">;

/** A cluster that is up, supervised on this machine. */
interface ScenarioCluster extends ObservedCluster {
  connect(): Promise<ScenarioClient>;
}

/** One run of a scenario. */
interface ScenarioJob {
  readonly scenario: Scenario;
  readonly cluster: ScenarioCluster;
  /** Deposits to be acknowledged before the fault, under it, and after it; 1 and up. */
  readonly depositCount: number;
  /** Deposits in flight at any time, 1 and up. */
  readonly inFlight: number;
  readonly clock: LoadClock;
  readonly signal: AbortSignal;
}

/** When the fault came and went, by the job's clock. */
interface Course {
  readonly faultMicros: number;
  /** The fault is in effect from here on: what is begun later is begun under it. */
  readonly inEffectMicros: number;
  readonly curedMicros: number;
  readonly catchUpsMs: readonly (number | null)[];
}

const MICROS_PER_MS = 1_000;

/**
 * Plays a scenario: a client deposits into an account of its own, replicas fail, service comes
 * back, the replicas come back; then all databases are compared, and every deposit is looked for.
 * @throws FailedOperation when the cluster does not come back. No replica is left as it was hit.
 */
export async function runScenario(job: ScenarioJob): Promise<ScenarioReport> {
  const { scenario, cluster, inFlight, clock, signal } = job;
  const client = await cluster.connect();
  try {
    const account = await openAccount(client, scenario.name);
    const before = await presentView(cluster);
    const victims = victimsOf(scenario, before.primary, cluster.replicaCount);
    const load = new DepositLoad(client, account, inFlight, clock, signal);
    const course = await play(job, victims, load).finally(() => load.stop());
    const agreement = await awaitAgreement(cluster, load.seq, clock, signal);
    const held = await balanceOf(client, account);
    const after = await presentView(cluster);
    const { faultMicros, curedMicros, catchUpsMs } = course;
    const fault = chainFault(load.deposits, held) ?? strangerFault(agreement, account, held);
    return {
      scenario: scenario.name,
      ...{ victims, wasPrimary: victims.includes(before.primary), inFlight },
      ...{ viewBefore: before.view, viewAfter: after.view },
      backMs: backMs(load.deposits, course),
      gapMs: longestGapMs(load.deposits, faultMicros),
      curedMs: (curedMicros - faultMicros) / MICROS_PER_MS,
      catchUpsMs,
      acknowledgedCount: load.deposits.length,
      lateCount: load.lateCount,
      held,
      ...{ isExactlyOnce: fault === null, chainFault: fault },
      ...{ isIdentical: agreement.identical, agreement: agreement.explanation },
    };
  } finally {
    await client.close();
  }
}

/** An account that nobody else uses. */
async function openAccount(client: ScenarioClient, scenario: string): Promise<string> {
  const account = `scenario-${randomBytes(6).toString("hex")}`;
  const name = `Scenario ${scenario}`;
  const outcome = await client.run({ kind: "open", account, name, address: "", balance: 0n });
  if (outcome.ok) return account;
  throw new FailedOperation(`No account could be opened for the scenario: ${outcome.code}.`);
}

async function play(
  job: ScenarioJob,
  victims: readonly ReplicaId[],
  load: DepositLoad,
): Promise<Course> {
  const { scenario, cluster, depositCount, clock, signal } = job;
  const injectAll = (fault: Fault): Promise<unknown> =>
    Promise.all(victims.map((replica) => cluster.inject(fault, replica)));
  let isCured = true;
  try {
    await load.acknowledged(depositCount, 0);
    const faultMicros = clock.nowMicros();
    isCured = false;
    await injectAll(scenario.fault);
    const inEffectMicros = clock.nowMicros();
    if (scenario.victims !== "all") await load.acknowledged(depositCount, inEffectMicros);
    const { seq } = load;
    await injectAll(scenario.cure);
    isCured = true;
    const curedMicros = clock.nowMicros();
    const catchUps = victims.map((replica) =>
      awaitCatchUp(cluster, replica, seq, curedMicros, clock, signal),
    );
    const [catchUpsMs] = await Promise.all([
      Promise.all(catchUps),
      load.acknowledged(depositCount, curedMicros),
    ]);
    return { faultMicros, inEffectMicros, curedMicros, catchUpsMs };
  } finally {
    if (!isCured) await injectAll(scenario.cure);
  }
}

async function balanceOf(client: ScenarioClient, account: string): Promise<bigint> {
  const outcome = await client.get(account);
  if (outcome.ok) return outcome.balance;
  throw new FailedOperation(`The balance of ${account} cannot be read: ${outcome.code}.`);
}

/** A database that holds something else than the replicas answer, as a clause; null if none. */
function strangerFault({ tables }: Agreement, account: string, held: bigint): string | null {
  const stranger = tables.findIndex((table) => {
    const row = table?.accounts.find((each) => each.account === account);
    // Where there is no database, the state roots speak.
    return table?.root === null && row?.balance !== held;
  });
  return stranger < 0 ? null : `the database of replica ${stranger} holds another balance`;
}

/** From the fault to the first acknowledged deposit among those that were begun under it. */
function backMs(deposits: readonly Deposit[], { faultMicros, inEffectMicros }: Course): number {
  const first = deposits.find(({ startMicros }) => startMicros >= inEffectMicros);
  return ((first?.endMicros ?? Infinity) - faultMicros) / MICROS_PER_MS;
}

/** The longest time from `faultMicros` on in which no deposit was acknowledged. */
function longestGapMs(deposits: readonly Deposit[], faultMicros: number): number {
  let lastMicros = faultMicros;
  let gapMicros = 0;
  for (const { endMicros } of deposits) {
    if (endMicros < faultMicros) continue;
    gapMicros = Math.max(gapMicros, endMicros - lastMicros);
    lastMicros = endMicros;
  }
  return gapMicros / MICROS_PER_MS;
}
