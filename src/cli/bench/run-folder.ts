import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../../io/config-error.js";
import type { BenchResult } from "./run-bench.js";
import { reportHtml } from "./report-html.js";

/**
 * Creates the folder for one run, `parent`/runs/TIME, and returns its path. Done before measuring,
 * so that a folder that cannot be written is not found out after two minutes of work.
 * @throws ConfigError when it cannot be created.
 */
export function createRunFolder(parent: string, now: Date): string {
  const folder = join(parent, "runs", now.toISOString().replaceAll(":", "-").replace(".", "-"));
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(
      `The report's folder ${folder} cannot be created: ${reason}. ` +
        "Check the permissions and the disk, or run from another directory.",
    );
  }
  return folder;
}

/**
 * Writes `run.json` (everything), one `.hgrm` file for each row, and `report.html`.
 * Returns the path of the HTML report.
 */
export function writeRun(folder: string, { report, percentileTexts }: BenchResult): string {
  writeFileSync(join(folder, "run.json"), `${JSON.stringify(report, null, 2)}\n`);
  for (const [index, row] of report.rows.entries()) {
    writeFileSync(join(folder, row.percentileFile), percentileTexts[index] ?? "");
  }
  const path = join(folder, "report.html");
  writeFileSync(path, reportHtml(report));
  return path;
}
