import { bundleOf } from "../../../src/core/base/bundle.js";
import type { ClientId, ReplicaId, SessionId, Timestamp } from "../../../src/core/base/ids.js";
import { encodeOperation, type LedgerOperation } from "../../../src/core/ledger/operation.js";
import type { ClientMessage, Request } from "../../../src/core/message.js";
import { signRequest } from "../../../src/core/wire/sign.js";
import { DatagramPacker } from "../../../src/io/datagram-packer.js";
import { Destination, Egress } from "../../../src/io/egress.js";
import { Tally } from "../../../src/io/tally.js";
import type { SocketAddress } from "../../../src/io/udp-socket.js";
import { type Identity, villainAccountName } from "../keys.js";
import type { Prng } from "../prng.js";
import { openSimSocket } from "../socket.js";
import type { World } from "../world.js";

/** One way for a client to break the rules: called each tick. */
export type ClientStrategy = (attacker: Attacker) => () => void;

/** Makes a signature, or an authenticator, of its own out of the right one. */
type Pen = (proof: Uint8Array) => Uint8Array;

const asItIs: Pen = (proof) => proof;

/** Ticks of an attack before a rest: from (included) and to (included). */
const SPELL_TICKS = [10, 40] as const;

/** A rest lasts this many times as long as a spell: a run shall not consist of attacks alone. */
const RESTS_PER_SPELL = 3;

/**
 * A Byzantine client: keys of its own that the cluster knows, an account of its own, and a socket.
 * Whatever it does, its own money is all that may change, and all others are served.
 */
export class Attacker {
  readonly id: ClientId;
  readonly prng: Prng;
  readonly replicaCount: number;
  readonly world: World;
  readonly #identity: Identity;
  readonly #egress: Egress;
  readonly #afterTurn: (() => void)[] = [];
  readonly #address: SocketAddress;
  readonly #destinations = new Map<ReplicaId, Destination>();
  #nextSession = 1;
  #ticksToGo = 0;
  #isOver = false;

  constructor(world: World, id: ClientId) {
    const identity = world.cast.clients[id];
    if (identity === undefined) throw new Error("the client is part of the cast");
    this.id = id;
    this.world = world;
    this.prng = world.prng.fork(`attacker ${id}`);
    this.replicaCount = world.options.replicaCount;
    this.#identity = identity;
    this.#address = { address: `c${id}`, port: 1 };
    const { keys } = identity;
    const { roster } = keys;
    const socket = openSimSocket(world.network, this.#address, this.#afterTurn);
    const { datagramBytesMax } = world.options.network;
    const drops = new Tally();
    const datagrams = new DatagramPacker({ socket, datagramBytesMax, drops });
    this.#egress = new Egress({ roster, sealer: keys, datagrams, messageIdFirst: 0, drops });
  }

  /** Follows `strategies`, by spells, until the end of the run. */
  start(strategies: readonly ClientStrategy[]): void {
    const acts = strategies.map((strategy) => strategy(this));
    const { scheduler, options } = this.world;
    const tick = (): void => {
      if (this.#isOver) return;
      for (const act of acts) act();
      this.#egress.flush();
      for (const release of this.#afterTurn.splice(0)) release();
      scheduler.after(options.tick * this.#ticksToNext(), tick);
    };
    scheduler.after(this.prng.range(0, options.tick), tick);
  }

  /** Leaves the cluster alone from now on. */
  stop(): void {
    this.#isOver = true;
  }

  /** A session that it did not use before; they ascend. */
  newSession(): SessionId {
    this.#nextSession = Math.max(this.#nextSession + 1, Math.round(this.world.scheduler.now));
    return this.#nextSession;
  }

  /** Everybody. */
  replicas(): ReplicaId[] {
    return Array.from({ length: this.replicaCount }, (_, id) => id);
  }

  /** A small deposit to its own account, or whatever operations it is given. */
  request(session: SessionId, timestamp: Timestamp, pen = asItIs, sealer = asItIs): Request {
    return this.requestOf(session, timestamp, [this.deposit()], pen, sealer);
  }

  /** A request for operations that need not be any. */
  requestOf(
    session: SessionId,
    timestamp: Timestamp,
    operations: readonly Uint8Array[],
    pen: Pen = asItIs,
    sealer: Pen = asItIs,
  ): Request {
    const { keys } = this.#identity;
    const bundle = bundleOf(operations);
    const message = { kind: "request", client: this.id, session, timestamp, bundle } as const;
    return signRequest(message, {
      hasher: keys.hasher,
      sign: (digest) => pen(keys.sign(digest)),
      authenticate: (digest) => sealer(keys.authenticate(digest)),
    });
  }

  /** The bytes of a deposit to its own account. */
  deposit(): Uint8Array {
    const amount = BigInt(this.prng.between(1, 9));
    return encodeOperation({ kind: "deposit", account: villainAccountName(this.id), amount });
  }

  operation(operation: LedgerOperation): Uint8Array {
    return encodeOperation(operation);
  }

  /** Sends `message` in frames that these replicas believe. */
  send(message: ClientMessage, to: readonly ReplicaId[]): void {
    for (const id of to) this.#egress.queue(message, [this.#destination(id)]);
  }

  /** Sends bytes as they are. */
  throwAt(to: ReplicaId, bytes: Uint8Array): void {
    this.world.network.send(this.#address, { address: `r${to}`, port: 1 }, bytes);
  }

  /** Ticks until it acts again: 1 within a spell, and a rest after it. */
  #ticksToNext(): number {
    this.#ticksToGo -= 1;
    if (this.#ticksToGo > 0) return 1;
    this.#ticksToGo = this.prng.between(...SPELL_TICKS);
    return RESTS_PER_SPELL * this.#ticksToGo;
  }

  #destination(id: ReplicaId): Destination {
    const known = this.#destinations.get(id);
    if (known !== undefined) return known;
    const place = new Destination({ role: "replica", id }, { address: `r${id}`, port: 1 });
    this.#destinations.set(id, place);
    return place;
  }
}
