/*
 * One running replica: the product's core, ledger, ingress and egress, and around them the loop of
 * io/replica-host in virtual time. It ends when its machine stops; what it leaves is on the disks.
 */
import { assert, unreachable } from "../../src/core/base/assert.js";
import { BundleReader, BundleWriter } from "../../src/core/base/bundle.js";
import { bytesEqual } from "../../src/core/base/bytes.js";
import type { Principal, ReplicaId, Seq } from "../../src/core/base/ids.js";
import { Ledger } from "../../src/core/ledger/ledger.js";
import type {
  ClientMessage,
  JournalRecord,
  Message,
  ReplicaMessage,
  ReplyMessage,
  Verified,
} from "../../src/core/message.js";
import type { Effect } from "../../src/core/pbft/effect.js";
import type { Event } from "../../src/core/pbft/event.js";
import type { Recovered } from "../../src/core/pbft/recovery.js";
import { Replica } from "../../src/core/pbft/replica.js";
import { signMessage } from "../../src/core/wire/sign.js";
import { AddressBook } from "../../src/io/address-book.js";
import { EffectGate, HELD_EFFECTS_MAX } from "../../src/io/effect-gate.js";
import { DatagramPacker } from "../../src/io/datagram-packer.js";
import { Destination, Egress } from "../../src/io/egress.js";
import { Ingress } from "../../src/io/ingress.js";
import type { StoredState } from "../../src/io/store.js";
import { Tally } from "../../src/io/tally.js";
import type { SocketAddress } from "../../src/io/udp-socket.js";
import { Violation } from "./failure.js";
import { SimJournal } from "./journal.js";
import { describe } from "./story.js";
import { SimStoreRunner } from "./store.js";
import type { Machine } from "./machine.js";
import { openSimSocket, releaseAll } from "./socket.js";
import type { Kept } from "./watch.js";

/** Ticks after which a message that still lacks fragments is given up, as in io/replica-process. */
export const REASSEMBLY_TICKS_MAX = 100;

type Outgoing = Extract<Effect, { readonly kind: "send" | "reply" }>;

/** Thrown where the machine stops in the middle of carrying effects out. */
export class MachineStopped extends Error {
  override readonly name = "MachineStopped";
}

/** A replica from its start to its end. */
export class ReplicaProcess {
  readonly replica: Replica;
  readonly ledger: Ledger;
  readonly #machine: Machine;
  readonly #egress: Egress;
  readonly #ingress: Ingress;
  readonly #journal: SimJournal;
  readonly #stores: SimStoreRunner;
  readonly #peers: readonly (Destination | null)[];
  readonly #addresses = new AddressBook();
  readonly #gate = new EffectGate<Outgoing>(HELD_EFFECTS_MAX);
  readonly #events: Event[] = [];
  /** Requests of this turn, which the core gets together, as in io/replica-host. */
  readonly #requests: Event[] = [];
  readonly #drops = new Tally();
  readonly #afterTurn: (() => void)[] = [];
  /** The last pin, if the core does not know its root yet. */
  #pinnedSeq: Seq | null = null;

  constructor(machine: Machine) {
    this.#machine = machine;
    const { id, world, identity, storeDisk } = machine;
    const { cast, options } = world;
    const { keys, verifier } = identity;
    const { genesis } = cast;
    this.ledger = new Ledger({
      hasher: keys.hasher,
      clients: genesis.clients.map((client) => client.role),
      accounts: genesis.accounts,
    });
    const { stored, isNew } = loadStore(machine, this.ledger);
    const { journal, records, isDoubtful } = this.#openJournalWith(stored);
    this.#journal = journal;
    if (!isDoubtful) machine.remembers();
    const rejoinNonce = isDoubtful ? machine.prng.u32() : null;
    const replicaCount = genesis.replicas.length;
    const clientCount = genesis.clients.length;
    this.replica = new Replica(
      { ...options.protocol, self: id, replicaCount, clientCount },
      keys.hasher,
      this.ledger,
      isNew && records.length === 0 && !isDoubtful
        ? null
        : recoveredFrom(stored, records, rejoinNonce),
    );
    this.#stores = new SimStoreRunner({
      disk: storeDisk,
      ledger: this.ledger,
      clients: this.replica.clients,
      afterCommit: (run) => {
        machine.afterCommit(this, run);
      },
      isRootTold: () => this.#pinnedSeq === null,
      onStored: (seq) => {
        machine.tell((watcher) => watcher.onStored?.(id, seq));
        this.#dispatch({ kind: "stored", seq });
      },
    });
    const socket = openSimSocket(machine.wire, machine.address, this.#afterTurn);
    const { datagramBytesMax } = options.network;
    const { roster } = keys;
    const messageIdFirst = machine.prng.u32();
    const drops = this.#drops;
    this.#egress = new Egress({
      ...{ roster, sealer: keys, messageIdFirst, drops },
      datagrams: new DatagramPacker({ socket, datagramBytesMax, drops }),
    });
    this.#ingress = new Ingress({
      ...{ roster, verifier, drops, reassemblyTicksMax: REASSEMBLY_TICKS_MAX },
      macKeyOf: (from, epoch) => keys.macKeyOf(from, epoch),
      onMessage: (from, message, address) => {
        this.#onMessage(from, message, address);
      },
    });
    this.#peers = genesis.replicas.map(({ id: peer, host, port }) =>
      peer === id ? null : new Destination({ role: "replica", id: peer }, { address: host, port }),
    );
    machine.tell((watcher) => watcher.onStart?.(id, records, stored.seq));
  }

  /** What is kept around the core of what others send (I11). */
  get kept(): Kept {
    const { ofReplicaBytes, ofClientBytes, ageTicks } = this.#ingress.fragments;
    return {
      effects: this.#gate.size,
      placesOfClient: this.#addresses.ofClientMost,
      fragmentBytesOfReplica: ofReplicaBytes,
      fragmentBytesOfClient: ofClientBytes,
      fragmentTicks: ageTicks,
    };
  }

  /** A datagram came. */
  receive(bytes: Uint8Array, from: SocketAddress): void {
    this.#ingress.receive(bytes, from);
    this.#endTurn();
  }

  /** One tick passed. */
  tick(): void {
    this.#ingress.tick();
    this.#dispatch({ kind: "ticked" });
    for (const { to, message } of this.#machine.liar?.ticked(this.replica) ?? []) {
      this.#sendTo(to, message);
    }
    this.#endTurn();
  }

  /** Runs what came back from a disk, as a turn of its own. */
  resume(run: () => void): void {
    run();
    this.#endTurn();
  }

  /** A database that is behind the stable checkpoint was lost: then the journal starts over. */
  #openJournalWith(stored: StoredState) {
    const opened = this.#openJournal(this.#machine.takeStartOver());
    const stable = opened.records.findLast((record) => record.kind === "stable")?.seq ?? 0;
    if (stored.seq >= stable || !this.#machine.isAmnesiac) return opened;
    return this.#openJournal(true);
  }

  #openJournal(startsOver: boolean) {
    const { id, identity, isAmnesiac, journalDisk, prng, world } = this.#machine;
    return SimJournal.open({
      startsOver,
      isAmnesiac,
      disk: journalDisk,
      keys: identity.keys,
      segmentBytesMax: world.options.segmentBytesMax,
      salt: () => prng.u32(),
      afterSync: (run) => {
        this.#machine.afterSync(this, run);
      },
      onDurable: (append, records) => {
        this.#machine.tell((watcher) => watcher.onDurable?.(id, records));
        this.#stores.onDurable(append);
        this.#dispatch({ kind: "appended", id: append });
        for (const effect of this.#gate.open(append)) this.#release(effect);
      },
    });
  }

  #onMessage(from: Principal, message: Verified<Message>, address: SocketAddress): void {
    if (from.role === "client") this.#addresses.saw(from.id, message, address);
    const received = message as ReplicaMessage | ClientMessage;
    const event: Event = { kind: "received", from, message: received };
    if (message.kind === "request") {
      this.#requests.push(event);
      return;
    }
    const before = this.replica.view;
    this.#dispatch(event);
    if (before !== this.replica.view) this.#say(() => `moves to view ${this.replica.view}`);
  }

  #dispatch(event: Event): void {
    this.#events.push(event);
    this.#run();
  }

  #run(): void {
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
      const reject = this.replica.step(next, this.#events.length > 0);
      this.#machine.tell((watcher) => watcher.onStep?.(this.#machine.id, this.replica));
      if (next.kind === "executed" || next.kind === "installed") this.#tellTable();
      if (reject !== null) {
        this.#machine.tell((watcher) => watcher.onReject?.(this.#machine.id, reject));
      }
      if (next.kind === "received") {
        const { from, message } = next;
        this.#say(() => `${from.role[0] ?? ""}${from.id} ${describe(message)} ${reject ?? ""}`);
      }
      for (const effect of this.replica.takeEffects()) {
        this.#machine.beforeEffect();
        this.#carryOut(effect);
      }
    }
  }

  #tellTable(): void {
    const { executedSeq, clients } = this.replica;
    const digest = clients.digest();
    this.#machine.tell((watcher) => watcher.onTable?.(this.#machine.id, executedSeq, digest));
  }

  #endTurn(): void {
    this.#events.push(...this.#requests.splice(0));
    this.#run();
    this.#journal.flush();
    this.#stores.flush();
    // Before what waits is let go, so that it counts.
    this.#machine.tell((watcher) => watcher.onTurn?.(this.#machine.id, this));
    this.#egress.flush();
    releaseAll(this.#afterTurn);
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case "append": {
        const append = this.#journal.append(effect.record);
        assert(append === effect.id, "journal and core count appends alike");
        break;
      }
      case "send":
      case "reply":
        if (effect.after === null || this.#gate.isOpen(effect.after)) this.#release(effect);
        else if (!this.#gate.hold(effect.after, effect)) this.#drops.add("host/journal-behind");
        break;
      case "sign": {
        const { keys } = this.#machine.identity;
        const message = signMessage(effect.message, keys.hasher, (digest) => keys.sign(digest));
        this.#events.push({ kind: "signed", message });
        break;
      }
      case "execute":
        this.#machine.whenLedgerMay(this, () => {
          this.#execute(effect);
        });
        break;
      case "install":
        this.#machine.whenStateIsRead(this, () => {
          this.#install(effect);
        });
        break;
      case "query":
        this.#query(effect);
        break;
      case "trust":
        this.#journal.trust(() => {
          this.#machine.remembers();
          this.#say(() => "votes again");
          this.#dispatch({ kind: "trusted" });
        });
        break;
      case "discard":
        this.#machine.tell((watcher) => watcher.onDiscard?.(this.#machine.id, effect.seq));
        this.#journal.discard(effect.seq);
        break;
      default:
        unreachable(effect);
    }
  }

  #release(effect: Outgoing): void {
    if (effect.kind === "reply") {
      this.#reply(effect.client, effect.session, effect.message);
      return;
    }
    const { id, liar } = this.#machine;
    this.#machine.tell((watcher) => watcher.onSend?.(id, effect.message));
    const { to } = effect;
    if (to.kind === "replica") assert(to.id !== id, "a message goes to another replica");
    for (const peer of this.#peers) {
      if (peer === null || (to.kind === "replica" && to.id !== peer.principal.id)) continue;
      const messages = liar?.outgoing(effect.message, peer.principal.id) ?? [effect.message];
      for (const message of messages) this.#egress.queue(message, [peer]);
    }
  }

  #sendTo(to: ReplicaId, message: ReplicaMessage): void {
    const peer = this.#peers[to] ?? null;
    if (peer !== null) this.#egress.queue(message, [peer]);
  }

  #reply(client: number, session: number, honest: ReplyMessage): void {
    const { id, liar } = this.#machine;
    this.#machine.tell((watcher) => watcher.onReply?.(id, client, honest));
    const to = this.#addresses.find(client, session);
    if (to === null) return;
    for (const message of liar?.reply(honest, client) ?? [honest])
      this.#egress.queue(message, [to]);
  }

  #execute(effect: Extract<Effect, { kind: "execute" }>): void {
    const { seq, view, batch, requests, pin, after } = effect;
    this.#machine.liar?.executing(this.ledger);
    const results = requests.map((request) => {
      const writer = new BundleWriter();
      this.ledger.execute(request.client, new BundleReader(request.bundle), writer);
      return writer.finish();
    });
    if (pin) this.#pin(seq);
    const root = this.ledger.root();
    this.#events.push({ kind: "executed", seq, results });
    if (pin) {
      this.#machine.whenPinIsHashed(this, () => {
        if (this.#pinnedSeq === seq) this.#tellPinned();
      });
    }
    const block = { seq, view, digest: batch.digest, requestCount: requests.length };
    this.#stores.executed(block, after);
    const executed = { seq, batch, requests, results, root };
    this.#machine.tell((watcher) => watcher.onExecuted?.(this.#machine.id, executed));
    this.#say(() => `executes ${seq}: ${requests.length} of ${batch.requests.length} requests`);
  }

  #pin(seq: Seq): void {
    this.#tellPinned();
    this.ledger.pin(seq);
    this.#pinnedSeq = seq;
  }

  #tellPinned(): void {
    const seq = this.#pinnedSeq;
    if (seq === null) return;
    this.#pinnedSeq = null;
    const serviceRoot = this.ledger.pinRoot(seq);
    assert(serviceRoot !== null, "what was pinned stays so until it is told");
    this.#events.push({ kind: "pinned", seq, serviceRoot });
  }

  #query(effect: Extract<Effect, { kind: "query" }>): void {
    const { client, session, nonce, bundle } = effect.read;
    const writer = new BundleWriter();
    this.ledger.query(client, new BundleReader(bundle), writer);
    const results = this.#machine.liar?.read(client, bundle) ?? writer.finish();
    const { view, seq, after } = effect;
    const message = { kind: "read-reply", view, session, nonce, seq, results } as const;
    this.#carryOut({ kind: "reply", client, session, message, after });
  }

  #install(effect: Extract<Effect, { kind: "install" }>): void {
    const { seq, serviceRoot, pages, sessions, evictedThrough } = effect;
    this.#tellPinned();
    this.ledger.restore(pages);
    this.ledger.pin(seq);
    const root = this.ledger.root();
    const accounts = this.ledger.accountRows();
    const state: StoredState = { seq, serviceRoot, accounts, sessions, evictedThrough };
    this.#say(() => `installs the state after ${seq}`);
    this.#stores.replace(state, () => {
      const { id } = this.#machine;
      this.#machine.tell((watcher) => watcher.onStored?.(id, seq));
      this.#machine.tell((watcher) => watcher.onInstalled?.(id, seq, root));
      this.#dispatch({ kind: "installed", seq });
    });
  }

  #say(line: () => string): void {
    this.#machine.world.trace.say(`r${this.#machine.id}`, line);
  }
}

/** Reads the database into the ledger; a new one gets the genesis state. */
function loadStore(
  { id, storeDisk }: Machine,
  ledger: Ledger,
): { readonly stored: StoredState; readonly isNew: boolean } {
  const stored = storeDisk.read();
  if (stored === null) {
    const accounts = ledger.accountRows();
    const serviceRoot = ledger.root();
    const state = { seq: 0, serviceRoot, accounts, sessions: [], evictedThrough: [] };
    storeDisk.replace(state);
    return { stored: state, isNew: true };
  }
  ledger.load(stored.accounts);
  if (bytesEqual(ledger.root(), stored.serviceRoot)) return { stored, isNew: false };
  const sentence = `replica ${id} finds rows after batch ${stored.seq} that lead to another root`;
  throw new Violation("recovery", sentence);
}

/** What the core of a restarted replica gets to know of the past, as in io/replica-process. */
function recoveredFrom(
  stored: StoredState,
  records: readonly JournalRecord[],
  rejoinNonce: number | null,
): Recovered {
  const stable = records.findLast((record) => record.kind === "stable")?.seq ?? 0;
  if (stored.seq < stable) {
    const sentence = `the database ends at ${stored.seq}, below the stable checkpoint ${stable}`;
    throw new Violation("recovery", sentence);
  }
  const sessions = stored.sessions.map((row) => ({ ...row, code: 0 as const }));
  const { seq, evictedThrough } = stored;
  return { records, storedSeq: seq, sessions, evictedThrough, rejoinNonce };
}
