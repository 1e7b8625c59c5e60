/*
 * The other thread of a board in memory that both have. To it a signature is good if the number of
 * the key is even and all its bytes, and those of the digest, are the last eight bits of that.
 */
import { parentPort, workerData } from "node:worker_threads";
import { SignatureBoard } from "../../src/workers/signature-board.js";

parentPort?.postMessage("ready");
new SignatureBoard(workerData as SharedArrayBuffer).serve((digest, signature, key) => {
  const isWhole = [digest, signature].every((bytes) => bytes.every((byte) => byte === key % 256));
  return isWhole && key % 2 === 0;
});
