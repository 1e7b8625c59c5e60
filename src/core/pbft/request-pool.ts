import { bytesEqual } from "../base/bytes.js";
import type { ClientId, Seq, SessionId, Ticks, Timestamp } from "../base/ids.js";
import type { Request } from "../message.js";

/** A request that is known, valid and not yet executed. */
interface PendingRequest {
  readonly request: Request;
  /**
   * When it became known, or when the present view began if that was later (VC8); by the clock of
   * what waits.
   */
  sinceTicks: Ticks;
  /** The sequence number it was proposed under in this view, or null. */
  proposedSeq: Seq | null;
  /** Whether it was answered tentatively in this view (EX3). */
  isAnswered: boolean;
}

/** What became of a request that was handed in. */
type PoolOutcome = "added" | "known" | "conflict" | "stale" | "full";

/**
 * The requests that wait for execution (BA3: they leave when executed, not when proposed).
 *
 * One per session, a bounded number per client (RB2), watched in order of arrival (VT1): the oldest
 * one is what the progress timer looks at, so that no client can be starved while others progress.
 */
export class RequestPool {
  readonly #pendingPerClientMax: number;
  readonly #bySession: Map<SessionId, PendingRequest>[];
  /** In order of arrival. */
  readonly #all = new Set<PendingRequest>();
  /** Those not proposed in this view, per client, in order of arrival. */
  readonly #unproposed: Set<PendingRequest>[];
  /** The clients with something not proposed; the one whose turn it is comes first (BA5). */
  readonly #turns = new Set<ClientId>();
  #unproposedCount = 0;
  #answeredCount = 0;

  constructor(clientCount: number, pendingPerClientMax: number) {
    this.#pendingPerClientMax = pendingPerClientMax;
    this.#bySession = Array.from(
      { length: clientCount },
      () => new Map<SessionId, PendingRequest>(),
    );
    this.#unproposed = Array.from({ length: clientCount }, () => new Set());
  }

  /** Requests waiting. */
  get size(): number {
    return this.#all.size;
  }

  /** Requests waiting that nobody answered in this view. */
  get unansweredCount(): number {
    return this.#all.size - this.#answeredCount;
  }

  /** Requests waiting of the client of which most are (RB2). */
  get ofClientMost(): number {
    return Math.max(...this.#bySession.map((sessions) => sessions.size));
  }

  /** Requests waiting that were not proposed in this view. */
  get unproposedCount(): number {
    return this.#unproposedCount;
  }

  /** Adds a request that is newer than what its session has executed. */
  add(request: Request, now: Ticks): PoolOutcome {
    const sessions = this.#sessionsOf(request.client);
    const held = sessions.get(request.session);
    if (held !== undefined) {
      const { timestamp, digest } = held.request;
      if (timestamp > request.timestamp) return "stale";
      if (timestamp === request.timestamp) {
        return bytesEqual(digest, request.digest) ? "known" : "conflict";
      }
      this.#drop(held);
    } else if (sessions.size >= this.#pendingPerClientMax) return "full";
    const pending = { request, sinceTicks: now, proposedSeq: null, isAnswered: false };
    sessions.set(request.session, pending);
    this.#all.add(pending);
    this.#offer(pending);
    return "added";
  }

  /** The request of a session that waits here, or null. */
  find(client: ClientId, session: SessionId): PendingRequest | null {
    // A backup is asked three times for each request, and mostly knows of none.
    if (this.#all.size === 0) return null;
    return this.#sessionsOf(client).get(session) ?? null;
  }

  /** The oldest request that waits, or null. */
  oldest(): PendingRequest | null {
    for (const pending of this.#all) return pending;
    return null;
  }

  /** Drops what `timestamp` of a session makes old. */
  executed(client: ClientId, session: SessionId, timestamp: Timestamp): void {
    const held = this.find(client, session);
    if (held !== null && held.request.timestamp <= timestamp) this.#drop(held);
  }

  /**
   * Drops what waits of a client's sessions up to `through` (included): they are forgotten, so it
   * is never executed, and a timer that waited for it would change views for ever.
   */
  expired(client: ClientId, through: SessionId): void {
    for (const [session, held] of this.#sessionsOf(client)) {
      if (session <= through) this.#drop(held);
    }
  }

  /** Marks a session's request as proposed, by whoever is primary. */
  proposed(request: Request, seq: Seq): void {
    const held = this.find(request.client, request.session);
    if (held?.request.timestamp !== request.timestamp) return;
    held.proposedSeq = seq;
    this.#withdraw(held);
  }

  /** Marks a session's request as answered tentatively. */
  answered(request: Request): void {
    const held = this.find(request.client, request.session);
    if (held?.request.timestamp !== request.timestamp || held.isAnswered) return;
    held.isAnswered = true;
    this.#answeredCount += 1;
  }

  /** Takes the next batch: one request of each client in turn, oldest first, within both limits. */
  take(requestsMax: number, bytesMax: number): Request[] {
    const taken: Request[] = [];
    let bytes = 0;
    while (taken.length < requestsMax) {
      const pending = this.#next();
      if (pending === null) break;
      bytes += pending.request.bytes.length;
      if (bytes > bytesMax && taken.length > 0) break;
      this.#withdraw(pending);
      this.#endTurn(pending.request.client);
      taken.push(pending.request);
    }
    return taken;
  }

  /** A new view began: every request may be proposed again, and its time starts anew (BA3, VC8). */
  restart(now: Ticks): void {
    this.#answeredCount = 0;
    for (const pending of this.#all) {
      pending.sinceTicks = now;
      pending.isAnswered = false;
      if (pending.proposedSeq === null) continue;
      pending.proposedSeq = null;
      this.#offer(pending);
    }
  }

  /** Every request that waits, in order of arrival. */
  *[Symbol.iterator](): IterableIterator<PendingRequest> {
    yield* this.#all;
  }

  #sessionsOf(client: ClientId): Map<SessionId, PendingRequest> {
    return this.#bySession[client] ?? new Map<SessionId, PendingRequest>();
  }

  #drop(pending: PendingRequest): void {
    const { client, session } = pending.request;
    this.#all.delete(pending);
    if (pending.isAnswered) this.#answeredCount -= 1;
    this.#sessionsOf(client).delete(session);
    this.#withdraw(pending);
  }

  #offer(pending: PendingRequest): void {
    const { client } = pending.request;
    this.#unproposed[client]?.add(pending);
    this.#turns.add(client);
    this.#unproposedCount += 1;
  }

  #withdraw(pending: PendingRequest): void {
    const { client } = pending.request;
    const waiting = this.#unproposed[client];
    if (waiting?.delete(pending) !== true) return;
    this.#unproposedCount -= 1;
    if (waiting.size === 0) this.#turns.delete(client);
  }

  #next(): PendingRequest | null {
    for (const client of this.#turns) {
      for (const pending of this.#unproposed[client] ?? []) return pending;
    }
    return null;
  }

  #endTurn(client: ClientId): void {
    if (this.#turns.delete(client)) this.#turns.add(client);
  }
}
