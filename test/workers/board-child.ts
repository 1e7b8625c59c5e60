/*
 * The other thread of a board in memory that both have. To it a signature is good if the number of
 * the key is even and all its bytes, and those of the digest, are the last eight bits of that. It
 * signs a digest by repeating its first byte and that of the seed, if each is all of one byte.
 */
import { parentPort, workerData } from "node:worker_threads";
import { SignatureBoard } from "../../src/workers/signature-board.js";

parentPort?.postMessage("ready");
new SignatureBoard(workerData as SharedArrayBuffer).serve({
  verify: (digest, signature, key) => {
    const isWhole = [digest, signature].every((bytes) => bytes.every((byte) => byte === key % 256));
    return isWhole && key % 2 === 0;
  },
  sign: (digest, seed) => {
    const isWhole = [digest, seed].every((bytes) => bytes.every((byte) => byte === bytes[0]));
    const signature = new Uint8Array(64);
    if (isWhole) signature.fill(digest[0] ?? 0, 0, 32).fill(seed[0] ?? 0, 32);
    return signature;
  },
});
