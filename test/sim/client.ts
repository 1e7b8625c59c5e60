/*
 * A client: the product's session, ingress and egress, what io/client-host does around them, and a
 * workload whose every write carries an amount that no other write has.
 */
import { unreachable } from "../../src/core/base/assert.js";
import { bundleItems, bundleOf } from "../../src/core/base/bundle.js";
import { ClientSession } from "../../src/core/client/client-session.js";
import type { ClientEffect, SubmissionId } from "../../src/core/client/effect.js";
import { CLIENT_OPTIONS_DEFAULT } from "../../src/core/client/options.js";
import type { ClientId, SessionId } from "../../src/core/base/ids.js";
import { encodeOperation, type LedgerOperation } from "../../src/core/ledger/operation.js";
import type { ReplyMessage } from "../../src/core/message.js";
import { endOfFrame } from "../../src/core/wire/header.js";
import { isUnwantedReply } from "../../src/core/wire/lone-reply.js";
import { signRequest } from "../../src/core/wire/sign.js";
import { DatagramPacker } from "../../src/io/datagram-packer.js";
import { Destination, Egress } from "../../src/io/egress.js";
import { Ingress } from "../../src/io/ingress.js";
import { Tally } from "../../src/io/tally.js";
import type { SocketAddress } from "../../src/io/udp-socket.js";
import { accountName, type Identity } from "./keys.js";
import type { Prng } from "./prng.js";
import type { Micros } from "./scheduler.js";
import { openSimSocket, releaseAll } from "./socket.js";
import type { World } from "./world.js";

/** Ticks after which a message that still lacks fragments is given up, as in io/ledger-client. */
const REASSEMBLY_TICKS_MAX = 100;

interface Waiting {
  /** Number of the operation in the run. */
  readonly operation: number;
  readonly deadline: Micros;
}

/** Numbers the operations of a run. */
interface OperationCounter {
  next: number;
}

/** One session: from the start of a client process to its crash, or to its first lost operation. */
class SessionProcess {
  readonly session: ClientSession;
  readonly id: SessionId;
  readonly waiting = new Map<SubmissionId, Waiting>();
  readonly #world: World;
  readonly #identity: Identity;
  readonly #egress: Egress;
  readonly #ingress: Ingress;
  readonly #replicas: readonly Destination[];
  readonly #afterTurn: (() => void)[] = [];
  readonly #address: SocketAddress;

  constructor(world: World, client: ClientId, id: SessionId, identity: Identity) {
    const { options, cast, network } = world;
    this.#world = world;
    this.id = id;
    this.#identity = identity;
    this.#address = { address: `c${client}`, port: id };
    const { retryTicksMin, retryTicksMax } = options.clients;
    const { replicaCount } = options;
    this.session = new ClientSession({
      ...CLIENT_OPTIONS_DEFAULT,
      ...{ client, session: id, replicaCount, retryTicksMin, retryTicksMax },
    });
    const { keys, verifier } = identity;
    const { roster } = keys;
    const drops = new Tally();
    const socket = openSimSocket(network, this.#address, this.#afterTurn);
    const { datagramBytesMax } = options.network;
    const messageIdFirst = id;
    this.#egress = new Egress({
      ...{ roster, sealer: keys, messageIdFirst, drops },
      datagrams: new DatagramPacker({ socket, datagramBytesMax, drops }),
    });
    this.#ingress = new Ingress({
      ...{ roster, verifier, drops, reassemblyTicksMax: REASSEMBLY_TICKS_MAX },
      macKeyOf: (from, epoch) => keys.macKeyOf(from, epoch),
      onMessage: (from, message) => {
        if (from.role !== "replica" || !("session" in message)) return;
        this.session.step({ kind: "received", from: from.id, message: message as ReplyMessage });
      },
    });
    this.#replicas = cast.genesis.replicas.map(
      (one) =>
        new Destination({ role: "replica", id: one.id }, { address: one.host, port: one.port }),
    );
    network.attach(this.#address, (bytes, from) => {
      this.#receive(bytes, from);
      this.endTurn();
    });
  }

  /** As a client's port does: what nobody waits for any more is dropped unseen. */
  #receive(datagram: Uint8Array, from: SocketAddress): void {
    const awaits: Parameters<typeof isUnwantedReply>[3] = (kind, session, counter) =>
      session === this.id && this.session.awaits(kind, counter);
    for (let start = 0; start < datagram.length;) {
      const end = endOfFrame(datagram, start);
      if (!isUnwantedReply(datagram, start, end, awaits)) {
        this.#ingress.receive(datagram.subarray(start, end), from);
      }
      start = end;
    }
  }

  submit(operation: LedgerOperation, waiting: Waiting): void {
    const bundle = bundleOf([encodeOperation(operation)]);
    const id = this.session.submit(bundle, operation.kind === "get");
    this.waiting.set(id, waiting);
  }

  tick(): void {
    this.#ingress.tick();
    this.session.step({ kind: "ticked" });
    this.endTurn();
  }

  /** Carries out what the session asks for. */
  endTurn(): void {
    this.session.flush();
    for (;;) {
      const effects = this.session.takeEffects();
      if (effects.length === 0) break;
      for (const effect of effects) this.#carryOut(effect);
    }
    this.#egress.flush();
    releaseAll(this.#afterTurn);
  }

  end(): void {
    this.#world.network.attach(this.#address, null);
  }

  #carryOut(effect: ClientEffect): void {
    switch (effect.kind) {
      case "sign": {
        const { keys } = this.#identity;
        const request = signRequest(effect.message, keys);
        this.session.step({ kind: "signed", request });
        break;
      }
      case "send": {
        const { to } = effect;
        const targets = to === "all" ? this.#replicas : this.#replicas.slice(to, to + 1);
        this.#egress.queue(effect.message, targets);
        break;
      }
      case "completed":
        this.#complete(effect);
        break;
      case "expired":
        for (const { submission } of effect.spans) this.waiting.delete(submission);
        break;
      default:
        unreachable(effect);
    }
  }

  /** Each operation was submitted alone, so spans and results go together. */
  #complete({ spans, results, seq }: Extract<ClientEffect, { kind: "completed" }>): void {
    const items = bundleItems(results);
    for (const [index, { submission, path }] of spans.entries()) {
      const waiting = this.waiting.get(submission);
      const result = items[index];
      this.waiting.delete(submission);
      if (waiting === undefined || result === undefined) continue;
      const completion = { operation: waiting.operation, result: result.slice(), path, seq };
      this.#world.watch.tell((watcher) => watcher.onComplete?.(completion));
    }
  }
}

/** A client with its workload. */
export class SimClient {
  readonly id: ClientId;
  readonly #world: World;
  readonly #prng: Prng;
  readonly #identity: Identity;
  readonly #counter: OperationCounter;
  #session: SessionProcess | null = null;
  #lastSession: SessionId = 0;
  /** No two processes start in the same microsecond. */
  readonly #sessions = new Set<SessionId>();
  readonly #clock: Prng;
  #clockError: Micros = 0;
  #left: number;
  #isDone = false;

  constructor(world: World, id: ClientId, counter: OperationCounter) {
    const identity = world.cast.clients[id];
    if (identity === undefined) throw new Error("the client is part of the cast");
    this.id = id;
    this.#world = world;
    this.#identity = identity;
    this.#counter = counter;
    this.#prng = world.prng.fork(`client ${id}`);
    this.#clock = this.#prng.fork("clock");
    this.#left = world.options.clients.operationsPerClient;
  }

  /** Operations begun by the present session and not completed. */
  get pendingCount(): number {
    return this.#session?.waiting.size ?? 0;
  }

  start(): void {
    this.#newSession();
    this.#tickLater();
    this.#thinkLater();
  }

  /** Begins no more operations. */
  finish(): void {
    this.#isDone = true;
  }

  /** The process ends and another one starts: what was under way is never heard of again. */
  crash(): void {
    this.#world.trace.say(`c${this.id}`, () => "crashes");
    this.#setClock();
    this.#newSession();
  }

  #newSession(): void {
    this.#session?.end();
    const { scheduler } = this.#world;
    const clock = scheduler.now + this.#clockError;
    this.#lastSession = Math.max(clock + 1, this.#lastSession + 1);
    while (this.#sessions.has(this.#lastSession)) this.#lastSession += 1;
    this.#sessions.add(this.#lastSession);
    const session = new SessionProcess(this.#world, this.id, this.#lastSession, this.#identity);
    this.#session = session;
    session.endTurn();
  }

  /** A clock that was set between two processes may give the later one the earlier start. */
  #setClock(): void {
    const { clockJumpMax } = this.#world.options.mishaps;
    if (clockJumpMax === 0) return;
    const back = Math.min(clockJumpMax, this.#world.scheduler.now);
    this.#clockError = Math.round(this.#clock.range(-back, clockJumpMax));
    this.#lastSession = 0;
  }

  #tickLater(): void {
    this.#world.scheduler.after(this.#world.options.tick, () => {
      this.#tickLater();
      this.#giveUp();
      this.#session?.tick();
    });
  }

  /** Nobody waits for ever: what comes next must not queue up behind a lost operation. */
  #giveUp(): void {
    const { now } = this.#world.scheduler;
    const session = this.#session;
    if (session === null || session.waiting.size === 0 || this.#isDone) return;
    if (![...session.waiting.values()].some(({ deadline }) => deadline <= now)) return;
    this.#world.trace.say(`c${this.id}`, () => "gives up and starts a new session");
    this.#newSession();
  }

  #thinkLater(): void {
    const { clients } = this.#world.options;
    this.#world.scheduler.after(this.#prng.exponential(clients.thinkMean), () => {
      if (this.#isDone || this.#left <= 0) return;
      this.#thinkLater();
      // One submission at a time, as a person or a loop would; those of one burst share a bundle.
      if (this.pendingCount > 0) return;
      this.#submit(Math.min(this.#left, this.#prng.between(1, clients.burstMax)));
    });
  }

  #submit(count: number): void {
    const session = this.#session;
    if (session === null) return;
    const { scheduler, watch, options } = this.#world;
    const deadline = scheduler.now + options.clients.patience;
    for (let index = 0; index < count; index += 1) {
      const operation = this.#counter.next;
      this.#counter.next += 1;
      this.#left -= 1;
      const drawn = this.#draw(operation);
      const invocation = { operation, client: this.id, session: session.id, asked: drawn };
      watch.tell((watcher) => watcher.onInvoke?.(invocation));
      session.submit(drawn, { operation, deadline });
    }
    session.endTurn();
  }

  /** The amount names the operation: no two writes of a run share it. */
  #draw(operation: number): LedgerOperation {
    const { accountCount, readShare } = this.#world.options.clients;
    const account = accountName(this.#prng.below(accountCount));
    if (this.#prng.chance(readShare)) return { kind: "get", account };
    const amount = BigInt(operation + 1);
    const kind = this.#prng.pick(["deposit", "withdraw", "move"] as const);
    if (kind !== "move") return { kind, account, amount };
    const target = accountName(this.#prng.below(accountCount));
    return { kind, source: account, target, amount };
  }
}
