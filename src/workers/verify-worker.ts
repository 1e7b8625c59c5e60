import { workerData } from "node:worker_threads";
import type { CryptoName } from "../core/crypto/crypto.js";
import { loadCrypto } from "./load-crypto.js";
import { CheckRunner } from "./run-checks.js";
import type { CheckKeys } from "./run-checks.js";
import { transferred } from "./thread-pool.js";
import { packAnswer, unpackJob } from "./verify-job.js";

/*
 * The module of a verification thread. It only computes: no I/O, no timers, nothing asynchronous
 * once it is loaded.
 */

/** What a verification thread is started with. */
export interface VerifyWorkerData {
  /** The provider that the main thread has chosen; the thread takes the same or fails. */
  readonly cryptoName: CryptoName;
  readonly keys: CheckKeys;
}

const { cryptoName, keys } = workerData as VerifyWorkerData;
const { provider } = await loadCrypto({ CRYPTO: cryptoName });
const runner = new CheckRunner(provider, keys);

/** Runs the lists of one job; called by the thread pool. */
export function verifyJob(job: ArrayBuffer): unknown {
  const verdicts = unpackJob(job).map(({ bytes, checks }) => runner.run(bytes, checks));
  return transferred(packAnswer(verdicts));
}
