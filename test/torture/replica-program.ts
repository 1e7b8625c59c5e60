/*
 * One replica in a process of its own: `node --import hook.js replica-program.js DIR ID WORKERS`.
 * It is what `pbft-ledger replica` runs, without the other commands, which would take as long to
 * load again. Reports "serving" over IPC, takes orders to be cut off, stops in order on disconnect.
 */
import { loadGenesis, loadReplicaKey } from "../../src/io/cluster-directory.js";
import { createLog } from "../../src/io/log.js";
import { startReplica } from "../../src/io/replica-process.js";
import { loadCrypto } from "../../src/workers/load-crypto.js";

/** What the campaign asks of a replica, and is told once it is so. */
interface CutOffOrder {
  readonly isCutOff: boolean;
}

const [dir = "", id = "", workerCount = ""] = process.argv.slice(2);
// Ctrl-C reaches the whole process group, but ending is the campaign's business.
process.on("SIGINT", () => undefined);
const stopped = new Promise((resolve) => process.once("disconnect", resolve));
const genesis = loadGenesis(dir);
const { provider } = await loadCrypto(process.env);
const key = loadReplicaKey(dir, genesis, Number(id), provider);
const log = createLog("info", { replica: key.id });
const replica = await startReplica({ dir, genesis, key, log, workerCount: Number(workerCount) });
process.on("message", ({ isCutOff }: CutOffOrder) => {
  replica.cutOff(isCutOff);
  process.send?.("obeyed");
});
process.send?.("serving");
await stopped;
await replica.stop();
