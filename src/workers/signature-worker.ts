import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../core/base/assert.js";
import { KEY_BYTES } from "../core/crypto/crypto.js";
import type { CryptoName } from "../core/crypto/crypto.js";
import { loadCrypto } from "./load-crypto.js";
import { SignatureBoard } from "./signature-board.js";

/*
 * The module of the thread that verifies and makes signatures ahead of the main one. Once it is
 * loaded it only computes and sleeps: it has no event loop any more.
 */

/** What the thread is started with. */
export interface SignatureWorkerData {
  /** The provider that the main thread has chosen; the thread takes the same or fails. */
  readonly cryptoName: CryptoName;
  /** 32 bytes each, by number. */
  readonly publicKeys: Uint8Array;
  /** Of a `SignatureBoard`. */
  readonly memory: SharedArrayBuffer;
}

const { cryptoName, publicKeys, memory } = workerData as SignatureWorkerData;
const { provider } = await loadCrypto({ CRYPTO: cryptoName });

parentPort?.postMessage("ready");
new SignatureBoard(memory).serve({
  verify: (digest, signature, key) => {
    const start = KEY_BYTES * key;
    assert(start + KEY_BYTES <= publicKeys.length, "the public key exists");
    return provider.verify(digest, signature, publicKeys.subarray(start, start + KEY_BYTES));
  },
  sign: (digest, seed) => provider.sign(digest, seed),
});
