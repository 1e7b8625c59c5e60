import type { ClientId } from "../core/base/ids.js";
import { clientOfFrame, endOfFrame } from "../core/wire/header.js";
import type { Genesis } from "./config.js";
import { datagramBytesMaxOf, isLoopback } from "./datagram-size.js";
import { DatagramPacker } from "./datagram-packer.js";
import type { Ingress } from "./ingress.js";
import { Tally } from "./tally.js";
import { SharedTicker } from "./ticker.js";
import { openUdpSocket, type DatagramSocket, type SocketAddress } from "./udp-socket.js";

/** Opens a socket; a test may put one in between that loses datagrams. */
export type SocketOpener = (local: SocketAddress) => Promise<DatagramSocket>;

/**
 * A socket that many clients of one process use: what they send in one turn to one replica travels
 * in one datagram, and so does what a replica answers them in one of its turns. Each has its own
 * frames with its own MACs, so it is as if each had a socket of its own, only cheaper.
 */
export class ClientPort {
  readonly datagrams: DatagramPacker;
  readonly drops: Tally;
  /** The ticks of all who use it. */
  readonly ticker: SharedTicker;
  readonly #socket: DatagramSocket;
  /** Those who use it now, by identity; one identity may run several clients. */
  readonly #ingresses = new Map<ClientId, Set<Ingress>>();

  /**
   * @param socket its owner from now on is this port.
   * @param tickMs milliseconds of a tick, 1 and up.
   */
  constructor(socket: DatagramSocket, datagramBytesMax: number, tickMs: number) {
    this.#socket = socket;
    this.ticker = new SharedTicker(tickMs);
    this.drops = new Tally();
    const { drops } = this;
    this.datagrams = new DatagramPacker({
      ...{ socket, datagramBytesMax, drops },
      // Whoever waits for what one datagram brought goes on before this: all of that is one turn.
      atEndOfTurn: (flush) => {
        process.nextTick(flush);
      },
    });
    socket.receive((bytes, from) => {
      this.#receive(bytes, from);
    });
  }

  /** Hands frames for `client` to `ingress` from now on, until the returned function is called. */
  attach(client: ClientId, ingress: Ingress): () => void {
    const held = this.#ingresses.get(client) ?? new Set<Ingress>();
    this.#ingresses.set(client, held.add(ingress));
    return () => {
      held.delete(ingress);
      if (held.size === 0) this.#ingresses.delete(client);
    };
  }

  /** Closes the socket. Idempotent. */
  close(): Promise<void> {
    return this.#socket.close();
  }

  /** Frames of a datagram may be for several clients; none can make another one miss its own. */
  #receive(datagram: Uint8Array, from: SocketAddress): void {
    let start = 0;
    while (start < datagram.length) {
      const end = endOfFrame(datagram, start);
      const client = clientOfFrame(datagram, start);
      const ingresses = client === null ? undefined : this.#ingresses.get(client);
      const frame = end - start === datagram.length ? datagram : datagram.subarray(start, end);
      for (const ingress of ingresses ?? []) ingress.receive(frame, from);
      start = end;
    }
  }
}

/**
 * Opens a port for clients of the cluster.
 * @throws SocketError when no socket can be opened.
 */
export async function openClientPort(
  genesis: Genesis,
  openSocket: SocketOpener = openUdpSocket,
): Promise<ClientPort> {
  const isLocal = genesis.replicas.every((replica) => isLoopback(replica.host));
  const isV6 = genesis.replicas.some((replica) => replica.host.includes(":"));
  const anyAddress = isV6 ? "::" : "0.0.0.0";
  const loopback = isV6 ? "::1" : "127.0.0.1";
  const socket = await openSocket({ address: isLocal ? loopback : anyAddress, port: 0 });
  return new ClientPort(socket, datagramBytesMaxOf(genesis), genesis.settings.tickMs);
}
