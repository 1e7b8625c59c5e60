import type { SocketAddress } from "../../src/io/udp-socket.js";
import type { Liar } from "./byzantine/liar.js";

/** Takes a datagram. */
export type Receiver = (bytes: Uint8Array, from: SocketAddress) => void;

/** What a machine's sockets are plugged into: the network, or what stands between. */
export interface Wire {
  /** Hands what comes for `address` to `receiver` from now on; null: to nobody. */
  attach(address: SocketAddress, receiver: Receiver | null): void;
  /** Takes one datagram; a copy is what travels. */
  send(from: SocketAddress, to: SocketAddress, bytes: Uint8Array): void;
}

/** A wire on which `liar` does what it likes to its own datagrams. */
export function bentBy(liar: Liar, wire: Wire): Wire {
  return {
    attach: (address, receiver) => {
      wire.attach(address, receiver);
    },
    send: (from, to, bytes) => {
      const bent = bytes.slice();
      liar.bend(bent, to.address);
      wire.send(from, to, bent);
    },
  };
}
