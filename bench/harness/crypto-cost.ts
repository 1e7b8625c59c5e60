import type { CryptoProvider } from "../../src/core/crypto/crypto.js";

/** What one signature and one verification take of one processor, in microseconds. */
export interface CryptoCost {
  readonly signMicros: number;
  readonly verifyMicros: number;
}

const SECONDS_PER_CASE = 0.5;
const BURST = 50;
const MICROS_PER_SECOND = 1e6;

/** Measures them, in processor time: what else runs on the machine hardly matters. */
export function cryptoCost(provider: CryptoProvider): CryptoCost {
  const seed = new Uint8Array(32).fill(2);
  const digest = new Uint8Array(32).fill(3);
  const signature = provider.sign(digest, seed);
  const publicKey = provider.signPublicKey(seed);
  return {
    signMicros: cpuMicrosOf(() => provider.sign(digest, seed)),
    verifyMicros: cpuMicrosOf(() => provider.verify(digest, signature, publicKey)),
  };
}

/** Processor time of one call of `work`. */
function cpuMicrosOf(work: () => unknown): number {
  for (let count = 0; count < BURST; count += 1) work();
  const before = process.cpuUsage();
  let calls = 0;
  let micros = 0;
  while (micros < SECONDS_PER_CASE * MICROS_PER_SECOND) {
    for (let count = 0; count < BURST; count += 1) work();
    calls += BURST;
    const { user, system } = process.cpuUsage(before);
    micros = user + system;
  }
  return micros / calls;
}
