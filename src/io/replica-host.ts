/*
 * One replica in the world: here the circle closes. Events go into the core one at a time, its
 * effects are carried out in order, and what these report are events again (ARCHITECTURE.md).
 */
import { assert, unreachable } from "../core/base/assert.js";
import { BundleReader, BundleWriter } from "../core/base/bundle.js";
import type { AppendId, ClientId, Principal, Seq } from "../core/base/ids.js";
import type { Message, ReplicaMessage, ClientMessage, Verified } from "../core/message.js";
import type { Effect } from "../core/pbft/effect.js";
import type { Event } from "../core/pbft/event.js";
import type { Replica } from "../core/pbft/replica.js";
import { signMessage } from "../core/wire/sign.js";
import { AddressBook } from "./address-book.js";
import { EffectGate, HELD_EFFECTS_MAX } from "./effect-gate.js";
import { Destination, type Egress } from "./egress.js";
import type { HostProbe, Outgoing } from "./host-probe.js";
import type { KeyRing } from "./key-ring.js";
import type { HostedService } from "./hosted-service.js";
import { PinRoots } from "./pin-roots.js";
import type { ServiceRest } from "./service-rest.js";
import type { RecordLog } from "./record-log.js";
import type { StoreRunner } from "./store-runner.js";
import type { Tally } from "./tally.js";
import type { TurnBudget } from "./turn-budget.js";
import { TurnReads } from "./turn-reads.js";
import type { SocketAddress } from "./udp-socket.js";

/** The parts of the world that a replica acts on. */
interface ReplicaWorld {
  readonly keys: KeyRing;
  readonly egress: Egress;
  readonly records: RecordLog;
  readonly stores: StoreRunner;
  readonly service: HostedService;
  readonly rest: ServiceRest;
  /** Its turns end when this host's do: see `onceTurned`. */
  readonly budget: TurnBudget;
  /** Where replica i is; its own place is null. */
  readonly peers: readonly (Destination | null)[];
  readonly rejects: Tally;
  /** Whether answers wait for the database: `replies` of the key file is "strict". */
  readonly isStrict: boolean;
  /** What an inspection is answered, as JSON text. */
  readonly inspect: () => Promise<object>;
  /** Those who watch. */
  readonly probes: readonly HostProbe[];
}

/** What a replica did since it started. */
interface HostCounts {
  /** Batches executed that held something new. */
  batches: number;
  /** Requests executed. */
  requests: number;
  /** Views entered. */
  viewChanges: number;
}

/**
 * Answers that may wait for the database. When it is away for long clients ask again and again, and
 * get theirs once it is back.
 */
const UNSTORED_REPLIES_MAX = 4_096;

/**
 * Operations of one step of a batch: a tenth of a millisecond with a few accounts, and half of one
 * where each is in no cache. Steps end within requests too.
 */
const STEP_OPERATIONS = 256;

/** How long who asks how this replica is waits, so that all who ask meanwhile get one answer. */
const INSPECTION_DELAY_MS = 10;

type ExecuteEffect = Extract<Effect, { kind: "execute" }>;
type InstallEffect = Extract<Effect, { kind: "install" }>;

/** Runs one replica's core against its world. */
export class ReplicaHost {
  readonly counts: HostCounts = { batches: 0, requests: 0, viewChanges: 0 };
  readonly #replica: Replica;
  readonly #world: ReplicaWorld;
  readonly #others: readonly Destination[];
  readonly #addresses = new AddressBook();
  readonly #roots: PinRoots;
  readonly #gate = new EffectGate<Outgoing>(HELD_EFFECTS_MAX);
  /** Answers to what the database does not hold yet, by sequence number; strict replies only. */
  #unstored = new EffectGate<Outgoing>(UNSTORED_REPLIES_MAX);
  /** For one bundle of results after the other: a buffer for each costs more than its results. */
  readonly #results = new BundleWriter();
  readonly #events: Event[] = [];
  /** Requests of this turn: they are handed to the core together. */
  readonly #requests: Event[] = [];
  #running = false;
  #isStopped = false;
  #flushIsDue = false;
  /** A batch to be executed once there is no event: reads that waited for the last come first. */
  #due: ExecuteEffect | null = null;
  /** The batch of a state that the service has taken over, and the core does not know yet. */
  #installingSeq: Seq | null = null;
  /** Held while a batch has begun to be executed and the core does not know yet. */
  readonly #reads: TurnReads;
  /** Questions for this replica's status that are not answered yet, the last of each client. */
  readonly #inspections = new Map<ClientId, { readonly nonce: number; readonly to: Destination }>();
  /** Who wants to know when the present turn is over. */
  #atEndOfTurn: (() => void)[] = [];

  constructor(replica: Replica, world: ReplicaWorld) {
    this.#replica = replica;
    this.#world = world;
    this.#others = world.peers.filter((peer): peer is Destination => peer !== null);
    const { service, budget } = world;
    this.#reads = new TurnReads({
      onceTurned: (over) => {
        this.onceTurned(over);
      },
      answer: (reads) => {
        this.#dispatchAll(reads);
      },
    });
    this.#roots = new PinRoots({
      ...{ service, budget },
      tell: (seq, serviceRoot) => {
        this.#tell({ kind: "pinned", seq, serviceRoot });
        world.stores.pinned(seq, serviceRoot);
      },
    });
  }

  /** The batch after which the service's state is what it is now. */
  get stateSeq(): Seq {
    return this.#installingSeq ?? this.#replica.executedSeq;
  }

  /** Takes a verified message from the ingress. */
  onMessage(from: Principal, message: Verified<Message>, address: SocketAddress): void {
    if (from.role === "client") this.#addresses.saw(from.id, message, address);
    if (message.kind === "inspect") {
      this.#inspect(from, message.nonce, address);
      return;
    }
    if (message.kind === "request" && !this.#world.records.canAppend()) {
      // The disk is behind: new work waits with its client, who asks again.
      this.#world.rejects.add("host/journal-behind");
      return;
    }
    for (const probe of this.#world.probes) probe.received?.(from, message);
    // The ingress lets only these through: it knows who may say what.
    const received = message as ReplicaMessage | ClientMessage;
    const event: Event = { kind: "received", from, message: received };
    if (message.kind === "read" && !this.#reads.admits(message)) {
      const waits = this.#reads.wait(from.id, message, event);
      if (!waits) this.#world.rejects.add("host/reads-behind");
      return;
    }
    if (message.kind !== "request") return this.dispatch(event);
    this.#requests.push(event);
    this.#flushLater();
  }

  /** Everything up to append `id` is durable. */
  onDurable(id: AppendId): void {
    this.#world.stores.onDurable(id);
    if (this.#isStopped) return;
    this.dispatch({ kind: "appended", id });
    for (const effect of this.#gate.open(id)) this.#release(effect);
    this.#flushLater();
  }

  /** The database holds everything up to `seq`. */
  onStored(seq: Seq): void {
    // A group that ends behind a checkpoint has hashed that too, and may be ahead of its turn.
    this.#roots.tell(seq);
    this.dispatch({ kind: "stored", seq });
    this.#releaseStored(seq);
  }

  /** Hands `event` to the core and carries out what follows from it. */
  dispatch(event: Event): void {
    this.#dispatchAll([event]);
  }

  /** All of them before a batch that becomes due is executed. */
  #dispatchAll(events: readonly Event[]): void {
    if (this.#isStopped) return;
    this.#events.push(...events);
    this.#run();
    this.#flushLater();
  }

  /**
   * Ends this replica's part for good: whatever happens from now on, it concludes nothing from it,
   * because it could not record it. What was executed is still stored.
   */
  stop(): void {
    this.#isStopped = true;
    this.#events.length = 0;
  }

  /** Orders and sends what is queued; called by itself at the end of a turn. */
  flush(): void {
    if (!this.#isStopped) this.#events.push(...this.#requests);
    this.#requests.length = 0;
    this.#run();
    this.#world.records.flush();
    this.#flushIsDue = false;
    this.#reads.endTurn();
    this.#world.egress.flush();
    for (const probe of this.#world.probes) probe.turned?.();
    const atEnd = this.#atEndOfTurn;
    this.#atEndOfTurn = [];
    for (const over of atEnd) over();
  }

  /** Whether this turn brought something, and its end, at which probes are told so, is to come. */
  get isTurnOpen(): boolean {
    return this.#flushIsDue;
  }

  /** Calls `over` once what this turn of the event loop brought was dealt with. */
  onceTurned(over: () => void): void {
    this.#atEndOfTurn.push(over);
    this.#flushLater();
  }

  #run(): void {
    if (this.#running) return;
    this.#running = true;
    do {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        this.#step(next, this.#events.length > 0);
      }
      this.#executeDue();
    } while (this.#events.length > 0);
    this.#running = false;
  }

  #executeDue(): void {
    const due = this.#due;
    this.#due = null;
    if (due !== null) this.#world.rest.change(this.#executing(due));
  }

  #step(event: Event, hasMore: boolean): void {
    const { view } = this.#replica;
    const wasActive = this.#replica.active;
    const reject = this.#replica.step(event, hasMore);
    if (reject !== null) this.#world.rejects.add(reject);
    const entered = this.#replica.active && (this.#replica.view !== view || !wasActive);
    if (entered) this.counts.viewChanges += 1;
    for (const effect of this.#replica.takeEffects()) this.#carryOut(effect);
    for (const probe of this.#world.probes) probe.stepped?.();
  }

  /** All datagrams that one turn of the event loop brought are answered together. */
  #flushLater(): void {
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    setImmediate(() => {
      this.flush();
    });
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case "append":
        this.#append(effect);
        break;
      case "send":
      case "reply":
        if (effect.after === null || this.#gate.isOpen(effect.after)) this.#release(effect);
        else this.#hold(effect, effect.after);
        break;
      case "sign":
        this.#sign(effect);
        break;
      case "execute":
        this.#due = effect;
        break;
      case "install":
        void this.#install(effect);
        break;
      case "query":
        this.#query(effect);
        break;
      case "trust":
        void this.#trust();
        break;
      case "discard":
        this.#world.records.discard(effect.seq);
        break;
      default:
        unreachable(effect);
    }
  }

  #hold(effect: Outgoing, after: AppendId): void {
    if (!this.#gate.hold(after, effect)) this.#world.rejects.add("host/journal-behind");
    this.#world.records.hurry();
  }

  #append(effect: Extract<Effect, { kind: "append" }>): void {
    const id = this.#world.records.append(effect.record);
    assert(id === effect.id, "journal and core count appends alike");
    for (const probe of this.#world.probes) probe.appended?.(effect.record);
  }

  #sign(effect: Extract<Effect, { kind: "sign" }>): void {
    const { keys } = this.#world;
    const message = signMessage(effect.message, keys.hasher, (digest) => keys.sign(digest));
    this.#events.push({ kind: "signed", message });
  }

  #release(effect: Outgoing): void {
    const { egress, peers, probes } = this.#world;
    for (const probe of probes) probe.released?.(effect);
    if (effect.kind === "reply") {
      if (this.#waitsForStore(effect)) return;
      const to = this.#addresses.find(effect.client, effect.session);
      if (to !== null) egress.queue(effect.message, [to]);
      return;
    }
    if (effect.to.kind === "others") {
      egress.queue(effect.message, this.#others);
      return;
    }
    const peer = peers[effect.to.id];
    assert(peer !== undefined && peer !== null, "a message goes to another replica");
    egress.queue(effect.message, [peer]);
  }

  /**
   * With strict replies nobody is told, by a read either, what only memory and journal hold. So
   * what a client saw outlives the loss of every journal, if a quorum's databases are left.
   */
  #waitsForStore(effect: Outgoing): boolean {
    const { isStrict, stores, rejects } = this.#world;
    if (!isStrict) return false;
    const seq = "seq" in effect.message ? effect.message.seq : 0;
    if (seq <= stores.storedSeq) return false;
    if (!this.#unstored.hold(seq, effect)) rejects.add("host/database-behind");
    return true;
  }

  #releaseStored(seq: Seq): void {
    if (this.#isStopped) return;
    for (const effect of this.#unstored.open(seq)) this.#release(effect);
    this.#flushLater();
  }

  /**
   * Executes a batch, for the core wants the next one only after that. Before one that is pinned
   * the last pin is hashed, if that took an interval of checkpoints.
   */
  *#executing(effect: ExecuteEffect): Generator<void, void> {
    const { service } = this.#world;
    if (effect.pin) yield* this.#roots.hashing();
    if (this.#isStopped) return;
    this.#reads.hold();
    const results: Uint8Array[] = [];
    let operationCount = 0;
    let stepEnd = STEP_OPERATIONS;
    for (const { client, bundle } of effect.requests) {
      const reader = new BundleReader(bundle);
      const writer = this.#results;
      writer.clear();
      while (reader.remaining > 0) {
        service.execute(client, reader, writer, stepEnd - operationCount - writer.count);
        if (operationCount + writer.count < stepEnd) continue;
        stepEnd += STEP_OPERATIONS;
        yield;
      }
      operationCount += writer.count;
      results.push(writer.finish());
    }
    this.#reads.letGo();
    this.#onExecuted(effect, operationCount, results);
    yield* this.#reads.answeringAll();
  }

  #onExecuted(
    { seq, view, batch, requests, pin, after }: ExecuteEffect,
    operationCount: number,
    results: readonly Uint8Array[],
  ): void {
    const { stores, records, isStrict } = this.#world;
    if (pin) this.#roots.pin(seq);
    this.counts.requests += requests.length;
    if (requests.length > 0) this.counts.batches += 1;
    for (const probe of this.#world.probes) {
      probe.executed?.(seq, view, requests.length, operationCount);
    }
    const block = { seq, view, digest: batch.digest, requestCount: requests.length };
    stores.executed(block, after);
    // The replies wait for the database, and the database for the decision.
    if (isStrict) records.hurry();
    this.#tell({ kind: "executed", seq, results });
  }

  /**
   * Tells the core what came of a batch. One that was half executed when this host stopped is
   * stored with its replies, or it could be executed again after the restart; what else follows
   * from it could not be recorded.
   */
  #tell(event: Event): void {
    if (!this.#isStopped) {
      this.dispatch(event);
      return;
    }
    this.#replica.step(event);
    this.#replica.takeEffects();
  }

  #query(effect: Extract<Effect, { kind: "query" }>): void {
    assert(!this.#reads.areHeld, "no read shows what is half executed");
    const { client, session, nonce, bundle } = effect.read;
    const writer = this.#results;
    writer.clear();
    this.#world.service.query(client, new BundleReader(bundle), writer);
    const results = writer.finish();
    const { view, seq, after } = effect;
    const message = { kind: "read-reply", view, session, nonce, seq, results } as const;
    this.#carryOut({ kind: "reply", client, session, message, after });
  }

  /**
   * Memory and database change to the fetched state, and the core goes on once both have (ST4). A
   * large state is read in over many turns; it is taken over when the service does not rest, for
   * what was executed before must not be stored with it.
   */
  async #install(effect: InstallEffect): Promise<void> {
    const { service, rest, budget } = this.#world;
    const takeOver = await budget.complete(this.#untilStopped(service.readIn(effect.pages)));
    await budget.complete(this.#roots.hashing());
    rest.whenOver(() => {
      if (this.#isStopped || takeOver === null) return;
      this.#roots.tell();
      takeOver();
      this.#installingSeq = effect.seq;
      for (const probe of this.#world.probes) probe.replaced?.();
      void this.#storeInstalled(effect);
    });
  }

  /** Makes `steps`, but none any more once this replica has stopped: null then. */
  *#untilStopped<T>(steps: Iterator<unknown, T>): Generator<void, T | null> {
    while (!this.#isStopped) {
      const step = steps.next();
      if (step.done === true) return step.value;
      yield;
    }
    return null;
  }

  async #storeInstalled(effect: InstallEffect): Promise<void> {
    const { service, stores } = this.#world;
    const { seq, serviceRoot, sessions, evictedThrough } = effect;
    service.pin(seq);
    await stores.replace({ seq, serviceRoot, sessions, evictedThrough });
    // A repaired state may lie below what was stored of a wrong one, whose answers nobody should
    // get. What else waited is part of the state, and the core answers it anew.
    this.#unstored = new EffectGate(UNSTORED_REPLIES_MAX);
    this.#installingSeq = null;
    this.dispatch({ kind: "installed", seq });
  }

  /** The journal may be believed again, and the core goes on once that is durable (RS4). */
  async #trust(): Promise<void> {
    await this.#world.records.trust();
    this.dispatch({ kind: "trusted" });
  }

  /**
   * Answers a little later how this replica is, for that costs more than to ask. Of each client the
   * last question is answered, so that few wait, whoever asks on and on (I11).
   */
  #inspect(from: Principal, nonce: number, address: SocketAddress): void {
    const isFirst = this.#inspections.size === 0;
    this.#inspections.set(from.id, { nonce, to: new Destination(from, address) });
    if (isFirst) setTimeout(() => void this.#answerInspections(), INSPECTION_DELAY_MS).unref();
  }

  async #answerInspections(): Promise<void> {
    if (this.#isStopped) return;
    const json = new TextEncoder().encode(JSON.stringify(await this.#world.inspect()));
    for (const { nonce, to } of this.#inspections.values()) {
      this.#world.egress.queue({ kind: "inspect-reply", nonce, json }, [to]);
    }
    this.#inspections.clear();
    this.#flushLater();
  }
}
