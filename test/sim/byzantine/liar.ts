import { bytesConcat } from "../../../src/core/base/bytes.js";
import { DIGEST_BYTES, Domain, type Digest, type Hasher } from "../../../src/core/base/hasher.js";
import type { ClientId, ReplicaId, Ticks } from "../../../src/core/base/ids.js";
import type { Ledger } from "../../../src/core/ledger/ledger.js";
import type {
  Batch,
  NewView,
  ReplicaMessage,
  ReplyMessage,
  Request,
  SignedMessage,
  Unsigned,
  ViewChange,
} from "../../../src/core/message.js";
import type { Replica } from "../../../src/core/pbft/replica.js";
import { signMessage } from "../../../src/core/wire/sign.js";
import type { KeyRing } from "../../../src/io/key-ring.js";
import { quorumsOf } from "../../../src/core/base/quorum.js";
import type { Genesis } from "../../../src/io/config.js";
import type { Prng } from "../prng.js";
import type { Micros } from "../scheduler.js";

type ClientRole = Genesis["clients"][number]["role"];

/** A message and whom it goes to. */
export interface Addressed {
  readonly to: ReplicaId;
  readonly message: ReplicaMessage;
}

/** One way to break the rules. What it leaves out happens as the rules say. */
export interface Strategy {
  /** What goes to replica `to` instead of `message`: nothing, the same, something else, more. */
  outgoing?(message: ReplicaMessage, to: ReplicaId): readonly ReplicaMessage[];
  /** What goes to client `to` instead of `message`. */
  reply?(message: ReplyMessage, to: ClientId): readonly ReplyMessage[];
  /** What becomes of a datagram to the host `to`, in place. */
  bend?(bytes: Uint8Array, to: string): void;
  /** What else is sent each tick. */
  ticked?(replica: Replica): readonly Addressed[];
  /** The state before one more batch. */
  executing?(ledger: Ledger): void;
  /** What a read is answered instead of the truth; null: the truth. */
  read?(client: ClientId, bundle: Uint8Array): Uint8Array | null;
}

/** What all Byzantine replicas of a run know of each other. */
export interface Plot {
  /** Draws the same for all of them. */
  readonly prng: Prng;
  /** Who takes part. */
  readonly members: readonly ReplicaId[];
  /** The batch that some get to see instead of the first, by "view/seq". */
  readonly others: Map<string, Batch>;
}

/** What a villain is part of. */
interface VillainSurroundings {
  readonly self: ReplicaId;
  readonly replicaCount: number;
  readonly checkpointInterval: number;
  /** T: what a primary that wants to stay must be faster than. */
  readonly viewChangeTicks: Ticks;
  readonly keys: KeyRing;
  readonly roles: readonly ClientRole[];
  readonly prng: Prng;
  readonly plot: Plot;
  /** Lets nobody hear a replica for a while; returns for how many ticks. */
  readonly hush: (replica: ReplicaId, length: Micros) => Ticks;
}

/** What a Byzantine replica has: its own keys, knowledge of the cluster, and bad intentions. */
export class Villain {
  readonly self: ReplicaId;
  readonly replicaCount: number;
  readonly checkpointInterval: number;
  readonly viewChangeTicks: Ticks;
  readonly roles: readonly ClientRole[];
  readonly prng: Prng;
  readonly plot: Plot;
  readonly hush: (replica: ReplicaId, length: Micros) => Ticks;
  readonly #keys: KeyRing;

  constructor(surroundings: VillainSurroundings) {
    this.self = surroundings.self;
    this.replicaCount = surroundings.replicaCount;
    this.checkpointInterval = surroundings.checkpointInterval;
    this.viewChangeTicks = surroundings.viewChangeTicks;
    this.roles = surroundings.roles;
    this.prng = surroundings.prng;
    this.plot = surroundings.plot;
    this.hush = surroundings.hush;
    this.#keys = surroundings.keys;
  }

  get weakQuorum(): number {
    return quorumsOf(this.replicaCount).weak;
  }

  get hasher(): Hasher {
    return this.#keys.hasher;
  }

  /** Every other replica. */
  others(): ReplicaId[] {
    const all = Array.from({ length: this.replicaCount }, (_, id) => id);
    return all.filter((id) => id !== this.self);
  }

  /** Some other replicas, always the same ones for this villain. */
  victims(count: number): ReplicaId[] {
    return this.prng.fork("victims").sample(this.others(), count);
  }

  /** Its own signature under whatever it likes to say. */
  sign<M extends SignedMessage>(message: Unsigned<M>): M {
    const { hasher } = this.#keys;
    const unsigned = message as Unsigned<SignedMessage>;
    return signMessage(unsigned, hasher, (digest) => this.#keys.sign(digest)) as M;
  }

  batchOf(requests: readonly Request[]): Batch {
    const digests = bytesConcat(requests.map((request) => request.digest));
    return { requests, digest: this.#keys.hasher.digest(Domain.batch, digests) };
  }

  /** A batch that is as valid as `batch`, and another one. */
  otherBatch(batch: Batch): Batch {
    const { requests } = batch;
    if (requests.length === 0 || this.prng.chance(0.3)) return this.batchOf([]);
    if (this.prng.chance(0.5)) return this.batchOf([...requests, ...requests.slice(0, 1)]);
    return this.batchOf(requests.slice(1));
  }

  /** A digest of nothing. */
  randomDigest(): Digest {
    return this.prng.bytes(DIGEST_BYTES);
  }
}

/** Whether `message` is the villain's own announcement of a view, and not one that it passes on. */
export function isOwnNewView(villain: Villain, message: ReplicaMessage): message is NewView {
  return message.kind === "new-view" && message.replica === villain.self;
}

/** Whether `message` is the villain's own vote for a view. */
export function isOwnVote(villain: Villain, message: ReplicaMessage): message is ViewChange {
  return message.kind === "view-change" && message.replica === villain.self;
}

/**
 * What makes a replica Byzantine. Its core is the product's and knows nothing of it; what the core
 * sends is changed on its way out, and signed anew with the replica's own keys.
 */
export class Liar {
  readonly #strategies: readonly Strategy[];

  /** @param strategies applied one after another. */
  constructor(strategies: readonly Strategy[]) {
    this.#strategies = strategies;
  }

  outgoing(message: ReplicaMessage, to: ReplicaId): readonly ReplicaMessage[] {
    let messages: readonly ReplicaMessage[] = [message];
    for (const strategy of this.#strategies) {
      messages = messages.flatMap((one) => strategy.outgoing?.(one, to) ?? [one]);
    }
    return messages;
  }

  reply(message: ReplyMessage, to: ClientId): readonly ReplyMessage[] {
    let messages: readonly ReplyMessage[] = [message];
    for (const strategy of this.#strategies) {
      messages = messages.flatMap((one) => strategy.reply?.(one, to) ?? [one]);
    }
    return messages;
  }

  bend(bytes: Uint8Array, to: string): void {
    for (const strategy of this.#strategies) strategy.bend?.(bytes, to);
  }

  executing(ledger: Ledger): void {
    for (const strategy of this.#strategies) strategy.executing?.(ledger);
  }

  read(client: ClientId, bundle: Uint8Array): Uint8Array | null {
    for (const strategy of this.#strategies) {
      const lie = strategy.read?.(client, bundle) ?? null;
      if (lie !== null) return lie;
    }
    return null;
  }

  ticked(replica: Replica): readonly Addressed[] {
    return this.#strategies.flatMap((strategy) => strategy.ticked?.(replica) ?? []);
  }
}
