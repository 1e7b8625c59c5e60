import {
  openUdpSocket,
  type DatagramHandler,
  type DatagramSocket,
  type SocketAddress,
  type SocketCounts,
} from "../../src/io/udp-socket.js";

/**
 * How badly a socket treats the datagrams that arrive. Each share is from 0 to 1 (both included).
 */
interface Unreliability {
  readonly lossShare: number;
  readonly duplicationShare: number;
  /** Of what is not lost, held back so that later datagrams overtake it. */
  readonly reorderShare: number;
  /** Seed of the draws, a 32-bit integer. */
  readonly seed: number;
}

/** How long a datagram that is overtaken waits. */
const OVERTAKEN_MS = 15;

/** Tells how many datagrams met each fate. */
interface Fates {
  lost: number;
  duplicated: number;
  reordered: number;
  delivered: number;
}

/** A real socket whose incoming datagrams are lost, doubled and reordered at random. */
export class UnreliableSocket implements DatagramSocket {
  readonly fates: Fates = { lost: 0, duplicated: 0, reordered: 0, delivered: 0 };
  readonly #socket: DatagramSocket;
  readonly #unreliability: Unreliability;
  readonly #late = new Set<NodeJS.Timeout>();
  #state: number;

  constructor(socket: DatagramSocket, unreliability: Unreliability) {
    this.#socket = socket;
    this.#unreliability = unreliability;
    this.#state = unreliability.seed >>> 0;
  }

  /** Opens a socket and makes it unreliable. */
  static async open(local: SocketAddress, unreliability: Unreliability): Promise<UnreliableSocket> {
    return new UnreliableSocket(await openUdpSocket(local), unreliability);
  }

  get local(): SocketAddress {
    return this.#socket.local;
  }

  get counts(): SocketCounts {
    return this.#socket.counts;
  }

  receive(handler: DatagramHandler): void {
    this.#socket.receive((bytes, from) => {
      const { lossShare, duplicationShare } = this.#unreliability;
      if (this.#draw() < lossShare) {
        this.fates.lost += 1;
        return;
      }
      this.#deliver(handler, bytes, from);
      if (this.#draw() >= duplicationShare) return;
      this.fates.duplicated += 1;
      this.#deliver(handler, bytes.slice(), from);
    });
  }

  send(bytes: Uint8Array, to: SocketAddress, done: () => void): void {
    this.#socket.send(bytes, to, done);
  }

  unref(): void {
    this.#socket.unref();
  }

  close(): Promise<void> {
    for (const timer of this.#late) clearTimeout(timer);
    this.#late.clear();
    return this.#socket.close();
  }

  #deliver(handler: DatagramHandler, bytes: Uint8Array, from: SocketAddress): void {
    this.fates.delivered += 1;
    if (this.#draw() >= this.#unreliability.reorderShare) {
      handler(bytes, from);
      return;
    }
    this.fates.reordered += 1;
    const timer = setTimeout(() => {
      this.#late.delete(timer);
      handler(bytes, from);
    }, OVERTAKEN_MS);
    this.#late.add(timer);
  }

  /** The next number of a xorshift-multiply sequence, from 0 (included) to 1 (excluded). */
  #draw(): number {
    this.#state = (this.#state + 0x9e37_79b9) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0_aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  }
}
