import { setFlagsFromString } from "node:v8";

/** First major version of V8 that counts calls, not bytes of code that ran; Node.js 22 has it. */
const COUNTS_CALLS_V8 = 12;

/**
 * A seventh of what V8 waits for by itself. Measured with four replicas on two slow processors,
 * Node.js 20, one start each, one write outstanding, writes a second in the first 6 s and then in
 * each 6 s more:
 *
 *     bytes     67,584 (V8's)   116   158   196   258
 *               24,000           67   171   231   246
 *               10,000           88   261   275   279
 *                5,000           74   227   252   257
 */
const BYTES_MAX = 10_000;
/** The same part of V8's 3,000. */
const CALLS_MAX = 450;

/**
 * Has V8 compile what runs often for good after a seventh of the runs that it waits for by itself.
 * A protocol runs each of its functions a few times for a batch, so that with few batches a second
 * it went on unoptimised for minutes. The first seconds are slower, for so long the compilers have
 * more to do. Only for a process of ours: the flags of others are for them to set.
 */
export function compileEarly(): void {
  const isCounted = Number.parseInt(process.versions.v8, 10) >= COUNTS_CALLS_V8;
  setFlagsFromString(
    isCounted ? `--invocation-count-for-turbofan=${CALLS_MAX}` : `--interrupt-budget=${BYTES_MAX}`,
  );
}
