import { formatMoney, parseMoney } from "../../io/money.js";
import { compareTables } from "../customer-tables.js";
import type { Agreement } from "./agreement.js";
import { awaitAgreement } from "./agreement.js";
import type { ExperimentAccount, ExperimentReport } from "./bench-report.js";
import type { LoadClock } from "./load-clock.js";
import type { LedgerOperation } from "../../core/ledger/operation.js";
import type { MeasuredClient, MeasuredOutcome } from "./measured-client.js";
import type { MeasuredCluster } from "./measured-cluster.js";

/** A published experiment: what to do, and what must come out of it. */
interface Experiment {
  readonly title: string;
  readonly commands: string;
  readonly operations: readonly LedgerOperation[];
  /** The answer to each operation. */
  readonly answers: readonly string[];
  /** Balance of each account that was touched, in every replica's table. */
  readonly balances: ReadonlyMap<string, string>;
}

const dollars = (text: string): bigint => parseMoney(text) ?? 0n;

/**
 * Experiments 1 and 3 of the reference, in order, on a fresh demo cluster. (Experiment 2 repeats
 * the first while a replica is cut off.)
 */
export const EXPERIMENTS: readonly Experiment[] = [
  {
    title: "Experiment 1",
    commands: "deposit A 100, get A",
    operations: [
      { kind: "deposit", account: "A", amount: dollars("100") },
      { kind: "get", account: "A" },
    ],
    answers: ["200.00", "200.00"],
    balances: new Map([["A", "200.00"]]),
  },
  {
    title: "Experiment 3",
    commands: "deposit A 100, get A, deposit B 200, get B, withdraw C 100, get C",
    operations: [
      { kind: "deposit", account: "A", amount: dollars("100") },
      { kind: "get", account: "A" },
      { kind: "deposit", account: "B", amount: dollars("200") },
      { kind: "get", account: "B" },
      { kind: "withdraw", account: "C", amount: dollars("100") },
      { kind: "get", account: "C" },
    ],
    answers: ["300.00", "300.00", "1000.00", "1000.00", "300.00", "300.00"],
    balances: new Map([
      ["A", "300.00"],
      ["B", "1000.00"],
      ["C", "300.00"],
    ]),
  },
];

/** Deadline of one operation of an experiment, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** Runs one experiment, one operation after the other, and reads what the databases then hold. */
export async function runExperiment(
  experiment: Experiment,
  cluster: MeasuredCluster,
  client: MeasuredClient,
  clock: LoadClock,
  signal: AbortSignal,
): Promise<ExperimentReport> {
  const answers: string[] = [];
  let seqMin = 0;
  for (const operation of experiment.operations) {
    signal.throwIfAborted();
    const outcome = await client.run(operation, { timeoutMs: TIMEOUT_MS });
    answers.push(answerOf(outcome));
    if (outcome.ok) seqMin = Math.max(seqMin, outcome.sequence);
  }
  const agreement = await awaitAgreement(cluster, seqMin, clock, signal);
  const accounts = accountsOf(agreement, experiment.balances);
  const { title, commands } = experiment;
  const asPublished =
    answers.every((answer, index) => answer === experiment.answers[index]) &&
    balancesArePublished(experiment, accounts);
  return { title, commands, answers, accounts, identical: agreement.identical, asPublished };
}

function answerOf(outcome: MeasuredOutcome): string {
  return outcome.ok ? formatMoney(outcome.balance) : outcome.code;
}

function balancesArePublished(
  experiment: Experiment,
  accounts: readonly ExperimentAccount[],
): boolean {
  return [...experiment.balances].every(([account, published]) =>
    accounts.some(
      (row) => row.account === account && row.balances.every((balance) => balance === published),
    ),
  );
}

/** The replicas' tables side by side, and the published balance of each customer, if any. */
function accountsOf(
  { tables }: Agreement,
  published: ReadonlyMap<string, string>,
): ExperimentAccount[] {
  const { customers } = compareTables(tables, new Set());
  return customers.map((customer) => ({
    ...customer,
    published: published.get(customer.account) ?? null,
  }));
}
