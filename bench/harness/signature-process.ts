/*
 * A process that signs and verifies when it is asked to, and nothing else; see signature-limit.ts.
 * It is sent n, and answers how many requests it could sign once and verify n times in a second of
 * processor time.
 */
import { loadCrypto } from "../../src/workers/load-crypto.js";

const MEASURED_MICROS = 400_000;
const MICROS_PER_SECOND = 1e6;

const { provider } = await loadCrypto(process.env);
const seed = new Uint8Array(32).fill(2);
const digest = new Uint8Array(32).fill(3);
const publicKey = provider.signPublicKey(seed);

function signAndVerify(n: number): void {
  const signature = provider.sign(digest, seed);
  for (let count = 0; count < n; count += 1) provider.verify(digest, signature, publicKey);
}

process.on("message", (n: number) => {
  signAndVerify(n);
  const before = process.cpuUsage();
  let requests = 0;
  let micros = 0;
  while (micros < MEASURED_MICROS) {
    signAndVerify(n);
    requests += 1;
    const { user, system } = process.cpuUsage(before);
    micros = user + system;
  }
  process.send?.((requests * MICROS_PER_SECOND) / micros);
});
process.once("disconnect", () => process.exit(0));
process.send?.("ready");
