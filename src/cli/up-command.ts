import { loadGenesis } from "../io/cluster-directory.js";
import type { Genesis } from "../io/config.js";
import type { CommandDescription, CommandInput, ExitStatus, Output } from "./command.js";
import { serveControl } from "./control-socket.js";
import { FailedOperation } from "./failure.js";
import { Supervisor } from "./supervisor.js";

/** `up`: runs and supervises all replicas of a cluster on this machine. */
export const upCommand: CommandDescription = {
  name: "up",
  summary: "run and supervise all replicas of a cluster on this machine, until Ctrl-C",
  positionals: [["<dir>", "the cluster's directory"]],
  options: [{ flags: "--json", summary: "print one JSON object when all serve" }],
  examples: ["up demo"],
  run: runUp,
};

async function runUp(input: CommandInput, output: Output): Promise<ExitStatus> {
  const stopped = stopSignal();
  const dir = input.directory;
  const genesis = loadGenesis(dir);
  const supervisor = new Supervisor(dir, genesis.replicas.length, (line) => output.note(line));
  const control = await serveControl(dir, supervisor);
  let isClean = false;
  try {
    const outcome = await Promise.race([supervisor.start(), stopped]);
    if (outcome !== null && outcome !== "stopped") throw new FailedOperation(outcome);
    if (outcome === null) {
      const report = input.flag("json") ? jsonReport : textReport;
      output.result(report(genesis, supervisor));
      await stopped;
    }
    output.note("stopping");
  } finally {
    await control.close();
    isClean = await supervisor.stop();
  }
  return isClean ? 0 : 1;
}

/** Resolves at the first Ctrl-C or request to end. */
function stopSignal(): Promise<"stopped"> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => resolve("stopped"));
    }
  });
}

function textReport(genesis: Genesis, supervisor: Supervisor): string {
  const places = genesis.replicas.map(({ host, port }) => `${host}:${port}`);
  const pids = supervisor.list().map(({ pid }) => String(pid));
  const count = `${places.length} replicas serve`;
  return `${count} at ${places.join(", ")} (pids ${pids.join(", ")}). Ctrl-C stops them.`;
}

function jsonReport(genesis: Genesis, supervisor: Supervisor): string {
  const pids = supervisor.list().map(({ pid }) => pid);
  const replicas = genesis.replicas.map(({ id, host, port }) => {
    return { replica: id, pid: pids[id] ?? null, host, port };
  });
  return JSON.stringify({ up: true, replicas });
}
