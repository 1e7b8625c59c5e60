/*
 * A client in the world: its sessions, its socket, its deadlines. Knows operations as bytes only;
 * what they mean is the service's business (ledger-client.ts for the bank).
 */
import { assert } from "../core/base/assert.js";
import type { ReplicaId, Seq, SessionId, View } from "../core/base/ids.js";
import type { Verifier } from "../core/crypto/check.js";
import { ClientSession } from "../core/client/client-session.js";
import type { ClientEffect, OperationId, ResultPath } from "../core/client/effect.js";
import type { ClientOptions } from "../core/client/options.js";
import type { Message, ReplyMessage } from "../core/message.js";
import { signRequest } from "../core/wire/sign.js";
import type { Destination, Egress } from "./egress.js";
import type { KeyRing } from "./key-ring.js";

/** What came of an operation. */
export type Outcome =
  | {
      readonly kind: "completed";
      /** The service's encoding of the result. */
      readonly result: Uint8Array;
      readonly path: ResultPath;
      readonly view: View;
      readonly seq: Seq;
      readonly latencyMs: number;
    }
  /** The deadline passed, or the caller gave up: it may or may not be executed. */
  | {
      readonly kind: "timeout";
      /**
       * Waits for the same operation again; it is sent again as the same request, so that it can't
       * be executed twice.
       */
      readonly retry: (wait: Wait) => Promise<Outcome>;
    }
  /** The replicas forgot the session: whether it was executed can't be told any more. */
  | { readonly kind: "expired" };

/** How long to wait for an outcome. */
export interface Wait {
  /** Milliseconds, above 0. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** The parts of the world that a client acts on. */
interface ClientWorld {
  readonly keys: KeyRing;
  readonly egress: Egress;
  readonly verifier: Verifier;
  readonly replicas: readonly Destination[];
}

interface Waiter {
  readonly startedMs: number;
  readonly settle: (outcome: Outcome) => void;
}

/** A question to one replica's host that is not answered yet. */
interface Inspection {
  readonly replica: ReplicaId;
  /** Takes the answer, or null when none will come. */
  readonly settle: (json: Uint8Array | null) => void;
}

let lastSession: SessionId = 0;

/** The start of a new session in microseconds: larger than any before it in this process (CL1). */
function newSessionId(): SessionId {
  const now = Math.floor((performance.timeOrigin + performance.now()) * 1_000);
  lastSession = Math.max(now, lastSession + 1);
  return lastSession;
}

/** One session and those who wait for its operations. */
class SessionHost {
  readonly session: ClientSession;
  readonly id: SessionId;
  readonly #world: ClientWorld;
  readonly #onWanted: (session: SessionHost) => void;
  readonly #waiters = new Map<OperationId, Waiter>();
  /** Outcomes that came when nobody waited, until somebody asks again. */
  readonly #settled = new Map<OperationId, Outcome>();
  #flushIsDue = false;

  /** @param onWanted called whenever somebody begins to wait for one of its operations. */
  constructor(
    world: ClientWorld,
    options: Omit<ClientOptions, "session">,
    onWanted: (session: SessionHost) => void,
  ) {
    this.#world = world;
    this.#onWanted = onWanted;
    this.id = newSessionId();
    this.session = new ClientSession({ ...options, session: this.id });
  }

  /** Whether somebody waits for one of its operations. */
  get isWanted(): boolean {
    return this.#waiters.size > 0;
  }

  /** Says hello to the replicas. */
  start(): void {
    this.#flushLater();
  }

  submit(bytes: Uint8Array, isRead: boolean, wait: Wait): Promise<Outcome> {
    const operation = this.session.submit(bytes, isRead);
    this.#flushLater();
    return this.#await(operation, performance.now(), wait);
  }

  step(event: Parameters<ClientSession["step"]>[0]): void {
    this.session.step(event);
    this.#carryOut();
  }

  /** Those who wait are told that nothing will come. */
  abandon(): void {
    for (const [operation, waiter] of this.#waiters) {
      waiter.settle(this.#timeout(operation, waiter.startedMs));
    }
  }

  /** Operations submitted in one turn share a bundle. */
  #flushLater(): void {
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    queueMicrotask(() => {
      this.#flushIsDue = false;
      this.session.flush();
      this.#carryOut();
    });
  }

  #carryOut(): void {
    for (;;) {
      const effects = this.session.takeEffects();
      if (effects.length === 0) break;
      for (const effect of effects) this.#apply(effect);
    }
    this.#world.egress.flush();
  }

  #apply(effect: ClientEffect): void {
    const { keys, egress, replicas } = this.#world;
    switch (effect.kind) {
      case "sign": {
        const request = signRequest(effect.message, keys.hasher, (digest) => keys.sign(digest));
        this.session.step({ kind: "signed", request });
        break;
      }
      case "send":
        egress.queue(effect.message, effect.to === "all" ? replicas : [at(replicas, effect.to)]);
        break;
      case "completed":
        this.#complete(effect);
        break;
      case "expired":
        this.#settle(effect.operation, { kind: "expired" });
        break;
    }
  }

  #complete(effect: Extract<ClientEffect, { kind: "completed" }>): void {
    const { operation, result, path, view, seq } = effect;
    const startedMs = this.#waiters.get(operation)?.startedMs ?? performance.now();
    const latencyMs = performance.now() - startedMs;
    this.#settle(operation, { kind: "completed", result, path, view, seq, latencyMs });
  }

  #settle(operation: OperationId, outcome: Outcome): void {
    const waiter = this.#waiters.get(operation);
    if (waiter === undefined) this.#settled.set(operation, outcome);
    else waiter.settle(outcome);
  }

  #await(operation: OperationId, startedMs: number, wait: Wait): Promise<Outcome> {
    return new Promise((resolve) => {
      const settle = (outcome: Outcome): void => {
        clearTimeout(deadline);
        wait.signal?.removeEventListener("abort", giveUp);
        this.#waiters.delete(operation);
        resolve(outcome);
      };
      const giveUp = (): void => {
        settle(this.#timeout(operation, startedMs));
      };
      const deadline = setTimeout(giveUp, wait.timeoutMs);
      this.#waiters.set(operation, { startedMs, settle });
      this.#onWanted(this);
      if (wait.signal?.aborted === true) giveUp();
      else wait.signal?.addEventListener("abort", giveUp);
    });
  }

  #timeout(operation: OperationId, startedMs: number): Outcome {
    return {
      kind: "timeout",
      retry: (wait) => {
        const settled = this.#settled.get(operation);
        if (settled === undefined) return this.#await(operation, startedMs, wait);
        this.#settled.delete(operation);
        return Promise.resolve(settled);
      },
    };
  }
}

/** Runs a client's sessions. */
export class ClientHost {
  readonly #world: ClientWorld;
  readonly #options: Omit<ClientOptions, "session">;
  /** The present session, and those left whose operations somebody waits for. */
  readonly #sessions = new Map<SessionId, SessionHost>();
  readonly #inspections = new Map<number, Inspection>();
  #current: SessionHost;
  #lastInspection = 0;
  #isClosed = false;

  constructor(world: ClientWorld, options: Omit<ClientOptions, "session">) {
    this.#world = world;
    this.#options = options;
    this.#current = this.#newSession();
    this.#current.start();
  }

  /** Replicas that know the present session. */
  get welcomeCount(): number {
    return this.#current.session.welcomeCount;
  }

  /** Whether enough replicas know the present session to answer it. */
  get isWelcome(): boolean {
    return this.#current.session.isWelcome;
  }

  /** Submits one operation, encoded by the service, and waits for its outcome. */
  async invoke(bytes: Uint8Array, isRead: boolean, wait: Wait): Promise<Outcome> {
    assert(!this.#isClosed, "nothing is invoked on a closed client");
    const session = this.#current;
    const outcome = await session.submit(bytes, isRead, wait);
    if (outcome.kind !== "completed") this.#leave(session);
    return outcome;
  }

  /** What comes next must not queue up behind an operation that nobody waits for any more. */
  #leave(session: SessionHost): void {
    if (this.#isClosed || this.#current !== session) return;
    this.#current = this.#newSession();
    this.#current.start();
  }

  /** Asks one replica for its status; null when it does not answer in time. */
  inspect(replica: ReplicaId, timeoutMs: number): Promise<Uint8Array | null> {
    this.#lastInspection += 1;
    const nonce = this.#lastInspection;
    return new Promise((resolve) => {
      const settle = (json: Uint8Array | null): void => {
        clearTimeout(deadline);
        clearInterval(again);
        this.#inspections.delete(nonce);
        resolve(json);
      };
      const ask = (): void => {
        this.#world.egress.queue({ kind: "inspect", nonce }, [at(this.#world.replicas, replica)]);
        this.#world.egress.flush();
      };
      const deadline = setTimeout(settle, timeoutMs, null);
      const again = setInterval(ask, Math.max(1, timeoutMs / 4));
      this.#inspections.set(nonce, { replica, settle });
      ask();
    });
  }

  /** Takes a message of a replica from the ingress. */
  onMessage(from: ReplicaId, message: Message): void {
    if (message.kind === "inspect-reply") {
      const inspection = this.#inspections.get(message.nonce);
      if (inspection?.replica === from) inspection.settle(message.json);
      return;
    }
    if (!("session" in message)) return;
    // The ingress lets only replies through: it knows who may say what.
    const reply = message as ReplyMessage;
    this.#sessions.get(message.session)?.step({ kind: "received", from, message: reply });
  }

  /** One tick passed. A session left that nobody waits for rests until somebody does again. */
  tick(): void {
    for (const session of this.#sessions.values()) {
      if (session === this.#current || session.isWanted) session.step({ kind: "ticked" });
      else this.#sessions.delete(session.id);
    }
  }

  /** Everybody who waits is told that nothing will come. */
  close(): void {
    this.#isClosed = true;
    for (const session of this.#sessions.values()) session.abandon();
    this.#sessions.clear();
    for (const { settle } of this.#inspections.values()) settle(null);
  }

  #newSession(): SessionHost {
    const session = new SessionHost(this.#world, this.#options, (wanted) => {
      if (!this.#isClosed) this.#sessions.set(wanted.id, wanted);
    });
    this.#sessions.set(session.id, session);
    return session;
  }
}

function at(replicas: readonly Destination[], id: ReplicaId): Destination {
  const replica = replicas[id];
  assert(replica !== undefined, "the replica is in the genesis file");
  return replica;
}
