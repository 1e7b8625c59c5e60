import { renderTable } from "../table.js";
import type { BenchReport, ExperimentReport } from "./bench-report.js";
import {
  ROW_HEADS,
  comparisonTexts,
  conditionPairs,
  experimentCells,
  experimentHeads,
  experimentVerdict,
  LOAD_HEADS,
  loadCells,
  partitionTexts,
  rowCells,
  sweepTexts,
} from "./figures.js";
import { PUBLISHED_NOTE } from "./table1.js";

/** Width that long sentences are broken at. */
const LINE_LENGTH = 96;

/** One experiment with the replicas' tables, for the terminal. */
export function experimentText(experiment: ExperimentReport): string {
  return [
    `${experiment.title}: ${experiment.commands}`,
    renderTable(experimentHeads(experiment), experimentCells(experiment)),
    experimentVerdict(experiment),
    "",
  ].join("\n");
}

/** The table of the rows with what one needs to judge it, for the terminal. */
export function rowsText(report: BenchReport): string {
  const warmUps = [...new Set(report.rows.map((row) => row.warmUpCount.toString()))].join(" or ");
  const conditions = conditionPairs(report.conditions).map(([name, value]) => `${name}: ${value}`);
  const note =
    `Latencies in ms as the client sees them; the ${warmUps} warm-up operations before a pass ` +
    "are not in its figures. Of several passes: the median, and the range below it.";
  const lines = [
    renderTable(
      ROW_HEADS,
      report.rows.map((row) => rowCells(row)),
    ),
    ...report.rows.flatMap(partitionTexts).flatMap(wrapped),
    ...comparisonTexts(report).flatMap(wrapped),
    ...sweepLines(report),
    ...wrapped(note),
    ...wrapped(PUBLISHED_NOTE),
    ...wrapped(`Measured with ${conditions.join("; ")}.`),
  ];
  return lines.join("\n");
}

function sweepLines(report: BenchReport): string[] {
  const cells = report.throughput.flatMap(loadCells);
  if (cells.length === 0) return [];
  return [renderTable(LOAD_HEADS, cells), ...sweepTexts(report).flatMap(wrapped)];
}

/** Breaks a sentence between words. */
function wrapped(sentence: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of sentence.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > LINE_LENGTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
