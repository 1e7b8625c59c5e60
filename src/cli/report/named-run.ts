import type { BenchReport } from "../bench/bench-report.js";

/** One run of a report, and what it is called there. */
export interface NamedRun {
  /** "A", "B" … where there are several; empty when there is one. */
  readonly name: string;
  readonly report: BenchReport;
}

/** Most runs that one report compares: letters end. */
export const RUNS_MAX = 8;

const LETTERS = "ABCDEFGH";

/** The runs with their names, in order. */
export function nameRuns(reports: readonly BenchReport[]): NamedRun[] {
  if (reports.length === 1) return reports.map((report) => ({ name: "", report }));
  return reports.map((report, index) => ({ name: LETTERS[index] ?? "", report }));
}

/** What something of a run is called where others' stand beside it. */
export function seriesName({ name, report }: NamedRun, label: string): string {
  if (name === "") return label;
  if (label !== "") return `${name}: ${label}`;
  return `${name}: ${report.conditions.commit ?? report.startedAt}`;
}
