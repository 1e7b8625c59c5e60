/*
 * One session of a client as a state machine, like the replica: events in, effects out.
 *
 * At most one request is outstanding (CL1); operations that arrive meanwhile are bundled into the
 * next one under a single signature. Reads go the same way, apart from requests and without
 * signature. No order is promised between operations submitted together; who needs one waits for
 * the first.
 */
import { assert, unreachable } from "../base/assert.js";
import { BundleReader, bundleItems, bundleOf } from "../base/bundle.js";
import { bytesEqual } from "../base/bytes.js";
import { primaryOf, type ReplicaId, type Ticks, type Timestamp, type View } from "../base/ids.js";
import { quorumsOf, type Quorums } from "../base/quorum.js";
import type { Read, ReadReply, Reply, ReplyMessage, Request } from "../message.js";
import { ReplyCode } from "../message.js";
import { Ballot } from "./ballot.js";
import type { ClientEffect, ClientEvent, OperationId, ResultPath } from "./effect.js";
import { checkClientOptions, type ClientOptions } from "./options.js";

interface Operation {
  readonly id: OperationId;
  readonly bytes: Uint8Array;
  readonly path: ResultPath;
}

interface Outstanding {
  readonly operations: readonly Operation[];
  readonly ballot: Ballot;
  sentTicks: Ticks;
  startedTicks: Ticks;
  tries: number;
}

interface OutstandingRequest extends Outstanding {
  readonly timestamp: Timestamp;
  /** Null until it is signed. */
  request: Request | null;
}

interface OutstandingRead extends Outstanding {
  readonly read: Read;
}

/** Items a bundle length field adds to an operation. */
const ITEM_OVERHEAD_BYTES = 2;

/** Part of the smoothed round-trip time that each new measurement makes up (as TCP's RTO does). */
const SMOOTHING = 1 / 8;

/** Round-trip times to wait before a request is taken for lost. */
const RETRY_ROUND_TRIPS = 4;

/** The protocol side of one client session (see the head of this file). */
export class ClientSession {
  readonly #options: ClientOptions;
  readonly #quorums: Quorums;
  readonly #welcomed = new Map<ReplicaId, View>();
  #effects: ClientEffect[] = [];
  #now: Ticks = 0;
  #helloTicks: Ticks | null = null;
  #helloTries = 0;
  #view: View = 0;
  #roundTripTicks = 0;
  #lastOperation: OperationId = 0;
  #lastTimestamp: Timestamp = 0;
  #lastNonce = 0;
  #writes: Operation[] = [];
  #reads: Operation[] = [];
  #request: OutstandingRequest | null = null;
  #read: OutstandingRead | null = null;

  constructor(options: ClientOptions) {
    checkClientOptions(options);
    this.#options = options;
    this.#quorums = quorumsOf(options.replicaCount);
  }

  /** Whether enough replicas know this session to answer it. */
  get isWelcome(): boolean {
    return this.#welcomed.size >= this.#quorums.strong;
  }

  /** Replicas that answered the hello. */
  get welcomeCount(): number {
    return this.#welcomed.size;
  }

  /** Operations submitted and not yet completed. */
  get pendingCount(): number {
    const outstanding = [this.#request, this.#read];
    const sent = outstanding.reduce((sum, one) => sum + (one?.operations.length ?? 0), 0);
    return this.#writes.length + this.#reads.length + sent;
  }

  /**
   * Takes an operation; its result comes as a `completed` effect with the returned number.
   * @param bytes the service's encoding, 1 byte to what a bundle of one may hold.
   * @param isRead try the read-only path first; an operation that writes is refused there.
   */
  submit(bytes: Uint8Array, isRead: boolean): OperationId {
    assert(bytes.length <= this.#options.bundleBytesMax - 4, "the caller checked the size");
    this.#lastOperation += 1;
    const id = this.#lastOperation;
    if (isRead) this.#reads.push({ id, bytes, path: "read-only" });
    else this.#writes.push({ id, bytes, path: "ordered" });
    return id;
  }

  /** Sends what may be sent; called once after a turn's submissions so that they share a bundle. */
  flush(): void {
    if (this.#helloTicks === null) this.#sendHello();
    if (!this.isWelcome) return;
    this.#startRequest();
    this.#startRead();
  }

  /** Takes one event. */
  step(event: ClientEvent): void {
    switch (event.kind) {
      case "ticked":
        this.#onTicked();
        break;
      case "signed":
        this.#onSigned(event.request);
        break;
      case "received":
        this.#onReceived(event.from, event.message);
        break;
      default:
        unreachable(event);
    }
    this.flush();
  }

  /** What the world must do because of the last call, in order. */
  takeEffects(): ClientEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  #sendHello(): void {
    this.#helloTicks = this.#now;
    this.#helloTries += 1;
    const message = { kind: "hello", session: this.#options.session } as const;
    for (let replica = 0; replica < this.#options.replicaCount; replica += 1) {
      if (!this.#welcomed.has(replica)) this.#effects.push({ kind: "send", to: replica, message });
    }
  }

  #startRequest(): void {
    if (this.#request !== null || this.#writes.length === 0) return;
    const operations = this.#takeBundle(this.#writes);
    this.#lastTimestamp += 1;
    this.#request = {
      ...this.#newOutstanding(operations),
      timestamp: this.#lastTimestamp,
      request: null,
    };
    const { client, session } = this.#options;
    const bundle = bundleOf(operations.map((operation) => operation.bytes));
    const timestamp = this.#lastTimestamp;
    const message = { kind: "request", client, session, timestamp, bundle } as const;
    this.#effects.push({ kind: "sign", message });
  }

  #onSigned(request: Request): void {
    const outstanding = this.#request;
    if (outstanding?.timestamp !== request.timestamp) return;
    outstanding.request = request;
    const to = primaryOf(this.#view, this.#options.replicaCount);
    this.#effects.push({ kind: "send", to, message: request });
  }

  #startRead(): void {
    if (this.#read !== null || this.#reads.length === 0) return;
    const operations = this.#takeBundle(this.#reads);
    this.#lastNonce += 1;
    const { client, session } = this.#options;
    const bundle = bundleOf(operations.map((operation) => operation.bytes));
    const read = { kind: "read", client, session, nonce: this.#lastNonce, bundle } as const;
    this.#read = { ...this.#newOutstanding(operations), read };
    this.#effects.push({ kind: "send", to: "all", message: read });
  }

  #takeBundle(waiting: Operation[]): Operation[] {
    const { bundleBytesMax, bundleOperationsMax } = this.#options;
    let count = 0;
    let bytes = ITEM_OVERHEAD_BYTES;
    for (const operation of waiting) {
      bytes += operation.bytes.length + ITEM_OVERHEAD_BYTES;
      if (count === bundleOperationsMax || bytes > bundleBytesMax) break;
      count += 1;
    }
    return waiting.splice(0, count);
  }

  #newOutstanding(operations: readonly Operation[]): Outstanding {
    const ballot = new Ballot(this.#options.replicaCount);
    const now = this.#now;
    return { operations, ballot, sentTicks: now, startedTicks: now, tries: 1 };
  }

  #onReceived(from: ReplicaId, message: ReplyMessage): void {
    if ("session" in message && message.session !== this.#options.session) return;
    switch (message.kind) {
      case "welcome":
        this.#onWelcome(from, message.view);
        break;
      case "reply":
        this.#onReply(from, message);
        break;
      case "read-reply":
        this.#onReadReply(from, message);
        break;
      // Busy is a hint that the retry timer heeds anyway; inspections are the host's.
      case "busy":
      case "inspect-reply":
        break;
      default:
        unreachable(message);
    }
  }

  #onWelcome(from: ReplicaId, view: View): void {
    if (this.#welcomed.has(from)) return;
    this.#welcomed.set(from, view);
    const views = [...this.#welcomed.values()].sort((left, right) => right - left);
    this.#view = Math.max(this.#view, views[this.#quorums.weak - 1] ?? 0);
  }

  #onReply(from: ReplicaId, m: Reply): void {
    const outstanding = this.#request;
    if (outstanding?.timestamp !== m.timestamp) return;
    const { ballot } = outstanding;
    ballot.add(from, m);
    const agreed = ballot.agreed(this.#quorums.strong);
    if (agreed === null) return;
    this.#request = null;
    this.#measure(outstanding);
    this.#view = Math.max(this.#view, ballot.viewOf(agreed, this.#quorums.weak));
    this.#complete(outstanding.operations, agreed.code, agreed.results, agreed.seq);
  }

  #complete(
    operations: readonly Operation[],
    code: number,
    results: Uint8Array,
    seq: number,
  ): void {
    if (code !== ReplyCode.executed) {
      for (const { id } of operations) this.#effects.push({ kind: "expired", operation: id });
      return;
    }
    const reader = new BundleReader(results);
    for (const { id, path } of operations) {
      assert(reader.next(), "Q replicas, a correct one among them, answer every operation");
      const result = reader.item();
      const view = this.#view;
      this.#effects.push({ kind: "completed", operation: id, result, path, view, seq });
    }
  }

  #onReadReply(from: ReplicaId, m: ReadReply): void {
    const outstanding = this.#read;
    if (outstanding?.read.nonce !== m.nonce) return;
    const { ballot, operations } = outstanding;
    ballot.add(from, { view: m.view, seq: 0, code: ReplyCode.executed, results: m.results });
    const agreed = ballot.agreed(this.#quorums.strong);
    if (agreed !== null) {
      this.#read = null;
      this.#measure(outstanding);
      this.#complete(operations, agreed.code, agreed.results, m.seq);
    } else if (ballot.count === this.#options.replicaCount) this.#settleRead(outstanding, m.seq);
  }

  /**
   * The bundles differ, but each operation stands for itself: what Q agree on holds, the rest is
   * ordered.
   */
  #settleRead(outstanding: OutstandingRead, seq: number): void {
    this.#read = null;
    const { operations, ballot } = outstanding;
    const replies = ballot
      .votes()
      .map((vote) => bundleItems(vote.results))
      .filter((items) => items.length === operations.length);
    for (const [index, { id, bytes }] of operations.entries()) {
      const result = agreedItem(replies, index, this.#quorums.strong);
      const view = this.#view;
      if (result === null) this.#writes.push({ id, bytes, path: "ordered-after-read-only" });
      else {
        const path = "read-only";
        this.#effects.push({ kind: "completed", operation: id, result, path, view, seq });
      }
    }
  }

  #onTicked(): void {
    this.#now += 1;
    this.#retryHello();
    this.#retryRequest();
    const read = this.#read;
    if (read !== null && this.#isOverdue(read)) this.#settleRead(read, 0);
  }

  #retryRequest(): void {
    const outstanding = this.#request;
    const message = outstanding?.request ?? null;
    if (outstanding === null || message === null || !this.#isOverdue(outstanding)) return;
    outstanding.tries += 1;
    outstanding.sentTicks = this.#now;
    this.#effects.push({ kind: "send", to: "all", message });
  }

  #retryHello(): void {
    if (this.#helloTicks === null || this.#welcomed.size === this.#options.replicaCount) return;
    if (this.#now - this.#helloTicks >= this.#backoff(this.#helloTries)) this.#sendHello();
  }

  #isOverdue(outstanding: Outstanding): boolean {
    return this.#now - outstanding.sentTicks >= this.#backoff(outstanding.tries);
  }

  /** Doubles from the measured round trip up to the cap; sessions differ, so that they spread. */
  #backoff(tries: number): Ticks {
    const { retryTicksMin, retryTicksMax, session } = this.#options;
    const start = Math.max(retryTicksMin, Math.ceil(RETRY_ROUND_TRIPS * this.#roundTripTicks));
    const spread = (session + tries) % 4;
    return Math.min(start * 2 ** Math.min(tries - 1, 16), retryTicksMax) + spread;
  }

  /**
   * Only what was sent once tells the round trip: a reply to a repeated request is ambiguous
   * (Karn).
   */
  #measure(outstanding: Outstanding): void {
    if (outstanding.tries > 1) return;
    const ticks = this.#now - outstanding.startedTicks;
    this.#roundTripTicks += (ticks - this.#roundTripTicks) * SMOOTHING;
  }
}

function agreedItem(
  replies: readonly (readonly Uint8Array[])[],
  index: number,
  quorum: number,
): Uint8Array | null {
  const items = replies.flatMap((items) => items[index] ?? []);
  for (const item of items) {
    if (items.filter((other) => bytesEqual(other, item)).length >= quorum) return item;
  }
  return null;
}
