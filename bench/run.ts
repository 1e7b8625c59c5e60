/*
 * `npm run bench -- TOOL [options]`: measurements that boot what they measure on this machine. Each
 * prints a table with what it ran with, and adds a line to bench/history.ndjson.
 * (`pbft-ledger bench DIR` measures a cluster that runs already, `npm start` repeats Table 1.)
 */
import { parseArgs } from "node:util";
import { CommandInput, UsageError } from "../src/cli/command.js";
import type { ExitStatus } from "../src/cli/command.js";
import { sentenceFor } from "../src/cli/failure.js";
import { renderNarrow } from "../src/cli/table.js";
import { compileEarly } from "../src/io/early-compilation.js";
import { recordRun } from "./harness/history.js";
import type { BenchTool, Figures, ToolResult } from "./harness/tool.js";
import { baseline } from "./tools/baseline.js";
import { clients } from "./tools/clients.js";
import { floor } from "./tools/floor.js";
import { micro } from "./tools/micro.js";
import { overload } from "./tools/overload.js";
import { scale } from "./tools/scale.js";
import { throughput } from "./tools/throughput.js";

const TOOLS: readonly BenchTool[] = [throughput, clients, floor, baseline, scale, overload, micro];

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<ExitStatus> {
  const [name, ...rest] = words;
  const tool = TOOLS.find((each) => each.name === name);
  if (tool === undefined) {
    print(USAGE());
    return name === "--help" ? 0 : 2;
  }
  try {
    await runTool(tool, rest);
    return 0;
  } catch (error) {
    const sentence = error instanceof TypeError ? error.message : sentenceFor(error);
    if (sentence === null) throw error;
    note(`error: ${sentence}`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function runTool(tool: BenchTool, words: string[]): Promise<void> {
  const startedAt = new Date();
  const text = (name: string, fallback: string) =>
    [name, { type: "string", default: fallback }] as const;
  const given = parseArgs({
    args: words,
    options: {
      json: { type: "boolean" },
      help: { type: "boolean" },
      ...Object.fromEntries(tool.options.map(({ name, fallback }) => text(name, fallback))),
    },
  }).values as Record<string, string | boolean>;
  if (given["help"] === true) {
    print(helpOf(tool));
    return;
  }
  compileEarly();
  const result = await tool.run(new CommandInput([], given), note);
  if (given["json"] === true) print(JSON.stringify({ tool: tool.name, ...result }));
  else print(textOf(result));
  note(`added to ${await recordRun(tool.name, startedAt, result)}`);
}

function textOf({ settings, rows }: ToolResult): string {
  const conditions = Object.entries(settings).map(([name, value]) => `${name}: ${String(value)}`);
  const tables = groupByColumns(rows).map((group) => {
    const heads = Object.keys(group[0] ?? {});
    return renderNarrow(
      heads,
      group.map((row) => heads.map((head) => String(row[head] ?? ""))),
    );
  });
  return [...tables, `with ${conditions.join("; ")}`].join("\n");
}

/** Rows with the same columns share a table. */
function groupByColumns(rows: readonly Figures[]): Figures[][] {
  const groups = new Map<string, Figures[]>();
  for (const row of rows) {
    const key = Object.keys(row).join();
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()];
}

function helpOf(tool: BenchTool): string {
  const options = tool.options.map(
    ({ name, fallback, summary }) => `  --${name.padEnd(14)} ${summary} (default: ${fallback})`,
  );
  return [`npm run bench -- ${tool.name}: ${tool.summary}`, ...options].join("\n");
}

function USAGE(): string {
  const tools = TOOLS.map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`);
  return ["Usage: npm run bench -- TOOL [--help] [--json] [options]", ...tools].join("\n");
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}
