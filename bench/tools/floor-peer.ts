/*
 * A process that plays one replica's part in a bare datagram pattern; see harness/datagrams.ts.
 * `floor-peer.js DIR NAME` writes to the file NAME in DIR.
 */
import { compileEarly } from "../../src/io/early-compilation.js";
import { PatternPeer } from "../harness/datagrams.js";
import { DurableBlocks } from "../harness/durable-blocks.js";

compileEarly();
const [directory = "", name = ""] = process.argv.slice(2);
const peer = await PatternPeer.open(await DurableBlocks.create(directory, name));
process.on("message", (ports: readonly number[]) => {
  peer.meet(ports);
  process.send?.("met");
});
process.once("disconnect", () => process.exit(0));
process.send?.(peer.port);
