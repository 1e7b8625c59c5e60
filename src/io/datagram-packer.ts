import type { Tally } from "./tally.js";
import type { DatagramSocket, SocketAddress } from "./udp-socket.js";

/** What a packer works with. */
interface DatagramPackerOptions {
  readonly socket: DatagramSocket;
  /** Largest datagram to send: see `datagramBytesMaxOf`. */
  readonly datagramBytesMax: number;
  /** Where every drop is counted, by its code. */
  readonly drops: Tally;
  /**
   * Calls `flush` once the turn is over, if those who write frames end their turns at other times:
   * several clients of one socket. Then frames that need not leave together may leave before. By
   * default a turn ends when one of them says so.
   */
  readonly atEndOfTurn?: (flush: () => void) => void;
}

/**
 * With what a frame may share its datagram: with nothing; with any others of its turn, of which a
 * part may leave before the turn is over; or with all of them that fit, at the end of the turn.
 */
export type Company = "none" | "some" | "all";

/** A buffer for one datagram, and what to call when the socket is done with it. */
interface DatagramBuffer {
  readonly bytes: Uint8Array;
  readonly release: () => void;
}

/** A datagram that frames are written to. */
interface OpenDatagram {
  readonly buffer: DatagramBuffer;
  /** Its first frame: mostly the only one, and then all that is sent. */
  readonly first: Uint8Array;
  readonly to: SocketAddress;
  /** Whether it holds all that it may. */
  readonly isFull: boolean;
  /** With so many frames it leaves when the next one comes, unless they are to leave together. */
  readonly framesMax: number;
  /** Bytes of it that are taken. */
  end: number;
  frameCount: number;
  leavesWithAll: boolean;
}

/**
 * Frames after which the first datagram of a turn for an address leaves. Whoever receives it works
 * on it while more are written: reads of 64 clients are done 1.06 to 1.1 times as often.
 */
const FIRST_FRAMES_MAX = 32;

/** Bytes of datagrams that the operating system has not taken yet; what comes on top is dropped. */
const UNDER_WAY_BYTES_MAX = 64 * 1024 * 1024;

/** Bytes of buffers kept for the next turn. */
const FREE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * From frames to datagrams: the frames of a turn for one address share as few as they fit, but for
 * some that leave early. What a datagram costs hardly depends on its size, so it is their number
 * that counts.
 */
export class DatagramPacker {
  /** Largest datagram, and so the largest frame, in bytes. */
  readonly datagramBytesMax: number;
  readonly #options: DatagramPackerOptions;
  /** Where a turn ends as soon as its frames are written there is nothing to be gained. */
  readonly #sendsEarly: boolean;
  /**
   * By port: cheaper to look up than an address. Where two hosts have the same port, the second one
   * has the first one's datagram sent as it is.
   */
  readonly #open = new Map<number, OpenDatagram>();
  readonly #free: DatagramBuffer[] = [];
  #underWayCount = 0;
  #flushIsDue = false;

  constructor(options: DatagramPackerOptions) {
    this.#options = options;
    this.datagramBytesMax = options.datagramBytesMax;
    this.#sendsEarly = options.atEndOfTurn !== undefined;
  }

  /**
   * Room for a frame of `size` bytes, up to `datagramBytesMax`, to be filled before the next one is
   * asked for. Null when too much waits for the operating system: the frame is dropped, and
   * counted.
   */
  reserve(to: SocketAddress, size: number, company: Company): Uint8Array | null {
    const open = this.#open.get(to.port);
    const fits = open !== undefined && this.#fits(open, to, size, company);
    const isDue = open !== undefined && this.#isDue(open, company);
    if (fits && !isDue) return append(open, size, company);
    const buffer = this.#take();
    if (buffer === null && fits) return append(open, size, company);
    if (buffer === null) {
      this.#options.drops.add("egress/overloaded");
      return null;
    }
    if (open !== undefined) this.#send(open);
    const datagram = {
      buffer,
      first: buffer.bytes.subarray(0, size),
      to,
      isFull: company === "none",
      // Twice as many each time: one for every 32 of hundreds would cost more than it brings.
      framesMax: (open?.framesMax ?? FIRST_FRAMES_MAX) * (isDue ? 2 : 1),
      end: size,
      frameCount: 1,
      leavesWithAll: company === "all",
    };
    this.#open.set(to.port, datagram);
    return datagram.first;
  }

  #fits(open: OpenDatagram, to: SocketAddress, size: number, company: Company): boolean {
    if (company === "none" || open.isFull || open.to.address !== to.address) return false;
    return open.end + size <= this.datagramBytesMax;
  }

  /** Whether it should leave before the turn is over. */
  #isDue(open: OpenDatagram, company: Company): boolean {
    const mayLeave = this.#sendsEarly && company === "some" && !open.leavesWithAll;
    return mayLeave && open.frameCount >= open.framesMax;
  }

  /** Whoever wrote frames has written all of this turn. */
  endTurn(): void {
    const { atEndOfTurn } = this.#options;
    if (atEndOfTurn === undefined) return this.#flush();
    if (this.#flushIsDue || this.#open.size === 0) return;
    this.#flushIsDue = true;
    atEndOfTurn(this.#flushAtEnd);
  }

  readonly #flushAtEnd = (): void => {
    this.#flushIsDue = false;
    this.#flush();
  };

  #flush(): void {
    for (const datagram of this.#open.values()) this.#send(datagram);
    this.#open.clear();
  }

  #send({ buffer, first, to, end }: OpenDatagram): void {
    const bytes = end === first.length ? first : buffer.bytes.subarray(0, end);
    this.#options.socket.send(bytes, to, buffer.release);
  }

  #take(): DatagramBuffer | null {
    if ((this.#underWayCount + 1) * this.datagramBytesMax > UNDER_WAY_BYTES_MAX) return null;
    this.#underWayCount += 1;
    return this.#free.pop() ?? this.#newBuffer();
  }

  #newBuffer(): DatagramBuffer {
    const buffer: DatagramBuffer = {
      bytes: new Uint8Array(this.datagramBytesMax),
      release: () => {
        this.#release(buffer);
      },
    };
    return buffer;
  }

  #release(buffer: DatagramBuffer): void {
    this.#underWayCount -= 1;
    if ((this.#free.length + 1) * this.datagramBytesMax <= FREE_BYTES_MAX) this.#free.push(buffer);
  }
}

/** Room for one more frame behind those in `datagram`. */
function append(datagram: OpenDatagram, size: number, company: Company): Uint8Array {
  const start = datagram.end;
  datagram.end += size;
  datagram.frameCount += 1;
  if (company === "all") datagram.leavesWithAll = true;
  return datagram.buffer.bytes.subarray(start, datagram.end);
}
