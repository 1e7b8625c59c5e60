import { assert } from "../core/base/assert.js";
import type { Verifier } from "../core/crypto/check.js";
import type { CryptoProvider } from "../core/crypto/crypto.js";
import { HelperThread } from "./helper-thread.js";
import { CheckRunner } from "./run-checks.js";
import type { CheckKeys } from "./run-checks.js";
import { packJob } from "./verify-job.js";
import { JOBS_PER_THREAD, VerifyPool } from "./verify-pool.js";
import { TurnVerifier } from "./turn-verifier.js";
import type { VerifyWorkerData } from "./verify-worker.js";

/** What a verifier is made of. */
interface VerifierOptions {
  /** Worker threads, 0 (included) to 64 (included); 0 runs everything on the calling thread. */
  readonly workerCount: number;
  /**
   * Whether one thread may help where `workerCount` is 0: it is started once many signatures come
   * together, and verifies some of them. False if left out.
   */
  readonly hasHelper?: boolean;
  /** From `loadCrypto`; workers load the same one by its name. */
  readonly provider: CryptoProvider;
  /** Copied for each worker; must not change. */
  readonly keys: CheckKeys;
  /**
   * Called once when a worker fails, with what it failed of: a bug, for which a process should end.
   * Right after that, every list that was pending is answered as failed, and so is all that
   * follows; but where a thread only helped, the calling one goes on alone until the process ends.
   */
  readonly onCrash: (cause: unknown) => void;
}

/** Most worker threads: bounds a setting that someone may mistype. */
export const WORKERS_MAX = 64;

/**
 * Makes the verifier of a process and waits until its workers can work.
 * @throws Error of a worker that cannot start, e.g. because the addon does not load there.
 */
export async function createVerifier(options: VerifierOptions): Promise<Verifier> {
  const { workerCount, provider, keys } = options;
  assert(Number.isInteger(workerCount), "the number of workers is an integer");
  assert(workerCount >= 0 && workerCount <= WORKERS_MAX, "the number of workers is 0 to 64");
  const runner = new CheckRunner(provider, keys);
  if (workerCount === 0) return new TurnVerifier(runner, helperOf(options));
  return startPool(options, runner);
}

function helperOf({ hasHelper, provider, keys, onCrash }: VerifierOptions): HelperThread | null {
  if (hasHelper !== true) return null;
  const workerUrl = new URL("./signature-worker.js", import.meta.url);
  const { publicKeys } = keys;
  return new HelperThread({ cryptoName: provider.name, publicKeys, workerUrl, onCrash });
}

/** The pool's package is loaded only here: without workers it is not needed at all. */
async function startPool(options: VerifierOptions, runner: CheckRunner): Promise<Verifier> {
  const { workerCount, provider, keys, onCrash } = options;
  const { startThreadPool } = await import("./thread-pool.js");
  const workerData: VerifyWorkerData = { cryptoName: provider.name, keys: copyOf(keys) };
  const threads = startThreadPool({
    workerUrl: new URL("./verify-worker.js", import.meta.url),
    handlerName: "verifyJob",
    workerData,
    threadCount: workerCount,
    jobsPerThread: JOBS_PER_THREAD,
    onThreadFailure: (cause) => {
      pool.crash(cause);
    },
  });
  const pool = new VerifyPool({ runner, threads, threadCount: workerCount, onCrash });
  try {
    await Promise.all(Array.from({ length: workerCount }, () => threads.run(packJob([]))));
  } catch (cause) {
    await threads.close();
    throw cause;
  }
  return pool;
}

/** Cloning a view clones all of its buffer, which may be a pool with other secrets in it. */
function copyOf(keys: CheckKeys): CheckKeys {
  return {
    clusterId: new Uint8Array(keys.clusterId),
    macPrefixes: keys.macPrefixes.map((prefix) => new Uint8Array(prefix)),
    publicKeys: keys.publicKeys.map((key) => new Uint8Array(key)),
  };
}
