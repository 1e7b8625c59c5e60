/*
 * The network: datagrams of real bytes that are delayed, lost, repeated, recorded and played back,
 * bent, and held back by clogged links and partitions.
 */
import { readU32 } from "../../src/core/wire/integers.js";
import type { SocketAddress } from "../../src/io/udp-socket.js";
import type { Adversary } from "./adversaries.js";
import { kindsIn } from "./frame-kinds.js";
import type { NetworkOptions } from "./options.js";
import type { Prng } from "./prng.js";
import { type Micros, type Scheduler, SECOND } from "./scheduler.js";
import type { Trace } from "./trace.js";
import type { Receiver, Wire } from "./wire.js";

/** Most datagrams kept for a replay. */
const RECORDED_MAX = 200;

/** Longest time after which a recorded datagram is played back. */
const REPLAY_DELAY_MAX: Micros = 5 * SECOND;

/** Bytes of datagrams that share a buffer. */
const ARENA_BYTES = 64 * 1024;

/** The parts of a run that the network works with. */
interface NetworkSurroundings {
  readonly options: NetworkOptions;
  readonly scheduler: Scheduler;
  readonly prng: Prng;
  readonly trace: Trace;
}

/** Who can hear whom, and how well. */
export class Network implements Wire {
  readonly #scheduler: Scheduler;
  readonly #prng: Prng;
  readonly #trace: Trace;
  #options: NetworkOptions;
  #isHealed = false;
  /** By host and port. */
  readonly #receivers = new Map<string, Map<number, Receiver>>();
  /** Links that are down, as "from>to". */
  readonly #cut = new Set<string>();
  /** When a clogged link gets free, as "from>to". */
  readonly #clogs = new Map<string, Micros>();
  #adversaries: Adversary[] = [];
  readonly #recorded: { from: SocketAddress; to: SocketAddress; bytes: Uint8Array }[] = [];
  #arena = new Uint8Array(0);
  #arenaUsed = 0;
  datagramCount = 0;

  constructor({ options, scheduler, prng, trace }: NetworkSurroundings) {
    this.#options = options;
    this.#scheduler = scheduler;
    this.#prng = prng;
    this.#trace = trace;
    for (const link of options.deadLinks) this.#cut.add(link);
  }

  attach(address: SocketAddress, receiver: Receiver | null): void {
    const ports = this.#receivers.get(address.address) ?? new Map<number, Receiver>();
    this.#receivers.set(address.address, ports);
    if (receiver === null) ports.delete(address.port);
    else ports.set(address.port, receiver);
  }

  /** Lets `adversary` decide about every datagram from now on, after the others. */
  interfere(adversary: Adversary): void {
    this.#adversaries.push(adversary);
  }

  /**
   * Makes every link as `options` say from now on, mends what is cut or clogged, and sends the
   * adversaries home.
   */
  change(options: NetworkOptions): void {
    this.#options = options;
    this.#adversaries = [];
    this.#isHealed = true;
    this.#cut.clear();
    this.#clogs.clear();
  }

  /** Cuts what goes from the host `from` to the host `to`. */
  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
  }

  /** Ends every partition. */
  mend(): void {
    this.#cut.clear();
  }

  /** Holds back what goes from host `from` to host `to` for `length`. */
  clog(from: string, to: string, length: Micros): void {
    this.#clogs.set(`${from}>${to}`, this.#scheduler.now + length);
  }

  /** Holds back all that `host` sends for `length`, as long as nothing is healed. */
  hush(host: string, length: Micros): void {
    if (this.#isHealed) return;
    for (const to of this.#receivers.keys()) this.clog(host, to, length);
  }

  send(from: SocketAddress, to: SocketAddress, sent: Uint8Array): void {
    const options = this.#options;
    const prng = this.#prng;
    const bytes = this.#copyOf(sent);
    this.datagramCount += 1;
    this.#playBack();
    if (prng.chance(options.replayShare) && this.#recorded.length < RECORDED_MAX) {
      this.#recorded.push({ from, to, bytes });
    }
    if (this.#isLost(bytes)) return;
    this.#transmit(from, to, prng.chance(options.corruptShare) ? this.#bend(bytes) : bytes);
    if (prng.chance(options.duplicateShare)) this.#transmit(from, to, bytes);
  }

  /** From one large buffer for many datagrams: one of its own for each costs more than the copy. */
  #copyOf(sent: Uint8Array): Uint8Array {
    if (sent.length > this.#arena.length - this.#arenaUsed) {
      this.#arena = new Uint8Array(Math.max(ARENA_BYTES, sent.length));
      this.#arenaUsed = 0;
    }
    const start = this.#arenaUsed;
    this.#arenaUsed += sent.length;
    const copy = this.#arena.subarray(start, this.#arenaUsed);
    copy.set(sent);
    return copy;
  }

  #isLost(bytes: Uint8Array): boolean {
    const { lossShare, lossyKinds, lossyKindShare } = this.#options;
    if (this.#prng.chance(lossShare)) return true;
    if (lossyKinds.length === 0 || !this.#prng.chance(lossyKindShare)) return false;
    return kindsIn(bytes).some((kind) => lossyKinds.includes(kind));
  }

  /** A link that is cut loses what is sent; a clogged one delivers it late. */
  #transmit(from: SocketAddress, to: SocketAddress, bytes: Uint8Array): void {
    const { delayMin, delayMean } = this.#options;
    if (this.#cut.size > 0 && this.#cut.has(`${from.address}>${to.address}`)) return;
    const interference = this.#interferenceWith(from, to, bytes);
    if (interference === null) return;
    const held = this.#cloggedFor(from, to) + interference;
    const delay = held + delayMin + this.#prng.exponential(delayMean);
    this.#scheduler.after(delay, () => {
      const receiver = this.#receivers.get(to.address)?.get(to.port);
      if (receiver === undefined) return;
      this.#trace.note(1, bytes.length, readU32(bytes, 0));
      receiver(bytes, from);
    });
  }

  /** How much later the adversaries let a datagram come; null: never. */
  #interferenceWith(from: SocketAddress, to: SocketAddress, bytes: Uint8Array): Micros | null {
    let held = 0;
    for (const adversary of this.#adversaries) {
      const delay = adversary.delayOf(from, to, bytes);
      if (delay === null) return null;
      held += delay;
    }
    return held;
  }

  #cloggedFor(from: SocketAddress, to: SocketAddress): Micros {
    if (this.#clogs.size === 0) return 0;
    const freeAt = this.#clogs.get(`${from.address}>${to.address}`) ?? 0;
    return Math.max(0, freeAt - this.#scheduler.now);
  }

  /** Now and then something that was sent long ago comes again. */
  #playBack(): void {
    if (this.#recorded.length === 0 || !this.#prng.chance(this.#options.replayShare)) return;
    const { from, to, bytes } = this.#prng.pick(this.#recorded);
    const delay = this.#prng.below(REPLAY_DELAY_MAX);
    this.#scheduler.after(delay, () => {
      this.#transmit(from, to, bytes);
    });
  }

  /** Flips bits, cuts the end off, or adds to it. */
  #bend(bytes: Uint8Array): Uint8Array {
    const prng = this.#prng;
    if (prng.chance(0.2)) return bytes.slice(0, prng.between(4, bytes.length));
    if (prng.chance(0.1)) return Uint8Array.of(...bytes, ...prng.bytes(8));
    const bent = bytes.slice();
    for (let count = prng.between(1, 3); count > 0; count -= 1) {
      const at = prng.below(bent.length);
      bent[at] = (bent[at] ?? 0) ^ (1 << prng.below(8));
    }
    return bent;
  }
}
