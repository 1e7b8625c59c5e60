import type { ReplicaId, View } from "../../core/base/ids.js";
import { formatMoney } from "../../io/money.js";
import { TRY_TIMEOUT_MS } from "./deposit-load.js";
import type { Scenario } from "./scenarios.js";

/** What came of a scenario. Times are milliseconds. */
export interface ScenarioReport {
  readonly scenario: string;
  /** The replicas that were hit. */
  readonly victims: readonly ReplicaId[];
  /** Whether the primary was among them. */
  readonly wasPrimary: boolean;
  readonly inFlight: number;
  readonly viewBefore: View;
  readonly viewAfter: View;
  /** From the fault to the first acknowledged deposit among those that were begun under it. */
  readonly backMs: number;
  /** The longest time, from the fault to the end, in which no deposit was acknowledged. */
  readonly gapMs: number;
  /** From the fault until the replicas that were hit served, or were connected, again. */
  readonly curedMs: number;
  /** By victim: from there until it held all that clients had been answered; null when never. */
  readonly catchUpsMs: readonly (number | null)[];
  readonly acknowledgedCount: number;
  /** Of these, how many had no outcome at the first deadline. */
  readonly lateCount: number;
  /** What the account of the deposits holds in the end, in minor units. */
  readonly held: bigint;
  readonly isExactlyOnce: boolean;
  /** Why not; null when they were. */
  readonly chainFault: string | null;
  readonly isIdentical: boolean;
  /** How the databases compare, as one clause. */
  readonly agreement: string;
}

/** Whether nothing was lost, nothing was done twice, and all replicas hold the same. */
export function isConsistent(report: ScenarioReport): boolean {
  const { isExactlyOnce, isIdentical, catchUpsMs } = report;
  return isExactlyOnce && isIdentical && catchUpsMs.every((ms) => ms !== null);
}

const LABEL_LENGTH = 22;

/** How a fault is told, by what ends it. */
const WORDS = {
  restart: { done: "killed", deed: "kill", returned: "served again", caughtUp: "caught up" },
  rejoin: { done: "wiped", deed: "wipe", returned: "was started", caughtUp: "voted again" },
  connect: {
    done: "cut off",
    deed: "cut",
    returned: "was connected again",
    caughtUp: "caught up",
  },
} as const satisfies Record<Scenario["cure"], unknown>;

/** The report for the terminal. */
export function scenarioText(scenario: Scenario, report: ScenarioReport): string {
  const { victims, viewBefore, viewAfter, catchUpsMs } = report;
  const { deed, returned, caughtUp } = WORDS[scenario.cure];
  const catchUps = catchUpsMs.map((ms) => (ms === null ? "never" : msText(ms)));
  const pairs: readonly (readonly [label: string, value: string])[] = [
    [
      "service was back",
      `${msText(report.backMs)} after the ${deed}: a deposit begun since was acknowledged`,
    ],
    ["longest gap", `${msText(report.gapMs)} without an acknowledged deposit`],
    ["view", `${viewBefore} before, ${viewAfter} after`],
    [replicasText(victims), `${returned} ${msText(report.curedMs)} after the ${deed}`],
    [caughtUp, `${catchUps.join(", ")} after that`],
    ["deposits", depositsText(report)],
    ["exactly once", report.chainFault ?? `yes, each of them: ${formatMoney(report.held)} in all`],
    ["databases", `${report.isIdentical ? "identical" : "DIFFERENT"}: ${report.agreement}`],
  ];
  const lines = pairs.map(([label, value]) => `  ${label.padEnd(LABEL_LENGTH)}${value}`);
  return [headOf(scenario, report), ...lines].join("\n");
}

function headOf({ name, cure }: Scenario, report: ScenarioReport): string {
  const { victims, wasPrimary, viewBefore, inFlight } = report;
  const role = wasPrimary ? `the primary of view ${viewBefore}` : `a backup in view ${viewBefore}`;
  const who =
    victims.length > 1 ? "all replicas at once were" : `replica ${victims.join()}, ${role}, was`;
  return `${name}: ${who} ${WORDS[cure].done} under load, ${inFlight} deposits in flight`;
}

function replicasText(victims: readonly ReplicaId[]): string {
  return `${victims.length > 1 ? "replicas" : "replica"} ${victims.join(", ")}`;
}

function depositsText({ acknowledgedCount, lateCount }: ScenarioReport): string {
  const acknowledged = `${acknowledgedCount.toLocaleString("en-US")} acknowledged`;
  if (lateCount === 0) return `${acknowledged}, all within ${TRY_TIMEOUT_MS} ms`;
  return `${acknowledged}, ${lateCount} of them by retry after ${TRY_TIMEOUT_MS} ms`;
}

function msText(ms: number): string {
  return `${Math.round(ms).toLocaleString("en-US")} ms`;
}

/** The report as one line of JSON, without a line end. */
export function scenarioJson(report: ScenarioReport): string {
  const { victims, catchUpsMs } = report;
  return JSON.stringify({
    scenario: report.scenario,
    consistent: isConsistent(report),
    replicas: victims,
    viewBefore: report.viewBefore,
    viewAfter: report.viewAfter,
    backMs: rounded(report.backMs),
    gapMs: rounded(report.gapMs),
    restoredMs: rounded(report.curedMs),
    catchUpMs: catchUpsMs.map((ms) => ms && rounded(ms)),
    acknowledged: report.acknowledgedCount,
    retried: report.lateCount,
    balance: formatMoney(report.held),
    exactlyOnce: report.isExactlyOnce,
    identical: report.isIdentical,
  });
}

function rounded(ms: number): number {
  return Number(ms.toFixed(1));
}
