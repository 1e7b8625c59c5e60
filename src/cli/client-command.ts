import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { loadClientKey, loadGenesis } from "../io/cluster-directory.js";
import { connect } from "../io/ledger-client.js";
import type { LedgerClient } from "../io/ledger-client.js";
import { loadCrypto } from "../workers/load-crypto.js";
import { CommandSession } from "./command-session.js";
import type { CommandDescription, CommandInput, ExitStatus, Output } from "./command.js";
import { UsageError } from "./command.js";
import { FailedOperation } from "./failure.js";
import { GRAMMAR_HELP, parseLine } from "./grammar.js";
import { lineOfArguments } from "./tokens.js";

/** Bounds of `--timeout`, in seconds. */
const TIMEOUT_SECONDS_MIN = 0.001;
const TIMEOUT_SECONDS_MAX = 86_400;

/** How long to wait for the first sign of life of the cluster, at most. */
const HELLO_TIMEOUT_MS = 3_000;
const HELLO_PAUSE_MS = 2;

/** `client`: runs ledger commands against a running cluster. */
export const clientCommand: CommandDescription = {
  name: "client",
  summary: "run ledger commands: from the arguments, standard input, or a prompt",
  positionals: [
    ["<dir>", "the cluster's directory, with the genesis and the client's key"],
    ["[command...]", "ledger commands, separated by commas"],
  ],
  options: [
    { flags: "--as <name>", summary: "which client to act as (default: the first, a teller)" },
    { flags: "--timeout <seconds>", summary: "how long to wait for an outcome", fallback: "10" },
    { flags: "--json", summary: "print one JSON object for each command" },
  ],
  examples: [
    "client demo deposit A 100, get A",
    "client demo --json 'move $50 from B to A'",
    "client demo --as client-1 < commands.txt",
  ],
  notes: GRAMMAR_HELP,
  run: runClient,
};

async function runClient(input: CommandInput, output: Output): Promise<ExitStatus> {
  const timeoutMs = 1_000 * input.decimal("timeout", TIMEOUT_SECONDS_MIN, TIMEOUT_SECONDS_MAX);
  const isJson = input.flag("json");
  const line = input.rest.length === 0 ? null : lineOfArguments(input.rest);
  const fault = line === null ? null : parseLine(line).fault;
  if (fault !== null) throw new UsageError(`${line ?? ""}\n${fault.message}`);
  const client = await connectAs(input.directory, input.text("as"), timeoutMs);
  try {
    const session = new CommandSession(client, { timeoutMs, isJson }, output);
    if (line !== null) await session.runLine(line);
    else if (process.stdin.isTTY) await runPrompt(session, output);
    else await runLines(session);
    return session.hasFailed ? 1 : 0;
  } finally {
    await client.close();
  }
}

async function connectAs(
  dir: string,
  name: string | null,
  timeoutMs: number,
): Promise<LedgerClient> {
  const genesis = loadGenesis(dir);
  const { provider } = await loadCrypto(process.env);
  const key = loadClientKey(dir, genesis, name, provider);
  const client = await connect({ genesis, key });
  const deadlineMs = performance.now() + Math.min(timeoutMs, HELLO_TIMEOUT_MS);
  while (client.welcomeCount === 0 && performance.now() < deadlineMs) await sleep(HELLO_PAUSE_MS);
  if (client.welcomeCount > 0) return client;
  await client.close();
  throw new FailedOperation(
    `No replica of the cluster in ${dir} answers. Start it: pbft-ledger up ${dir}`,
  );
}

/**
 * Answers each line as soon as it is done, so that a script can wait for it before the next one.
 */
async function runLines(session: CommandSession): Promise<void> {
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
  for await (const line of lines) {
    if (!(await session.runLine(line))) break;
  }
  lines.close();
}

async function runPrompt(session: CommandSession, output: Output): Promise<void> {
  const { stdin, stdout } = process;
  const prompt = createInterface({ input: stdin, output: stdout, prompt: "pbft-ledger> " });
  output.note("Type `help` for the commands, `quit` or Ctrl-D to end.");
  prompt.prompt();
  for await (const line of prompt) {
    if (!(await session.runLine(line))) break;
    prompt.prompt();
  }
  prompt.close();
}
