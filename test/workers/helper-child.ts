/*
 * Starts a helping thread, and comes to its end while that is as its argument says: "starting",
 * "asleep" or "at work".
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { HelperThread } from "../../src/workers/helper-thread.js";
import { KEYS } from "./check-lists.js";

const POSTS = 500;

const [, , state = ""] = process.argv;
const helper = new HelperThread({
  cryptoName: "portable",
  publicKeys: KEYS.publicKeys,
  workerUrl: new URL("../../src/workers/signature-worker.js", import.meta.url),
  onCrash: (cause) => {
    throw cause;
  },
});
helper.start();
while (state !== "starting" && helper.board === null) await nextTurn();
if (state === "at work") {
  for (let count = 0; count < POSTS; count += 1) {
    helper.board?.postToVerify(new Uint8Array(32), new Uint8Array(64), 0, 0);
  }
  helper.board?.wake();
}
