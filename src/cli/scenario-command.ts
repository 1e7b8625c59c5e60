import { interruptible } from "./bench/interrupt.js";
import { LedgerCluster } from "./bench/ledger-cluster.js";
import { processClock } from "./bench/load-clock.js";
import type { CommandDescription, CommandInput, ExitStatus, Output } from "./command.js";
import { UsageError } from "./command.js";
import { askSupervisor, faultsIn } from "./control-socket.js";
import { withDemoCluster } from "./demo-cluster.js";
import type { InjectFault } from "./fault.js";
import { runScenario } from "./scenario/run-scenario.js";
import { isConsistent, scenarioJson, scenarioText } from "./scenario/scenario-report.js";
import type { ScenarioReport } from "./scenario/scenario-report.js";
import { SCENARIOS } from "./scenario/scenarios.js";
import type { StorageOptions } from "./storage-options.js";
import type { Scenario } from "./scenario/scenarios.js";

const DEPOSITS_MAX = 1_000_000;

/** All of them fit one request. */
const IN_FLIGHT_MAX = 1_000;

const SCENARIO_LINES = SCENARIOS.map(({ name, summary }) => `  ${name.padEnd(19)}${summary}`);

/** `scenario`: shows what a failure costs those who use the cluster, and that it loses nothing. */
export const scenarioCommand: CommandDescription = {
  name: "scenario",
  summary: "let replicas fail under load: tells when service is back, and that nothing is lost",
  positionals: [
    ["<scenario>", "what happens; see below"],
    ["[dir]", "a cluster that `up` runs here (default: a fresh one, gone afterwards)"],
  ],
  options: [
    {
      flags: "--deposits <n>",
      summary: "deposits before the failure, during it, and after it",
      fallback: "300",
    },
    { flags: "--in-flight <n>", summary: "deposits in flight at any time", fallback: "8" },
    { flags: "--json", summary: "print one JSON object" },
  ],
  notes:
    `Scenarios:\n${SCENARIO_LINES.join("\n")}\n\n` +
    "A client deposits into an account that it opened for this. In the end every replica must be " +
    "back, every\ndeposit there exactly once, and all databases identical.",
  examples: ["scenario primary-crash", "scenario all-crash demo --in-flight 64 --json"],
  run: runScenarioCommand,
};

async function runScenarioCommand(input: CommandInput, output: Output): Promise<ExitStatus> {
  const scenario = scenarioOf(input.positionals[0] ?? "");
  const depositCount = input.wholeNumber("deposits", 1, DEPOSITS_MAX);
  const inFlight = input.wholeNumber("in-flight", 1, IN_FLIGHT_MAX);
  const dir = input.positionals[1] ?? null;
  const report = await interruptible((signal) =>
    onCluster(dir, output, async (cluster) =>
      runScenario({ scenario, cluster, depositCount, inFlight, clock: processClock, signal }),
    ),
  );
  output.result(input.flag("json") ? scenarioJson(report) : scenarioText(scenario, report));
  return isConsistent(report) ? 0 : 1;
}

function scenarioOf(name: string): Scenario {
  const scenario = SCENARIOS.find((each) => each.name === name);
  if (scenario !== undefined) return scenario;
  const names = SCENARIOS.map((each) => each.name).join(", ");
  throw new UsageError(`there is no scenario "${name}", only ${names}`);
}

/** What a cluster of its own keeps its state in. */
const STORAGE: StorageOptions = { store: "sqlite", durability: "fsync", replies: "journal" };

/** Lets `work` use the running cluster in `dir`, or a fresh one where that is null. */
async function onCluster(
  dir: string | null,
  output: Output,
  work: (cluster: LedgerCluster) => Promise<ScenarioReport>,
): Promise<ScenarioReport> {
  const open = async (where: string, inject: InjectFault): Promise<ScenarioReport> => {
    const cluster = await LedgerCluster.open(where, inject);
    try {
      return await work(cluster);
    } finally {
      await cluster.close();
    }
  };
  if (dir === null) return withDemoCluster(STORAGE, (line) => output.note(line), open);
  await askSupervisor(dir, { command: "list" });
  return open(dir, faultsIn(dir));
}
