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
import type { Company, DatagramPacker } from "./datagram-packer.js";
import type { Tally } from "./tally.js";
import type { SocketAddress } from "./udp-socket.js";

/** Authenticates our frames. */
export interface FrameSealer {
  /** Epoch of the key that `seal` uses towards `to`. */
  epochOf(to: Principal): number;
  /** Writes the 16-byte MAC of all that follows to `frame`'s start, with our key towards `to`. */
  seal(frame: Uint8Array, to: Principal): void;
}

/** What an egress works with. */
interface EgressOptions {
  readonly roster: Roster;
  readonly sealer: FrameSealer;
  readonly datagrams: DatagramPacker;
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
  /** Whether a request is among them: what is ordered together costs less. For the egress only. */
  hasRequest = false;

  constructor(principal: Principal, address: SocketAddress) {
    this.principal = principal;
    this.address = address;
  }
}

const MESSAGE_ID_END = 2 ** 32;

/**
 * From messages to frames: all messages queued in a turn for one destination are packed into as few
 * frames as they fit, with one MAC each; what is larger than a datagram is fragmented.
 */
export class Egress {
  readonly #options: EgressOptions;
  readonly #dirty: Destination[] = [];
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
    if (LENGTH_BYTES + bytes.length > BODY_BYTES_MAX) {
      this.#options.drops.add("egress/too-large");
      return;
    }
    for (const destination of to) {
      if (destination.pending.length === 0) this.#dirty.push(destination);
      destination.pending.push(bytes);
      if (message.kind === "request") destination.hasRequest = true;
    }
  }

  /** Sends what was queued. To be called once at the end of each turn. */
  flush(): void {
    for (const destination of this.#dirty) {
      this.#sendPending(destination);
      destination.pending.length = 0;
      destination.hasRequest = false;
    }
    this.#dirty.length = 0;
    this.#options.datagrams.endTurn();
  }

  #sendPending(destination: Destination): void {
    const { datagramBytesMax } = this.#options.datagrams;
    const { pending } = destination;
    let first = 0;
    let size = HEADER_BYTES;
    for (const [index, message] of pending.entries()) {
      const itemBytes = LENGTH_BYTES + message.length;
      if (HEADER_BYTES + itemBytes > datagramBytesMax) {
        this.#sendFragments(message, destination);
        continue;
      }
      if (size + itemBytes > datagramBytesMax) {
        this.#sendPacked(destination, first, index, size);
        first = index;
        size = HEADER_BYTES;
      }
      size += itemBytes;
    }
    if (size > HEADER_BYTES) this.#sendPacked(destination, first, pending.length, size);
  }

  /** Sends, of the messages from `first` to `end` (excluded), those that are not fragmented. */
  #sendPacked(destination: Destination, first: number, end: number, size: number): void {
    const { datagrams } = this.#options;
    const { pending, address, hasRequest } = destination;
    const company: Company = hasRequest ? "all" : "some";
    const frame = datagrams.reserve(address, size, company);
    if (frame === null) return;
    let offset = HEADER_BYTES;
    for (let index = first; index < end; index += 1) {
      const message = pending[index];
      if (message === undefined) continue;
      if (HEADER_BYTES + LENGTH_BYTES + message.length > datagrams.datagramBytesMax) continue;
      writeU32(frame, offset, message.length);
      frame.set(message, offset + LENGTH_BYTES);
      offset += LENGTH_BYTES + message.length;
    }
    this.#finish(frame, FrameKind.packed, destination);
  }

  #sendFragments(message: Uint8Array, destination: Destination): void {
    const { datagrams } = this.#options;
    const chunkBytes = chunkBytesOf(datagrams.datagramBytesMax);
    const body = new Uint8Array(LENGTH_BYTES + message.length);
    writeU32(body, 0, message.length);
    body.set(message, LENGTH_BYTES);
    const totalBytes = body.length;
    const count = Math.ceil(totalBytes / chunkBytes);
    const messageId = this.#messageId;
    this.#messageId = (messageId + 1) % MESSAGE_ID_END;
    for (let index = 0; index < count; index += 1) {
      const chunk = body.subarray(index * chunkBytes, (index + 1) * chunkBytes);
      const size = HEADER_BYTES + FRAGMENT_FIXED_BYTES + chunk.length;
      const frame = datagrams.reserve(destination.address, size, "none");
      if (frame === null) continue;
      writeFragmentFields(frame, HEADER_BYTES, { messageId, index, count, totalBytes });
      frame.set(chunk, HEADER_BYTES + FRAGMENT_FIXED_BYTES);
      this.#finish(frame, FrameKind.fragment, destination);
    }
  }

  #finish(frame: Uint8Array, kind: FrameKind, { principal }: Destination): void {
    const { roster, sealer } = this.#options;
    writeHeader(frame, kind, roster, principal, sealer.epochOf(principal));
    sealer.seal(frame, principal);
  }
}
