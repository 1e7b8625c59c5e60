const NANOS_PER_MICRO = 1_000n;

/** Microseconds since this machine started: the same clock for all of its processes. */
export function machineMicros(): number {
  return Number(process.hrtime.bigint() / NANOS_PER_MICRO);
}
