#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import type { CommandDescription, ExitStatus, Output } from "./command.js";
import { CommandInput, UsageError } from "./command.js";
import { sentenceFor } from "./failure.js";

/*
 * The entry point of the command line: finds the command, checks its form, runs it, and turns
 * whatever happens into an exit status and a sentence.
 */

/**
 * Each is loaded when it is asked for: what one command needs, such as the drawing of charts, took
 * half the time in which a replica starts.
 */
const COMMANDS: Readonly<Record<string, () => Promise<CommandDescription>>> = {
  init: async () => (await import("./init-command.js")).initCommand,
  up: async () => (await import("./up-command.js")).upCommand,
  replica: async () => (await import("./replica-command.js")).replicaCommand,
  client: async () => (await import("./client-command.js")).clientCommand,
  status: async () => (await import("./status-command.js")).statusCommand,
  show: async () => (await import("./show-command.js")).showCommand,
  verify: async () => (await import("./verify/verify-command.js")).verifyCommand,
  bench: async () => (await import("./bench/bench-command.js")).benchCommand,
  report: async () => (await import("./report/report-command.js")).reportCommand,
  fault: async () => (await import("./fault-command.js")).faultCommand,
  scenario: async () => (await import("./scenario-command.js")).scenarioCommand,
};

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
    // An option after a command's name is that command's, whatever its parent knows too.
    .enablePositionalOptions()
    .showHelpAfterError(`(${PROGRAM} --help tells more)`)
    .exitOverride();
  for (const description of await loadCommands(words[0])) {
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

/** The command named `name`; all of them, for help and for advice, where there is none. */
function loadCommands(name: string | undefined): Promise<CommandDescription[]> {
  const names = Object.keys(COMMANDS);
  const wanted = name !== undefined && names.includes(name) ? [name] : names;
  return Promise.all(wanted.flatMap((one) => COMMANDS[one]?.() ?? []));
}

function register(
  parent: Command,
  description: CommandDescription,
  onEnded: (status: ExitStatus) => void,
): void {
  const { name, summary, positionals, options, examples, notes, subcommands = [] } = description;
  const command = parent.command(name).description(summary).exitOverride();
  command.enablePositionalOptions();
  for (const [positional, meaning] of positionals) command.argument(positional, meaning);
  for (const { flags, summary: meaning, fallback, isInternal } of options) {
    command.addOption(new Option(flags, meaning).default(fallback).hideHelp(isInternal === true));
  }
  for (const subcommand of subcommands) register(command, subcommand, onEnded);
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
