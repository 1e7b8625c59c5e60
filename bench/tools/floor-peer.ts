/*
 * A process that plays one replica's part in a bare datagram pattern; see harness/datagrams.ts.
 */
import { PatternPeer } from "../harness/datagrams.js";

const peer = await PatternPeer.open();
process.on("message", (ports: readonly number[]) => {
  peer.meet(ports);
  process.send?.("met");
});
process.once("disconnect", () => process.exit(0));
process.send?.(peer.port);
