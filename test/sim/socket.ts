import type { DatagramSocket, SocketAddress } from "../../src/io/udp-socket.js";
import type { Wire } from "./wire.js";

/**
 * A socket on the simulated network. What was sent is released when the turn ends: `afterTurn`
 * takes the calls to make then.
 */
export function openSimSocket(
  wire: Wire,
  local: SocketAddress,
  afterTurn: (() => void)[],
): DatagramSocket {
  return {
    local,
    counts: {
      datagramsReceived: 0,
      bytesReceived: 0,
      datagramsSent: 0,
      bytesSent: 0,
      sendErrors: 0,
      socketErrors: 0,
      dropped: 0,
    },
    receive: () => undefined,
    send: (bytes, to, done) => {
      wire.send(local, to, bytes);
      afterTurn.push(done);
    },
    unref: () => undefined,
    close: () => Promise.resolve(),
  };
}

/** The turn ends: what was sent is out of the sender's hands. */
export function releaseAll(afterTurn: (() => void)[]): void {
  if (afterTurn.length === 0) return;
  for (const release of afterTurn.splice(0)) release();
}
