import assert from "node:assert/strict";
import type { Principal } from "../../../src/core/base/ids.js";
import type { Message } from "../../../src/core/message.js";
import { principalNumber } from "../../../src/core/wire/roster.js";
import { DatagramPacker } from "../../../src/io/datagram-packer.js";
import { Destination, Egress, type FrameSealer } from "../../../src/io/egress.js";
import { Ingress } from "../../../src/io/ingress.js";
import { Tally } from "../../../src/io/tally.js";
import type { DatagramSocket, SocketAddress, SocketCounts } from "../../../src/io/udp-socket.js";
import { rosterOf } from "../../core/wire/sample-cluster.js";
import { sampleMac, SampleVerifier } from "../../core/wire/sample-crypto.js";

/** The key epoch of the sample cluster. */
export const EPOCH = 5;

/** Ticks until a receiver gives up on missing fragments. */
export const REASSEMBLY_TICKS = 2;

/** Number of the MAC key of one direction. */
function macKey(from: Principal, to: Principal): number {
  const roster = rosterOf(from);
  return principalNumber(roster, from) * 16 + principalNumber(roster, to);
}

/** Seals with the sample MAC. */
export function sealerOf(self: Principal): FrameSealer {
  return {
    epochOf: () => EPOCH,
    seal(frame, to) {
      frame.set(sampleMac(macKey(self, to), frame.subarray(16)), 0);
    },
  };
}

/** Keeps what is sent until the test takes it, and the buffers until it lets go of them. */
export class HeldSocket implements DatagramSocket {
  readonly local = { address: "127.0.0.1", port: 7000 };
  readonly counts = {} as SocketCounts;
  readonly sent: { readonly bytes: Uint8Array; readonly to: SocketAddress }[] = [];
  readonly #underWay: { bytes: Uint8Array; copy: Uint8Array; done: () => void }[] = [];

  receive(): void {
    assert.fail("the test hands datagrams in itself");
  }

  send(bytes: Uint8Array, to: SocketAddress, done: () => void): void {
    const copy = Uint8Array.from(bytes);
    this.sent.push({ bytes: copy, to });
    this.#underWay.push({ bytes, copy, done });
  }

  /** Lets go of every buffer; none may have been changed until now. */
  settle(): void {
    for (const { bytes, copy } of this.#underWay) assert.deepEqual(bytes, copy);
    for (const { done } of this.#underWay.splice(0)) done();
  }

  /** The datagrams sent since the last call. */
  take(): Uint8Array[] {
    return this.sent.splice(0).map(({ bytes }) => bytes);
  }

  unref(): void {
    assert.fail("not used");
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** What one message arrived as. */
interface Arrived {
  readonly from: Principal;
  readonly message: Message;
  readonly address: SocketAddress;
}

/** One direction: an egress of `from`, and an ingress of `to` fed by hand. */
export class SampleLink {
  readonly socket = new HeldSocket();
  readonly verifier = new SampleVerifier();
  readonly drops = new Tally();
  readonly arrived: Arrived[] = [];
  readonly address: SocketAddress = { address: "127.0.0.1", port: 7001 };
  readonly destination: Destination;
  readonly datagrams: DatagramPacker;
  readonly egress: Egress;
  readonly ingress: Ingress;

  constructor(from: Principal, to: Principal, datagramBytesMax = 1_472, messageIdFirst = 0) {
    const { socket, drops, verifier } = this;
    this.destination = new Destination(to, this.address);
    const roster = rosterOf(from);
    const sealer = sealerOf(from);
    this.datagrams = new DatagramPacker({ socket, datagramBytesMax, drops });
    const { datagrams } = this;
    this.egress = new Egress({ roster, sealer, datagrams, messageIdFirst, drops });
    this.ingress = new Ingress({
      roster: rosterOf(to),
      verifier,
      macKeyOf: (sender, epoch) => (epoch === EPOCH ? macKey(sender, to) : null),
      reassemblyTicksMax: REASSEMBLY_TICKS,
      drops,
      onMessage: (sender, message, address) => {
        this.arrived.push({ from: sender, message, address });
      },
    });
  }

  /** Queues messages and ends the turn; returns the datagrams. */
  send(...messages: Message[]): Uint8Array[] {
    for (const message of messages) this.egress.queue(message, [this.destination]);
    this.egress.flush();
    this.socket.settle();
    return this.socket.take();
  }

  /** Hands datagrams to the ingress. */
  deliver(datagrams: readonly Uint8Array[]): void {
    for (const datagram of datagrams) this.ingress.receive(datagram, this.address);
  }

  /** What arrived since the last call. */
  takeArrived(): Message[] {
    return this.arrived.splice(0).map(({ message }) => message);
  }

  /** Every drop so far. */
  dropped(): Record<string, number> {
    return Object.fromEntries(this.drops.entries());
  }
}
