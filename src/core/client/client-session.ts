/*
 * One session of a client as a state machine, like the replica: events in, effects out.
 *
 * At most one request is outstanding (CL1); operations that arrive meanwhile are bundled into the
 * next one under a single signature. Reads go the same way, apart from requests and without
 * signature. No order is promised between operations submitted together; who needs one waits for
 * the first.
 */
import { assert, unreachable } from "../base/assert.js";
import { bundleCount, bundleItems, bundleOf } from "../base/bundle.js";
import { bytesEqual } from "../base/bytes.js";
import { primaryOf, type ReplicaId, type Ticks, type Timestamp, type View } from "../base/ids.js";
import { quorumsOf, type Quorums } from "../base/quorum.js";
import type { Read, ReadReply, Reply, ReplyMessage, Request } from "../message.js";
import { ReplyCode } from "../message.js";
import { Ballot } from "./ballot.js";
import { DraftQueue } from "./draft.js";
import type { ClientEffect, ClientEvent, Span, SubmissionId } from "./effect.js";
import { checkClientOptions, type ClientOptions } from "./options.js";

interface Outstanding {
  readonly spans: readonly Span[];
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

const NO_EFFECTS: readonly ClientEffect[] = [];

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
  #lastSubmission: SubmissionId = 0;
  #lastTimestamp: Timestamp = 0;
  #lastNonce = 0;
  readonly #writes: DraftQueue;
  readonly #reads: DraftQueue;
  #request: OutstandingRequest | null = null;
  #read: OutstandingRead | null = null;

  constructor(options: ClientOptions) {
    checkClientOptions(options);
    this.#options = options;
    this.#quorums = quorumsOf(options.replicaCount);
    this.#writes = new DraftQueue(options);
    this.#reads = new DraftQueue(options);
  }

  /** Whether enough replicas know this session to answer it. */
  get isWelcome(): boolean {
    return this.#welcomed.size >= this.#quorums.strong;
  }

  /** Replicas that answered the hello. */
  get welcomeCount(): number {
    return this.#welcomed.size;
  }

  /**
   * Whether a reply of this kind to this session's request or read number `counter` can still
   * matter.
   */
  awaits(kind: "reply" | "read-reply", counter: number): boolean {
    if (kind === "reply") return this.#request?.timestamp === counter;
    return this.#read?.read.nonce === counter;
  }

  /** Operations submitted and not yet completed. */
  get pendingCount(): number {
    const sent = countOf(this.#request?.spans ?? []) + countOf(this.#read?.spans ?? []);
    return this.#writes.count + this.#reads.count + sent;
  }

  /**
   * Takes operations; their results come in `completed` effects with the returned number.
   * @param bundle one operation or more in the service's encoding, each of 1 byte to what a bundle
   * of one may hold.
   * @param isRead try the read-only path first; an operation that writes is refused there.
   */
  submit(bundle: Uint8Array, isRead: boolean): SubmissionId {
    this.#lastSubmission += 1;
    const id = this.#lastSubmission;
    if (isRead) this.#reads.append(bundle, id, 0, "read-only");
    else this.#writes.append(bundle, id, 0, "ordered");
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
  takeEffects(): readonly ClientEffect[] {
    const effects = this.#effects;
    if (effects.length === 0) return NO_EFFECTS;
    this.#effects = [];
    return effects;
  }

  #sendHello(): void {
    this.#helloTicks = this.#now;
    this.#helloTries += 1;
    const { session } = this.#options;
    const message = { kind: "hello", session, nonce: this.#helloTries } as const;
    for (let replica = 0; replica < this.#options.replicaCount; replica += 1) {
      if (!this.#welcomed.has(replica)) this.#effects.push({ kind: "send", to: replica, message });
    }
  }

  #startRequest(): void {
    if (this.#request !== null) return;
    const draft = this.#writes.take();
    if (draft === null) return;
    this.#lastTimestamp += 1;
    const timestamp = this.#lastTimestamp;
    const ballot = new Ballot(this.#options.replicaCount);
    // Field by field: made by spreading, each one's shape costs V8 2 µs.
    this.#request = {
      spans: draft.spans,
      ballot,
      sentTicks: this.#now,
      startedTicks: this.#now,
      tries: 1,
      timestamp,
      request: null,
    };
    const { client, session } = this.#options;
    const { bundle } = draft;
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
    if (this.#read !== null) return;
    const draft = this.#reads.take();
    if (draft === null) return;
    this.#lastNonce += 1;
    const { client, session } = this.#options;
    const { bundle } = draft;
    const read = { kind: "read", client, session, nonce: this.#lastNonce, bundle } as const;
    this.#read = {
      spans: draft.spans,
      ballot: new Ballot(this.#options.replicaCount),
      sentTicks: this.#now,
      startedTicks: this.#now,
      tries: 1,
      read,
    };
    this.#effects.push({ kind: "send", to: "all", message: read });
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
    if (agreed.code === ReplyCode.sessionExpired) {
      this.#effects.push({ kind: "expired", spans: outstanding.spans });
    } else this.#complete(outstanding.spans, agreed.results, agreed.seq);
  }

  #complete(spans: readonly Span[], results: Uint8Array, seq: number): void {
    const isWhole = bundleCount(results) === countOf(spans);
    assert(isWhole, "Q replicas, a correct one among them, answer every operation");
    this.#effects.push({ kind: "completed", spans, results, view: this.#view, seq });
  }

  #onReadReply(from: ReplicaId, m: ReadReply): void {
    const outstanding = this.#read;
    if (outstanding?.read.nonce !== m.nonce) return;
    const { ballot, spans } = outstanding;
    ballot.add(from, { view: m.view, seq: 0, code: ReplyCode.executed, results: m.results });
    const agreed = ballot.agreed(this.#quorums.strong);
    if (agreed !== null) {
      this.#read = null;
      this.#measure(outstanding);
      this.#complete(spans, agreed.results, m.seq);
    } else if (ballot.count === this.#options.replicaCount) this.#settleRead(outstanding, m.seq);
  }

  /**
   * The bundles differ, but each operation stands for itself: what Q agree on holds, the rest is
   * ordered.
   */
  #settleRead(outstanding: OutstandingRead, seq: number): void {
    this.#read = null;
    const { ballot, spans, read } = outstanding;
    const operations = bundleItems(read.bundle);
    const replies = ballot
      .votes()
      .map((vote) => bundleItems(vote.results))
      .filter((items) => items.length === operations.length);
    const agreed: Span[] = [];
    const results: Uint8Array[] = [];
    for (const [index, span] of singles(spans).entries()) {
      const result = agreedItem(replies, index, this.#quorums.strong);
      if (result === null) {
        const alone = bundleOf(operations.slice(index, index + 1));
        this.#writes.append(alone, span.submission, span.first, "ordered-after-read-only");
      } else {
        agreed.push(span);
        results.push(result);
      }
    }
    if (agreed.length > 0) this.#complete(agreed, bundleOf(results), seq);
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

function countOf(spans: readonly Span[]): number {
  let count = 0;
  for (const span of spans) count += span.count;
  return count;
}

/** The same operations, each in a span of its own. */
function singles(spans: readonly Span[]): Span[] {
  return spans.flatMap((span) =>
    Array.from({ length: span.count }, (_, index) => {
      return { ...span, first: span.first + index, count: 1 };
    }),
  );
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
