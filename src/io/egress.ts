import type { Principal } from "../core/base/ids.js";
import type { Message } from "../core/message.js";
import { encodeMessage } from "../core/wire/encode.js";
import {
  BODY_BYTES_MAX,
  chunkBytesOf,
  FRAGMENT_FIXED_BYTES,
  writeFragmentFields,
} from "../core/wire/fragments.js";
import { writeHeader } from "../core/wire/header.js";
import { writeU32 } from "../core/wire/integers.js";
import { FrameKind, HEADER_BYTES, LENGTH_BYTES } from "../core/wire/layout.js";
import type { Roster } from "../core/wire/roster.js";
import type { Tally } from "./tally.js";
import type { DatagramSocket, SocketAddress } from "./udp-socket.js";

/** Authenticates our frames. */
export interface FrameSealer {
  /** Epoch of the key that `seal` uses towards `to`. */
  epochOf(to: Principal): number;
  /** Writes the 16-byte MAC of `frame`[16, `end`) to its first bytes, with our key towards `to`. */
  seal(frame: Uint8Array, end: number, to: Principal): void;
}

/** What an egress works with. */
interface EgressOptions {
  readonly roster: Roster;
  readonly sealer: FrameSealer;
  readonly socket: DatagramSocket;
  /** Largest datagram to send: see `datagramBytesMaxOf`. */
  readonly datagramBytesMax: number;
  /** Number of the first fragmented message, 0 to 2^32 (excluded); random if left out. */
  readonly messageIdFirst?: number;
  /** Where every drop is counted, by its code. */
  readonly drops: Tally;
}

/** Somebody to send to, and what waits for the end of the turn. One for each address. */
export class Destination {
  readonly principal: Principal;
  /** Where its datagrams go; whoever moves is found again by what it sends. */
  address: SocketAddress;
  /** Encoded messages queued in this turn. For the egress only. */
  readonly pending: Uint8Array[] = [];

  constructor(principal: Principal, address: SocketAddress) {
    this.principal = principal;
    this.address = address;
  }
}

/** A buffer for one datagram, and what to call when the socket is done with it. */
interface DatagramBuffer {
  readonly bytes: Uint8Array;
  readonly release: () => void;
}

/** Bytes of datagrams that the operating system has not taken yet; what comes on top is dropped. */
const UNDER_WAY_BYTES_MAX = 64 * 1024 * 1024;

/** Bytes of buffers kept for the next turn. */
const FREE_BYTES_MAX = 4 * 1024 * 1024;

const MESSAGE_ID_END = 2 ** 32;

/**
 * From messages to datagrams: all messages queued in a turn for one destination are packed into as
 * few datagrams as they fit, with one MAC each; what is larger than a datagram is fragmented.
 */
export class Egress {
  readonly #options: EgressOptions;
  readonly #dirty: Destination[] = [];
  readonly #free: DatagramBuffer[] = [];
  #underWayCount = 0;
  /**
   * Starts anywhere, so that a process that was restarted does not continue the fragmented messages
   * that its past left unfinished at the receivers.
   */
  #messageId: number;

  constructor(options: EgressOptions) {
    this.#options = options;
    this.#messageId = options.messageIdFirst ?? Math.floor(Math.random() * MESSAGE_ID_END);
  }

  /** Queues `message`, encoded once, for each of `to`. */
  queue(message: Message, to: readonly Destination[]): void {
    const bytes = encodeMessage(message);
    if (LENGTH_BYTES + bytes.length > BODY_BYTES_MAX) return this.#drop("egress/too-large");
    for (const destination of to) {
      if (destination.pending.length === 0) this.#dirty.push(destination);
      destination.pending.push(bytes);
    }
  }

  /** Sends what was queued. To be called once at the end of each turn. */
  flush(): void {
    for (const destination of this.#dirty) {
      this.#sendPending(destination);
      destination.pending.length = 0;
    }
    this.#dirty.length = 0;
  }

  #sendPending(destination: Destination): void {
    const { datagramBytesMax } = this.#options;
    let buffer: DatagramBuffer | null = null;
    let end = HEADER_BYTES;
    for (const message of destination.pending) {
      const size = LENGTH_BYTES + message.length;
      if (HEADER_BYTES + size > datagramBytesMax) {
        this.#sendFragments(message, destination);
        continue;
      }
      if (buffer !== null && end + size > datagramBytesMax) {
        this.#send(buffer, end, FrameKind.packed, destination);
        buffer = null;
      }
      if (buffer === null) {
        buffer = this.#take();
        end = HEADER_BYTES;
      }
      writeU32(buffer.bytes, end, message.length);
      buffer.bytes.set(message, end + LENGTH_BYTES);
      end += size;
    }
    if (buffer !== null) this.#send(buffer, end, FrameKind.packed, destination);
  }

  #sendFragments(message: Uint8Array, destination: Destination): void {
    const chunkBytes = chunkBytesOf(this.#options.datagramBytesMax);
    const body = new Uint8Array(LENGTH_BYTES + message.length);
    writeU32(body, 0, message.length);
    body.set(message, LENGTH_BYTES);
    const totalBytes = body.length;
    const count = Math.ceil(totalBytes / chunkBytes);
    const messageId = this.#messageId;
    this.#messageId = (messageId + 1) % MESSAGE_ID_END;
    for (let index = 0; index < count; index += 1) {
      const chunk = body.subarray(index * chunkBytes, (index + 1) * chunkBytes);
      const buffer = this.#take();
      writeFragmentFields(buffer.bytes, HEADER_BYTES, { messageId, index, count, totalBytes });
      buffer.bytes.set(chunk, HEADER_BYTES + FRAGMENT_FIXED_BYTES);
      const end = HEADER_BYTES + FRAGMENT_FIXED_BYTES + chunk.length;
      this.#send(buffer, end, FrameKind.fragment, destination);
    }
  }

  #send(buffer: DatagramBuffer, end: number, kind: FrameKind, destination: Destination): void {
    const { roster, sealer, socket, datagramBytesMax } = this.#options;
    const { principal, address } = destination;
    this.#underWayCount += 1;
    if (this.#underWayCount * datagramBytesMax > UNDER_WAY_BYTES_MAX) {
      buffer.release();
      return this.#drop("egress/overloaded");
    }
    writeHeader(buffer.bytes, kind, roster, principal, sealer.epochOf(principal));
    sealer.seal(buffer.bytes, end, principal);
    socket.send(buffer.bytes.subarray(0, end), address, buffer.release);
  }

  #take(): DatagramBuffer {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const buffer: DatagramBuffer = {
      bytes: new Uint8Array(this.#options.datagramBytesMax),
      release: () => {
        this.#release(buffer);
      },
    };
    return buffer;
  }

  #release(buffer: DatagramBuffer): void {
    this.#underWayCount -= 1;
    const { datagramBytesMax } = this.#options;
    if ((this.#free.length + 1) * datagramBytesMax <= FREE_BYTES_MAX) this.#free.push(buffer);
  }

  #drop(code: "egress/too-large" | "egress/overloaded"): void {
    this.#options.drops.add(code);
  }
}
