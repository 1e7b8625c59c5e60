import { compileEarly } from "../../io/early-compilation.js";
import type { ExitStatus, Output } from "../command.js";
import { isConsistent, problemsOf } from "./bench-report.js";
import { loadText, rowLabel } from "./figures.js";
import { jsonReport } from "./json-report.js";
import { processClock } from "./load-clock.js";
import type { MeasuredCluster } from "./measured-cluster.js";
import type { ProgressBar } from "./progress-bar.js";
import { runBench } from "./run-bench.js";
import type { BenchObserver, BenchPlan } from "./run-bench.js";
import type { ClusterConditions } from "./run-conditions.js";
import { runFolder, writeRun } from "../report/run-folder.js";
import { experimentText, rowsText } from "./text-report.js";

/** One run of the benchmark, whichever command asked for it. */
interface BenchJob {
  readonly cluster: MeasuredCluster;
  readonly conditions: ClusterConditions;
  readonly plan: BenchPlan;
  /** Where the folder `runs` is, or is made. */
  readonly parent: string;
  /** Whether the JSON object is the only result, and the tables are mere progress. */
  readonly isJson: boolean;
  readonly progress: ProgressBar;
  readonly output: Output;
  readonly signal: AbortSignal;
}

/** Measures, prints and saves. 0 only when everything was right: see `problemsOf`. */
export async function benchAndReport(job: BenchJob): Promise<ExitStatus> {
  compileEarly();
  const { cluster, conditions, plan, isJson, output, signal, progress } = job;
  const folder = runFolder(job.parent, new Date());
  const say = (text: string): void => (isJson ? output.note(text) : output.result(text));
  const observer = observe(progress, say, (line) => output.note(line));
  const finish = (): void => progress.stop();
  const result = await runBench(cluster, conditions, plan, observer, processClock, signal).finally(
    finish,
  );
  const reportPath = writeRun(folder, result);
  if (result.report.rows.length > 0) say(rowsText(result.report));
  for (const problem of problemsOf(result.report)) output.note(`PROBLEM ${problem}`);
  say(`Report: ${reportPath}`);
  if (isJson) output.result(jsonReport(result.report, reportPath));
  const isRight = isConsistent(result.report) && problemsOf(result.report).length === 0;
  return isRight ? 0 : 1;
}

function observe(
  progress: ProgressBar,
  say: (text: string) => void,
  note: (line: string) => void,
): BenchObserver {
  return {
    experimentDone: (report) => say(experimentText(report)),
    rowStarted: (plan, operationCount) => progress.start(rowLabel(plan), operationCount),
    operationDone: () => progress.advance(),
    rowDone: () => progress.stop(),
    loadDone: (label, point) => note(loadText(label, point)),
  };
}
