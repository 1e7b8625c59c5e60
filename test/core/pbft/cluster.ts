import assert from "node:assert/strict";
import type { AppendId, ReplicaId, Seq } from "../../../src/core/base/ids.js";
import type { Ledger } from "../../../src/core/ledger/ledger.js";
import type {
  JournalRecord,
  ReplicaMessage,
  ReplyMessage,
  Request,
} from "../../../src/core/message.js";
import type { Effect } from "../../../src/core/pbft/effect.js";
import type { ReplicaOptions } from "../../../src/core/pbft/options.js";
import type { Recovered } from "../../../src/core/pbft/recovery.js";
import type { RejectCode } from "../../../src/core/pbft/reject.js";
import { BundleReader, BundleWriter } from "../../../src/core/base/bundle.js";
import { batchOf, sampleLedger, sampleOptions } from "./builders.js";
import { LoneReplica } from "./lone-replica.js";

/** A message on its way. */
export interface Packet {
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  readonly message: ReplicaMessage;
}

/** A reply that reached its client. */
interface Answer {
  readonly from: ReplicaId;
  readonly client: number;
  readonly session: number;
  readonly message: ReplyMessage;
}

type Outgoing = Extract<Effect, { readonly kind: "send" | "reply" }>;

/** What a replica's database holds. */
interface Stored extends Omit<Recovered, "records"> {
  readonly accounts: ReturnType<Ledger["accountRows"]>;
}

/** One replica of a cluster with its disk: what survives when it is killed. */
class Node {
  readonly id: ReplicaId;
  lone: LoneReplica;
  isDown = false;
  /** False: what is appended stays in memory until `Cluster.sync`. */
  syncs = true;
  /** False: the database falls behind. */
  stores = true;
  /** Executed batches by sequence number, for the auditor; a wiped replica starts anew. */
  readonly executed = new Map<Seq, Uint8Array>();
  journal: JournalRecord[] = [];
  stored: Stored;
  /** Appended and not yet durable. */
  waiting: { readonly id: AppendId; readonly record: JournalRecord }[] = [];
  held: Outgoing[] = [];
  durableId: AppendId = 0;
  /** The append of the last decision that was executed: the store waits for it. */
  decisionId: AppendId = 0;
  /** Whether its journal may have forgotten votes (RS4). */
  isDoubtful = false;

  constructor(id: ReplicaId, changes: Partial<ReplicaOptions>) {
    this.id = id;
    this.lone = new LoneReplica({ ...changes, self: id });
    this.stored = storedOf(this.lone);
  }
}

function storedOf(lone: LoneReplica): Stored {
  const { replica, ledger } = lone;
  return {
    storedSeq: replica.executedSeq,
    sessions: replica.clients.entries(),
    evictedThrough: replica.clients.bounds(),
    rejoinNonce: null,
    accounts: ledger.accountRows(),
  };
}

/** Most deliveries that one call may make: a cluster that does not come to rest is a failure. */
const DELIVERIES_MAX = 100_000;

/**
 * Replicas that are joined by a network which the test commands. Their disks and databases answer
 * at once unless told otherwise; nothing is random, and time passes only in `tick`.
 */
export class Cluster {
  readonly nodes: Node[];
  readonly packets: Packet[] = [];
  readonly answers: Answer[] = [];
  readonly rejects = new Map<RejectCode, number>();
  /** Which messages the network takes; all others are lost. */
  carries: (packet: Packet) => boolean = () => true;
  readonly #changes: Partial<ReplicaOptions>;
  #nonce = 0;

  constructor(changes: Partial<ReplicaOptions> = {}) {
    this.#changes = changes;
    const { replicaCount } = sampleOptions(changes);
    this.nodes = Array.from({ length: replicaCount }, (_, id) => new Node(id, changes));
  }

  /** Replica `id`. */
  node(id: ReplicaId): Node {
    const node = this.nodes[id];
    assert(node !== undefined);
    return node;
  }

  /** The replicas that run. */
  get up(): Node[] {
    return this.nodes.filter((node) => !node.isDown);
  }

  /** A client sends `request` to `to`; to replica 0 if nothing is said. */
  submit(request: Request, to: readonly ReplicaId[] = [0]): void {
    const { client } = request;
    for (const id of to) {
      const node = this.node(id);
      if (node.isDown) continue;
      node.lone.hear(client, request);
      this.#carryOut(node);
    }
  }

  /** Hands a message that no correct replica need have sent straight to `to`. */
  inject(from: ReplicaId, to: ReplicaId, message: ReplicaMessage): RejectCode | null {
    const node = this.node(to);
    const reject = node.lone.receive(from, message);
    this.#carryOut(node);
    return reject;
  }

  /** Delivers the message that waits at place `index`. */
  deliver(index: number): void {
    const [packet] = this.packets.splice(index, 1);
    assert(packet !== undefined);
    const node = this.node(packet.to);
    if (node.isDown) return;
    const reject = node.lone.receive(packet.from, packet.message);
    if (reject !== null) this.rejects.set(reject, (this.rejects.get(reject) ?? 0) + 1);
    this.#carryOut(node);
  }

  /** Delivers in order of sending until nothing is on its way. */
  run(): void {
    for (let count = 0; this.packets.length > 0; count += 1) {
      assert(count < DELIVERIES_MAX, "the cluster comes to rest");
      this.deliver(0);
    }
  }

  /** Time passes at every running replica; what it makes them say is delivered. */
  tick(count = 1): void {
    for (let tick = 0; tick < count; tick += 1) {
      for (const node of this.up) {
        node.lone.tick();
        this.#carryOut(node);
      }
      this.run();
    }
  }

  /** Time passes at one replica alone; what it says waits. */
  tickOne(id: ReplicaId, count = 1): void {
    const node = this.node(id);
    node.lone.tick(count);
    this.#carryOut(node);
  }

  /** What replica `id` wrote becomes durable. */
  sync(id: ReplicaId): void {
    this.#sync(this.node(id));
  }

  /** Kills a replica: what was not durable is gone, and so is what it was about to say. */
  crash(id: ReplicaId): void {
    const node = this.node(id);
    node.isDown = true;
    node.waiting = [];
    node.held = [];
    const sent = this.packets.filter((packet) => packet.to !== id);
    this.packets.splice(0, this.packets.length, ...sent);
  }

  /** Kills a replica and gives it a new disk (F8). */
  wipe(id: ReplicaId): void {
    this.crash(id);
    const node = this.node(id);
    node.journal = [];
    node.stored = storedOf(new LoneReplica({ ...this.#changes, self: id }));
    node.executed.clear();
    node.isDoubtful = true;
  }

  /** Starts a killed replica from what its disk holds. */
  restart(id: ReplicaId): void {
    const node = this.node(id);
    assert(node.isDown, "it was killed before");
    const { accounts, ...stored } = node.stored;
    const ledger = sampleLedger();
    ledger.load(accounts);
    this.#nonce += 1;
    const rejoinNonce = node.isDoubtful ? this.#nonce : null;
    const recovered = { ...stored, records: node.journal, rejoinNonce };
    node.lone = new LoneReplica({ ...this.#changes, self: id }, recovered, ledger);
    node.durableId = 0;
    node.decisionId = 0;
    node.isDown = false;
    this.#carryOut(node);
  }

  #carryOut(node: Node): void {
    for (let isBusy = true; isBusy;) {
      const effects = node.lone.answer();
      for (const effect of effects) this.#apply(node, effect);
      const appended = node.syncs && this.#sync(node);
      const stored = node.stores && this.#store(node);
      isBusy = appended || stored || effects.length > 0;
    }
  }

  #sync(node: Node): boolean {
    const last = node.waiting.at(-1);
    if (last === undefined) return false;
    node.journal.push(...node.waiting.map(({ record }) => record));
    node.waiting = [];
    node.durableId = last.id;
    node.lone.durable(last.id);
    const held = node.held;
    node.held = [];
    for (const effect of held) this.#apply(node, effect);
    this.#carryOut(node);
    return true;
  }

  #store(node: Node): boolean {
    const { executedSeq } = node.lone.replica;
    if (executedSeq <= node.stored.storedSeq || node.decisionId > node.durableId) return false;
    this.#keep(node);
    return true;
  }

  #keep(node: Node): void {
    node.stored = storedOf(node.lone);
    node.lone.step({ kind: "stored", seq: node.stored.storedSeq });
  }

  #apply(node: Node, effect: Effect): void {
    switch (effect.kind) {
      case "append":
        node.waiting.push({ id: effect.id, record: effect.record });
        break;
      case "send":
      case "reply":
        if ((effect.after ?? 0) <= node.durableId) this.#release(node, effect);
        else node.held.push(effect);
        break;
      case "execute":
        node.decisionId = effect.after;
        this.#audit(node, effect.seq, batchOf(...effect.batch.requests).digest);
        break;
      case "install":
        this.#keep(node);
        break;
      case "query":
        this.#answerRead(node, effect);
        break;
      case "discard":
        node.journal = withoutSettled(node.journal, effect.seq);
        break;
      case "trust":
        node.isDoubtful = false;
        node.lone.step({ kind: "trusted" });
        break;
      case "sign":
        break;
    }
  }

  /** No two replicas ever execute different batches under one number (I1). */
  #audit(node: Node, seq: Seq, digest: Uint8Array): void {
    for (const other of this.nodes) {
      const executed = other.executed.get(seq);
      if (executed === undefined) continue;
      assert.deepEqual(digest, executed, `replicas ${node.id} and ${other.id} differ at ${seq}`);
    }
    node.executed.set(seq, digest);
  }

  #answerRead(node: Node, effect: Extract<Effect, { readonly kind: "query" }>): void {
    const { read, view, seq } = effect;
    const { client, session, nonce, bundle } = read;
    const results = new BundleWriter();
    node.lone.ledger.query(client, new BundleReader(bundle), results);
    const reply = {
      kind: "read-reply",
      view,
      session,
      nonce,
      seq,
      results: results.finish(),
    } as const;
    this.#apply(node, { kind: "reply", client, session, message: reply, after: effect.after });
  }

  #release(node: Node, effect: Outgoing): void {
    const { message } = effect;
    if (effect.kind === "reply") {
      const { client, session } = effect;
      this.answers.push({ from: node.id, client, session, message: effect.message });
      return;
    }
    const others = this.nodes.map(({ id }) => id).filter((id) => id !== node.id);
    for (const to of effect.to.kind === "others" ? others : [effect.to.id]) {
      const packet = { from: node.id, to, message: message as ReplicaMessage };
      if (this.carries(packet)) this.packets.push(packet);
    }
  }
}

/** What is left of a journal when its records up to `seq` are not needed any more. */
function withoutSettled(journal: readonly JournalRecord[], seq: Seq): JournalRecord[] {
  const isView = ({ kind }: JournalRecord): boolean =>
    kind === "view-change" || kind === "new-view";
  const isWatermark = ({ kind }: JournalRecord): boolean =>
    kind === "stable" || kind === "certified";
  const newest = [journal.findLast(isView), journal.findLast(isWatermark)];
  return journal.filter((record) => {
    if (isView(record) || isWatermark(record)) return newest.includes(record);
    return !("seq" in record) || record.seq > seq;
  });
}
