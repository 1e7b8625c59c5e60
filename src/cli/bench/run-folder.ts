import { accessSync, constants, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../../io/config-error.js";
import type { BenchResult } from "./run-bench.js";
import { reportHtml } from "./report-html.js";

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
 * Creates `folder` and writes `run.json` (everything), one `.hgrm` file for each row, and
 * `report.html`. Returns the path of the HTML report.
 */
export function writeRun(folder: string, { report, percentileTexts }: BenchResult): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "run.json"), `${JSON.stringify(report, null, 2)}\n`);
  for (const [index, row] of report.rows.entries()) {
    writeFileSync(join(folder, row.percentileFile), percentileTexts[index] ?? "");
  }
  const path = join(folder, "report.html");
  writeFileSync(path, reportHtml(report));
  return path;
}
