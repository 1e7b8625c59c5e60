import { loadGenesis } from "../io/cluster-directory.js";
import type { ReplicaStatus } from "../io/replica-status.js";
import type { CommandDescription, CommandInput, ExitStatus, Output } from "./command.js";
import { FailedOperation } from "./failure.js";
import { ReplicaInspector } from "./inspect-replicas.js";
import { renderTable } from "./table.js";

/** The columns after the replica's id and whether it is up. */
const COLUMNS: readonly (readonly [head: string, field: keyof ReplicaStatus])[] = [
  ["state", "state"],
  ["view", "view"],
  ["primary", "primary"],
  ["executed", "executed"],
  ["stable", "stable"],
  ["state root", "stateRoot"],
  ["view changes", "viewChanges"],
  ["batches", "batches"],
  ["database lag", "databaseLag"],
  ["database", "database"],
];

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
    if (input.flag("json")) printJson(statuses, output);
    else printTable(statuses, output);
    if (statuses.some((status) => status !== null)) return 0;
    throw new FailedOperation(`No replica answers. Start the cluster: pbft-ledger up ${dir}`);
  } finally {
    await inspector.close();
  }
}

type Answers = readonly (ReplicaStatus | null)[];

function printJson(answers: Answers, output: Output): void {
  for (const [replica, answer] of answers.entries()) {
    const row = answer === null ? { replica, up: false } : { ...answer, replica, up: true };
    output.result(JSON.stringify(row));
  }
}

function printTable(answers: Answers, output: Output): void {
  const heads = ["replica", "up", ...COLUMNS.map(([head]) => head)];
  const rows = answers.map((answer, id) => [
    id.toString(),
    answer === null ? "no" : "yes",
    ...COLUMNS.map(([, field]) => (answer === null ? "-" : cell(answer, field))),
  ]);
  output.result(renderTable(heads, rows));
}

/** A root that is not that of the last executed batch says of which it is. */
function cell(answer: ReplicaStatus, field: keyof ReplicaStatus): string {
  const { executed, stateRootSeq } = answer;
  const text = textOf(answer[field]);
  return field === "stateRoot" && stateRootSeq !== executed
    ? `${text} after ${textOf(stateRootSeq)}`
    : text;
}

/**
 * A faulty replica may answer anything: nothing but numbers and plain words gets to the terminal.
 */
function textOf(value: unknown): string {
  if (typeof value === "number") return value.toString();
  if (typeof value !== "string" || !/^[0-9a-z]*$/.test(value)) return "?";
  return value.slice(0, ROOT_DIGITS);
}
