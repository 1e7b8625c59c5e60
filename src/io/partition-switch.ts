import type { DatagramHandler, DatagramSocket, SocketAddress, SocketCounts } from "./udp-socket.js";

/**
 * A socket that can be cut off, as if its cable were pulled: what comes in is dropped, what goes
 * out vanishes. It is how `fault --partition` takes a replica of a local cluster away from the
 * others.
 */
export class PartitionSwitch implements DatagramSocket {
  readonly #socket: DatagramSocket;
  #isCutOff = false;

  constructor(socket: DatagramSocket) {
    this.#socket = socket;
  }

  /** Cuts the socket off, or connects it again. */
  cutOff(isCutOff: boolean): void {
    this.#isCutOff = isCutOff;
  }

  get local(): SocketAddress {
    return this.#socket.local;
  }

  get counts(): SocketCounts {
    return this.#socket.counts;
  }

  receive(handler: DatagramHandler): void {
    this.#socket.receive((bytes, from) => {
      if (!this.#isCutOff) handler(bytes, from);
    });
  }

  send(bytes: Uint8Array, to: SocketAddress, done: () => void): void {
    if (this.#isCutOff) queueMicrotask(done);
    else this.#socket.send(bytes, to, done);
  }

  unref(): void {
    this.#socket.unref();
  }

  close(): Promise<void> {
    return this.#socket.close();
  }
}
