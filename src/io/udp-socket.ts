import { createSocket, type Socket } from "node:dgram";
import { isIP, isIPv6 } from "node:net";
import { DATAGRAM_BYTES_MAX } from "../core/base/limits.js";

/** An IP address (not a host name) and a port, 1 to 65,535 (included). */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** What came and went through a socket since it was opened. */
export interface SocketCounts {
  readonly datagramsReceived: number;
  readonly bytesReceived: number;
  readonly datagramsSent: number;
  readonly bytesSent: number;
  /** Datagrams that the operating system refused. */
  readonly sendErrors: number;
  /** Errors reported by the operating system apart from sending. */
  readonly socketErrors: number;
  /** Datagrams above `DATAGRAM_BYTES_MAX`, either way, and those that came from port 0: dropped. */
  readonly dropped: number;
}

/** Takes a datagram. `bytes` is a plain array that nobody writes to again; it may be kept. */
export type DatagramHandler = (bytes: Uint8Array, from: SocketAddress) => void;

/**
 * Sends and receives datagrams, unreliably. Made narrow so that a test can put one in between that
 * loses, repeats and reorders.
 */
export interface DatagramSocket {
  /** Where it is bound; the port is the real one when 0 was asked for. */
  readonly local: SocketAddress;
  readonly counts: SocketCounts;

  /** Sets who takes what arrives from now on; what comes before that is lost. */
  receive(handler: DatagramHandler): void;

  /**
   * Sends one datagram; errors are counted, never thrown. `done` is called exactly once, never
   * during the call, and until then `bytes` must not change.
   */
  send(bytes: Uint8Array, to: SocketAddress, done: () => void): void;

  /** Lets the process end although the socket is open. */
  unref(): void;

  /** Stops receiving and sending. Idempotent. */
  close(): Promise<void>;
}

/** The world's fault: the socket cannot be opened. The message says what to do. */
export class SocketError extends Error {
  override readonly name = "SocketError";
}

/** Socket buffers asked for. The kernel may give less: Linux stops at net.core.rmem_max. */
const BUFFER_BYTES_ASKED = 4 * 1024 * 1024;

/** Where asking for less ends: below this the system's default is no worse. */
const BUFFER_BYTES_MIN = 128 * 1024;

/** A bound UDP socket, and how large its buffers came out. */
export class UdpSocket implements DatagramSocket {
  readonly local: SocketAddress;
  /** In bytes, as the operating system says; Linux counts its own bookkeeping in. */
  readonly receiveBufferBytes: number;
  /** As `receiveBufferBytes`. */
  readonly sendBufferBytes: number;
  readonly #socket: Socket;
  readonly #counts = {
    datagramsReceived: 0,
    bytesReceived: 0,
    datagramsSent: 0,
    bytesSent: 0,
    sendErrors: 0,
    socketErrors: 0,
    dropped: 0,
  };
  #handler: DatagramHandler = () => undefined;
  #closing: Promise<void> | null = null;

  /** @param socket bound; use `openUdpSocket`. */
  constructor(socket: Socket) {
    this.#socket = socket;
    const { address, port } = socket.address();
    this.local = { address, port };
    growBuffer((bytes) => {
      socket.setRecvBufferSize(bytes);
    });
    growBuffer((bytes) => {
      socket.setSendBufferSize(bytes);
    });
    this.receiveBufferBytes = socket.getRecvBufferSize();
    this.sendBufferBytes = socket.getSendBufferSize();
    socket.on("message", (datagram, from) => {
      this.#onDatagram(datagram, from);
    });
    socket.on("error", () => {
      this.#counts.socketErrors += 1;
    });
  }

  get counts(): SocketCounts {
    return this.#counts;
  }

  receive(handler: DatagramHandler): void {
    this.#handler = handler;
  }

  send(bytes: Uint8Array, to: SocketAddress, done: () => void): void {
    if (this.#closing !== null || bytes.length > DATAGRAM_BYTES_MAX) {
      this.#counts.dropped += 1;
      queueMicrotask(done);
      return;
    }
    this.#socket.send(bytes, to.port, to.address, (error) => {
      if (error === null) {
        this.#counts.datagramsSent += 1;
        this.#counts.bytesSent += bytes.length;
      } else {
        this.#counts.sendErrors += 1;
      }
      done();
    });
  }

  unref(): void {
    this.#socket.unref();
  }

  close(): Promise<void> {
    this.#handler = () => undefined;
    this.#closing ??= new Promise((resolve) => {
      this.#socket.close(resolve);
    });
    return this.#closing;
  }

  /**
   * Node hands out a buffer of its own for each datagram, cut to the datagram's size: views of it
   * stay valid. Nobody can answer to port 0.
   */
  #onDatagram(datagram: Buffer, from: SocketAddress): void {
    if (datagram.length > DATAGRAM_BYTES_MAX || from.port === 0) {
      this.#counts.dropped += 1;
      return;
    }
    this.#counts.datagramsReceived += 1;
    this.#counts.bytesReceived += datagram.length;
    const bytes = new Uint8Array(datagram.buffer, datagram.byteOffset, datagram.length);
    this.#handler(bytes, from);
  }
}

/**
 * Opens a UDP socket.
 * @param local an address of this machine; port 0 lets the system choose.
 * @throws SocketError with a sentence for the operator.
 */
export async function openUdpSocket(local: SocketAddress): Promise<UdpSocket> {
  const { address, port } = local;
  if (isIP(address) === 0) {
    throw new SocketError(`"${address}" is not an IP address; write one, such as 127.0.0.1`);
  }
  const type = isIPv6(address) ? "udp6" : "udp4";
  const socket = createSocket({
    type,
    // Addresses are literals, so there is nothing to look up; Node's own way costs a trip through
    // its thread pool for every datagram.
    lookup: (hostname, _options, found) => {
      found(null, hostname, type === "udp6" ? 6 : 4);
    },
  });
  return new Promise((resolve, reject) => {
    socket.once("error", (error) => {
      socket.close();
      reject(bindError(error, local));
    });
    socket.bind(port, address, () => {
      socket.removeAllListeners("error");
      resolve(new UdpSocket(socket));
    });
  });
}

function bindError(error: Error, { address, port }: SocketAddress): SocketError {
  const code = "code" in error ? error.code : undefined;
  const at = `${address} port ${String(port)}`;
  switch (code) {
    case "EADDRINUSE":
      return new SocketError(
        `UDP ${at} is in use; stop the program that holds it, or choose another port`,
      );
    case "EADDRNOTAVAIL":
      return new SocketError(
        `${address} is not an address of this machine; choose one that is, such as 127.0.0.1`,
      );
    case "EACCES":
      return new SocketError(`not allowed to open UDP ${at}; choose a port from 1024 up`);
    default:
      return new SocketError(`cannot open UDP ${at}: ${error.message}`);
  }
}

/** Asks for large buffers, and for less where the system refuses instead of cutting down. */
function growBuffer(ask: (bytes: number) => void): void {
  for (let bytes = BUFFER_BYTES_ASKED; bytes >= BUFFER_BYTES_MIN; bytes /= 2) {
    try {
      ask(bytes);
      return;
    } catch (error) {
      if (!isBufferSizeError(error)) throw error;
    }
  }
}

function isBufferSizeError(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_SOCKET_BUFFER_SIZE";
}
