import { UsageError } from "../command.js";
import { SWEEP_DEFAULT, SWEEP_IN_FLIGHT_MAX } from "./sweep.js";
import type { SweepPlan } from "./sweep.js";
import type { WorkloadKind } from "./workload.js";

/** Most loads of one sweep: a typing error must not start a day's work. */
const LOADS_MAX = 32;

/** What `--sweep` takes, for help. */
export const SWEEP_SUMMARY =
  "operations in flight to draw the throughput-latency curve at, or none " +
  `(default: ${SWEEP_DEFAULT.join(",")} with the rows of Table 1, else none)`;

/**
 * The loads of a sweep.
 * @param written what `--sweep` says: numbers separated by commas, or "none"; null when it says
 * nothing.
 * @param isWhole whether everything is measured that is by default.
 * @throws UsageError when it is anything else.
 */
export function planSweep(
  written: string | null,
  kinds: readonly WorkloadKind[],
  isWhole: boolean,
): SweepPlan | null {
  if (written === "none" || (written === null && !isWhole)) return null;
  if (written === null) return { inFlight: SWEEP_DEFAULT, kinds };
  const loads = new Set(written.split(",").map((text) => loadOf(text.trim())));
  if (loads.size > LOADS_MAX) throw new UsageError(`--sweep takes at most ${LOADS_MAX} loads`);
  return { inFlight: [...loads].sort((left, right) => left - right), kinds };
}

function loadOf(text: string): number {
  const load = Number(text);
  if (/^\d{1,9}$/.test(text) && load >= 1 && load <= SWEEP_IN_FLIGHT_MAX) return load;
  throw new UsageError(
    `--sweep must be none, or whole numbers from 1 to ${SWEEP_IN_FLIGHT_MAX} separated by ` +
      `commas, not "${text}"`,
  );
}
