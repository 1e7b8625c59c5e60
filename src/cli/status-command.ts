import type { ReplicaId } from "../core/base/ids.js";
import { loadGenesis } from "../io/cluster-directory.js";
import type { ReplicaStatus } from "../io/ledger-client.js";
import type { CommandDescription, CommandInput, ExitStatus, Output } from "./command.js";
import { FailedOperation } from "./failure.js";
import { ReplicaInspector } from "./inspect-replicas.js";
import { renderTable } from "./table.js";

const HEADS = [
  "replica",
  "up",
  "view",
  "primary",
  "executed",
  "stable",
  "state root",
  "view changes",
  "batches",
  "database lag",
] as const;

/** Digits of a state root that people compare. */
const ROOT_DIGITS = 12;

/** `status`: how each replica is, asked of the replica itself. */
export const statusCommand: CommandDescription = {
  name: "status",
  summary: "how each replica is, in one row each",
  positionals: [["<dir>", "the cluster's directory, with the key of the first client"]],
  options: [{ flags: "--json", summary: "print one JSON object for each replica" }],
  examples: ["status demo", "status demo --json"],
  run: runStatus,
};

async function runStatus(input: CommandInput, output: Output): Promise<ExitStatus> {
  const dir = input.directory;
  const inspector = await ReplicaInspector.open(dir, loadGenesis(dir));
  try {
    const statuses = await inspector.ask();
    if (input.flag("json")) {
      for (const [id, status] of statuses.entries()) {
        output.result(JSON.stringify(jsonRow(id, status)));
      }
    } else {
      const rows = statuses.map((status, id) => cells(id, status));
      output.result(renderTable(HEADS, rows));
    }
    if (statuses.some((status) => status !== null)) return 0;
    throw new FailedOperation(`No replica answers. Start the cluster: pbft-ledger up ${dir}`);
  } finally {
    await inspector.close();
  }
}

function jsonRow(replica: ReplicaId, status: ReplicaStatus | null): object {
  return status === null ? { replica, up: false } : { replica, up: true, ...status };
}

function cells(replica: ReplicaId, status: ReplicaStatus | null): string[] {
  const id = replica.toString();
  if (status === null) return [id, "no", ...HEADS.slice(2).map(() => "-")];
  const { view, primary, executed, stable, stateRoot, viewChanges, batches, databaseLag } = status;
  const counts = [viewChanges, batches, databaseLag].map((count) => count.toString());
  const root = stateRoot.slice(0, ROOT_DIGITS);
  return [id, "yes", ...[view, primary, executed, stable].map(String), root, ...counts];
}
