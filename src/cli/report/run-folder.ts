import { accessSync, constants, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ConfigError } from "../../io/config-error.js";
import type { BenchReport } from "../bench/bench-report.js";
import type { BenchResult } from "../bench/run-bench.js";
import { nameRuns } from "./named-run.js";
import { chartsOf } from "./report-charts.js";
import { reportHtml } from "./report-html.js";
import { RUN_FILE } from "./run-file.js";
import { seriesFiles } from "./series-csv.js";

const REPORT_FILE = "report.html";

/**
 * The folder for a run that starts at `now`: `parent`/runs/TIME. It is only made when there is
 * something to put into it, but asked for before measuring, so that a place that cannot be
 * written is not found out after two minutes of work.
 * @throws ConfigError when it could not be created.
 */
export function runFolder(parent: string, now: Date): string {
  const runs = join(parent, "runs");
  try {
    // The slash at the end makes a file of that name an error too.
    accessSync(`${existsSync(runs) ? runs : parent}/`, constants.W_OK);
  } catch {
    throw new ConfigError(
      `The report cannot be saved: ${runs} is not a folder that can be written. ` +
        "Check the permissions, or run from another directory.",
    );
  }
  return join(runs, now.toISOString().replaceAll(":", "-").replace(".", "-"));
}

/**
 * Creates `folder` and writes `run.json` (everything), one `.hgrm` file for each distribution, each
 * series as CSV, each chart as SVG, and `report.html`. Returns the path of the HTML report.
 */
export function writeRun(folder: string, { report, distributions }: BenchResult): string {
  const runs = nameRuns([report]);
  const charts = chartsOf(runs);
  mkdirSync(folder, { recursive: true });
  const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
  write(RUN_FILE, `${JSON.stringify(report)}\n`);
  for (const { file, text } of [...distributions, ...seriesFiles(report)]) write(file, text);
  for (const { name, svg } of charts) write(`${name}.svg`, svg);
  write(REPORT_FILE, reportHtml(runs, charts));
  return join(folder, REPORT_FILE);
}

/**
 * Writes one report of several runs to `path`, and its charts beside it, named after it.
 * @throws ConfigError when the place can't be written.
 */
export function writeComparison(path: string, reports: readonly BenchReport[]): void {
  const runs = nameRuns(reports);
  const charts = chartsOf(runs);
  const stem = basename(path).replace(/\.html?$/, "");
  try {
    writeFileSync(path, reportHtml(runs, charts));
    for (const { name, svg } of charts) {
      writeFileSync(join(dirname(path), `${stem}-${name}.svg`), svg);
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`The report cannot be written to ${path}: ${reason}.`);
  }
}
