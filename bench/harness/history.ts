import { appendFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { machineConditions } from "../../src/cli/bench/run-conditions.js";
import type { ToolResult } from "./tool.js";

/*
 * bench/history.ndjson: one line a run, one JSON object a line.
 *
 *   format      1; changes when a reader would misunderstand what follows
 *   tool        which tool, e.g. "throughput"
 *   startedAt   ISO 8601
 *   conditions  machine (cpuModel, cpuCount, memoryBytes, platform), nodeVersion, commit
 *   settings    what the tool ran with: name to number or text
 *   rows        its figures: an array of objects, name to number or text, units in the names
 *
 * Columns are only ever added. A chart groups rows by their text columns.
 */

const FORMAT = 1;

/** Compiled, this file is in dist/bench/harness; the history stands beside the sources. */
const HISTORY_PATH = fileURLToPath(new URL("../../../bench/history.ndjson", import.meta.url));

/** Adds a run to the history; returns where that is. */
export async function recordRun(
  tool: string,
  startedAt: Date,
  result: ToolResult,
): Promise<string> {
  const line = {
    format: FORMAT,
    tool,
    startedAt: startedAt.toISOString(),
    conditions: await machineConditions(),
    settings: result.settings,
    rows: result.rows,
  };
  appendFileSync(HISTORY_PATH, `${JSON.stringify(line)}\n`);
  return HISTORY_PATH;
}
