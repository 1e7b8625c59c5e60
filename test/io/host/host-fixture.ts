import { bundleOf } from "../../../src/core/base/bundle.js";
import { encodeOperation } from "../../../src/core/ledger/operation.js";
import type { Batch, JournalRecord, Message } from "../../../src/core/message.js";
import { Replica } from "../../../src/core/pbft/replica.js";
import { Destination } from "../../../src/io/egress.js";
import { HostedLedger } from "../../../src/io/hosted-service.js";
import { ReplicaHost } from "../../../src/io/replica-host.js";
import { ServiceRest } from "../../../src/io/service-rest.js";
import { Tally } from "../../../src/io/tally.js";
import {
  batchOf,
  commit,
  hasher,
  prePrepare,
  requestOf,
  sampleBank,
  sampleBatch,
  sampleOptions,
  TELLER,
} from "../../core/pbft/builders.js";
import { Turns } from "./turns.js";

type World = ConstructorParameters<typeof ReplicaHost>[1];

const SELF = 1;
const PEER_PORT = 7_000;
/** Where all clients are. */
export const CLIENT_PORT = 8_000;

/** A place on this machine. */
export function at(port: number): { address: string; port: number } {
  return { address: "127.0.0.1", port };
}

/** Replica 1 with its bank; journal, store and network only take notes. */
export class Fixture {
  readonly ledger = new HostedLedger(sampleBank());
  /** In which everything fits, until a test says otherwise. */
  readonly turns = new Turns(0);
  readonly appended: JournalRecord["kind"][] = [];
  readonly durable: number[] = [];
  readonly stored: [number, number][] = [];
  /** Checkpoints whose root the store was told. */
  readonly pinned: number[] = [];
  readonly discarded: number[] = [];
  /** What was queued: the kind of message, and the ports that it goes to. */
  readonly queued: [Message["kind"], number[]][] = [];
  readonly messages: Message[] = [];
  readonly rejects = new Tally();
  flushes = 0;
  /** How often what waits for the disk was said to be waited for. */
  hurries = 0;
  hasRoom = true;
  /** What the journal does at the end of a turn. */
  onFlush = (): void => undefined;
  onReplace: () => void = () => undefined;
  /** The last batch in the database. */
  storedSeq = 0;
  readonly replica: Replica;
  readonly host: ReplicaHost;
  /** Another host in the same world, of a core that a test plays. */
  readonly hostOf: (core: Replica) => ReplicaHost;

  constructor(isStrict = false, self = SELF) {
    const replica = new Replica(sampleOptions({ self }), hasher, this.ledger);
    this.replica = replica;
    const world = {
      keys: { hasher, sign: () => new Uint8Array(64) },
      records: {
        append: (record: JournalRecord) => this.appended.push(record.kind),
        canAppend: () => this.hasRoom,
        hurry: () => {
          this.hurries += 1;
        },
        flush: () => {
          this.onFlush();
        },
        discard: (seq: number) => this.discarded.push(seq),
      },
      stores: {
        onDurable: (id: number) => this.durable.push(id),
        executed: ({ seq }: { seq: number }, after: number) => this.stored.push([seq, after]),
        pinned: (seq: number) => this.pinned.push(seq),
        replace: ({ seq }: { seq: number }): Promise<void> => {
          this.storedSeq = seq;
          this.onReplace();
          return Promise.resolve();
        },
      },
      egress: {
        queue: (message: Message, to: readonly Destination[]): void => {
          this.queued.push([message.kind, to.map(({ address }) => address.port)]);
          this.messages.push(message);
        },
        flush: (): void => {
          this.flushes += 1;
        },
      },
      service: this.ledger,
      rest: new ServiceRest(this.ledger, this.turns.budget),
      budget: this.turns.budget,
      peers: [0, 1, 2, 3].map((id) => {
        if (id === self) return null;
        return new Destination({ role: "replica", id }, at(PEER_PORT + id));
      }),
      rejects: this.rejects,
      isStrict,
      inspect: () => Promise.resolve({ executed: replica.executedSeq }),
      probes: [],
    };
    Object.defineProperty(world.stores, "storedSeq", { get: () => this.storedSeq });
    this.hostOf = (core) => new ReplicaHost(core, world as unknown as World);
    this.host = this.hostOf(replica);
  }

  /** A message of replica `from` arrives. */
  receive(from: number, message: Message): void {
    this.host.onMessage({ role: "replica", id: from }, message, at(PEER_PORT + from));
  }

  /** A message of a client arrives. */
  hear(message: Message, id = TELLER): void {
    this.host.onMessage({ role: "client", id }, message, at(CLIENT_PORT));
  }

  /** The database holds everything up to `seq`. */
  store(seq: number): void {
    this.storedSeq = seq;
    this.host.onStored(seq);
  }

  order(seq: number, batch = sampleBatch(seq)): void {
    this.receive(0, prePrepare(0, seq, batch));
  }

  /** A quorum says that `batch` has its place. */
  commit(seq: number, batch = sampleBatch(seq)): void {
    for (const from of [0, 2, 3]) this.receive(from, commit(0, seq, batch));
  }

  /** The answer to a read. */
  readReply(): Extract<Message, { kind: "read-reply" }> | undefined {
    return this.messages.find((message) => message.kind === "read-reply");
  }

  /** Replica 1 executes batch `seq`; its own disk has not answered yet. */
  execute(seq: number): void {
    this.order(seq);
    this.commit(seq);
  }
}

/** Operations of one step of an execution. */
export const STEP_OPERATIONS = 256;

/** A batch of so many requests, with so many deposits of 1 each: by default one step each. */
export function largeBatch(mark: number, requestCount: number, count = STEP_OPERATIONS): Batch {
  const deposit = encodeOperation({ kind: "deposit", account: "1", amount: 1n });
  const bundle = bundleOf(Array.from({ length: count }, () => deposit));
  const requests = Array.from({ length: requestCount }, (_, index) => ({
    ...requestOf({ session: 100 * mark + index }),
    bundle,
  }));
  return batchOf(...requests);
}
