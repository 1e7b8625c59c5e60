import type { ReplicaId } from "../core/base/ids.js";
import { checkService } from "../io/choose-service.js";
import { loadGenesis } from "../io/cluster-directory.js";
import type { Genesis } from "../io/config.js";
import type { CommandDescription, CommandInput, ExitStatus, Output } from "./command.js";
import { PORT_MAX, UsageError } from "./command.js";
import { serveControl } from "./control-socket.js";
import type { Dashboard } from "./dashboard/dashboard-server.js";
import { openDashboard } from "./dashboard/open-dashboard.js";
import type { WantedDashboard } from "./dashboard/open-dashboard.js";
import { FailedOperation } from "./failure.js";
import { HERE, type Launcher } from "./replica-child.js";
import { SERVICE_OPTION, serviceOf } from "./service-module.js";
import { Supervisor } from "./supervisor.js";

/** `up`: runs and supervises all replicas of a cluster on this machine. */
export const upCommand: CommandDescription = {
  name: "up",
  summary: "run and supervise all replicas of a cluster on this machine, until Ctrl-C",
  positionals: [["<dir>", "the cluster's directory"]],
  options: [
    {
      flags: "--rejoin <n>",
      summary: "replica n lost its files: let it make up for votes it may have forgotten",
    },
    { flags: "--dashboard", summary: "serve a page on this machine that shows the cluster live" },
    { flags: "--dashboard-port <n>", summary: "its port; 0: any free one", fallback: "7380" },
    {
      flags: "--allow-faults",
      summary: "with --dashboard: run a demo workload, and let the page crash and cut off replicas",
    },
    SERVICE_OPTION,
    { flags: "--metrics-port <n>", summary: "Prometheus metrics: replica i at this port + i" },
    { flags: "--json", summary: "print one JSON object when all serve" },
  ],
  examples: [
    "up demo",
    "up demo --dashboard --allow-faults",
    "up demo --metrics-port 9464",
    "up demo --rejoin 2",
    "up names --service names.js",
  ],
  run: runUp,
};

async function runUp(input: CommandInput, output: Output): Promise<ExitStatus> {
  const stopped = stopSignal();
  const dir = input.directory;
  const genesis = loadGenesis(dir);
  checkService(genesis, (await serviceOf(input)).service);
  const wanted = dashboardOf(input);
  const forgetful = forgetfulOf(input, genesis);
  const launcherOf = launchers(input, genesis.replicas.length);
  const note = (line: string): void => output.note(line);
  const supervisor = new Supervisor(dir, genesis.replicas.length, note, launcherOf);
  const control = await serveControl(dir, supervisor);
  let dashboard: Dashboard | null = null;
  let isClean = false;
  try {
    const outcome = await Promise.race([supervisor.start(forgetful), stopped]);
    if (outcome !== null && outcome !== "stopped") throw new FailedOperation(outcome);
    if (outcome === null) {
      dashboard = wanted === null ? null : await openDashboard(dir, genesis, supervisor, wanted);
      const report = input.flag("json") ? jsonReport : textReport;
      output.result(report(genesis, supervisor, dashboard?.url ?? null));
      await stopped;
    }
    output.note("stopping");
  } finally {
    await dashboard?.close();
    await control.close();
    isClean = await supervisor.stop();
  }
  return isClean ? 0 : 1;
}

/** The replica that lost its files, if one is named. */
function forgetfulOf(input: CommandInput, { replicas }: Genesis): number | null {
  return input.text("rejoin") === null ? null : input.wholeNumber("rejoin", 0, replicas.length - 1);
}

/** Resolves at the first Ctrl-C or request to end. */
function stopSignal(): Promise<"stopped"> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => resolve("stopped"));
    }
  });
}

/** What was asked for; null for no dashboard. */
function dashboardOf(input: CommandInput): WantedDashboard | null {
  const mayInject = input.flag("allow-faults");
  if (input.flag("dashboard")) {
    return { port: input.wholeNumber("dashboard-port", 0, PORT_MAX), mayInject };
  }
  if (!mayInject) return null;
  throw new UsageError("--allow-faults is for the dashboard's buttons: add --dashboard");
}

/** Each replica here, with what was asked for. */
function launchers(input: CommandInput, replicaCount: number): (id: ReplicaId) => Launcher {
  const service = input.text("service");
  const words = service === null ? [] : ["--service", service];
  if (input.text("metrics-port") === null) return () => ({ ...HERE, words });
  const first = input.wholeNumber("metrics-port", 1, PORT_MAX - replicaCount + 1);
  return (id) => ({ ...HERE, words: [...words, "--metrics-port", (first + id).toString()] });
}

function textReport(genesis: Genesis, supervisor: Supervisor, url: string | null): string {
  const places = genesis.replicas.map(({ host, port }) => `${host}:${port}`);
  const pids = supervisor.list().map(({ pid }) => String(pid));
  const count = `${places.length} replicas serve`;
  const page = url === null ? "" : ` Dashboard: ${url}`;
  return `${count} at ${places.join(", ")} (pids ${pids.join(", ")}). Ctrl-C stops them.${page}`;
}

function jsonReport(genesis: Genesis, supervisor: Supervisor, url: string | null): string {
  const pids = supervisor.list().map(({ pid }) => pid);
  const replicas = genesis.replicas.map(({ id, host, port }) => {
    return { replica: id, pid: pids[id] ?? null, host, port };
  });
  return JSON.stringify({ up: true, replicas, ...(url === null ? {} : { dashboard: url }) });
}
