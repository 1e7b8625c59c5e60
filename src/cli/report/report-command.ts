import { resolve } from "node:path";
import type { CommandDescription, CommandInput, ExitStatus, Output } from "../command.js";
import { UsageError } from "../command.js";
import { RUNS_MAX } from "./named-run.js";
import { readRun } from "./run-file.js";
import { writeComparison } from "./run-folder.js";

const OUT_DEFAULT = "report.html";

/** `report`: one report of runs that were measured before. */
export const reportCommand: CommandDescription = {
  name: "report",
  summary: "one report of several runs side by side, from what `bench` and `npm start` saved",
  positionals: [["<run...>", "folders of runs, or their run.json; the first is A, the next B, …"]],
  options: [
    { flags: "--out <file>", summary: "where to write it", fallback: OUT_DEFAULT },
    { flags: "--json", summary: "print one JSON object" },
  ],
  examples: [
    "report runs/2026-01-01T10-00-00-000Z runs/2026-01-02T10-00-00-000Z",
    "report before/run.json after/run.json --out change.html",
  ],
  run: runReport,
};

function runReport(input: CommandInput, output: Output): Promise<ExitStatus> {
  const paths = input.positionals;
  if (paths.length > RUNS_MAX) throw new UsageError(`report takes at most ${RUNS_MAX} runs`);
  const out = input.text("out") ?? OUT_DEFAULT;
  if (!/\.html?$/.test(out)) throw new UsageError(`--out must end with .html, not "${out}"`);
  writeComparison(
    out,
    paths.map((path) => readRun(path)),
  );
  const path = resolve(out);
  output.result(input.flag("json") ? JSON.stringify({ report: path }) : `Report: ${path}`);
  return Promise.resolve(0);
}
