#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { benchCommand } from "./bench/bench-command.js";
import { clientCommand } from "./client-command.js";
import type { CommandDescription, ExitStatus, Output } from "./command.js";
import { CommandInput, UsageError } from "./command.js";
import { sentenceFor } from "./failure.js";
import { faultCommand } from "./fault-command.js";
import { initCommand } from "./init-command.js";
import { replicaCommand } from "./replica-command.js";
import { reportCommand } from "./report/report-command.js";
import { scenarioCommand } from "./scenario-command.js";
import { showCommand } from "./show-command.js";
import { statusCommand } from "./status-command.js";
import { upCommand } from "./up-command.js";
import { verifyCommand } from "./verify/verify-command.js";

/*
 * The entry point of the command line: finds the command, checks its form, runs it, and turns
 * whatever happens into an exit status and a sentence.
 */

const COMMANDS: readonly CommandDescription[] = [
  initCommand,
  upCommand,
  replicaCommand,
  clientCommand,
  statusCommand,
  showCommand,
  verifyCommand,
  benchCommand,
  reportCommand,
  faultCommand,
  scenarioCommand,
];

const PROGRAM = "pbft-ledger";

const output: Output = {
  result: (line) => process.stdout.write(`${line}\n`),
  note: (line) => process.stderr.write(`${line}\n`),
};

/** Runs the command that `words` ask for, and resolves with what to exit with. */
async function runProgram(words: readonly string[]): Promise<ExitStatus> {
  let status: ExitStatus = 0;
  const program = new Command(PROGRAM)
    .description("A replicated bank ledger that tolerates Byzantine faults")
    .version(packageVersion())
    .showHelpAfterError(`(${PROGRAM} --help tells more)`)
    .exitOverride();
  for (const description of COMMANDS) {
    register(program, description, (ended) => {
      status = ended;
    });
  }
  try {
    await program.parseAsync([...words], { from: "user" });
    return status;
  } catch (error) {
    return statusOf(error);
  }
}

function register(
  program: Command,
  description: CommandDescription,
  onEnded: (status: ExitStatus) => void,
): void {
  const { name, summary, positionals, options, examples, notes } = description;
  const command = program.command(name).description(summary).exitOverride();
  for (const [positional, meaning] of positionals) command.argument(positional, meaning);
  for (const { flags, summary: meaning, fallback } of options) {
    command.option(flags, meaning, fallback);
  }
  if (notes !== undefined) command.addHelpText("after", `\n${notes}`);
  const lines = examples.map((example) => `  ${PROGRAM} ${example}`);
  command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
  command.action(async () => {
    const given = Object.fromEntries(
      command.options.map((option) => [
        option.long?.slice("--".length) ?? option.name(),
        command.getOptionValue(option.attributeName()) as unknown,
      ]),
    );
    onEnded(await description.run(new CommandInput(command.args, given), output));
  });
}

function statusOf(error: unknown): ExitStatus {
  // The library has printed its own message, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UsageError) {
    output.note(`error: ${error.message}`);
    return 2;
  }
  const sentence = sentenceFor(error);
  if (sentence === null) throw error;
  output.note(`error: ${sentence}`);
  return 1;
}

function packageVersion(): string {
  const path = new URL("../../../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(path, "utf8")) as { readonly version: string };
  return version;
}

// A reader that has seen enough (`| head`) is no failure worth a stack.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(1);
});

process.exitCode = await runProgram(process.argv.slice(2));
