/*
 * A client in the world: its sessions, its socket, its deadlines. Knows operations as bytes only;
 * what they mean is the service's business (ledger-client.ts for the bank).
 */
import { assert } from "../core/base/assert.js";
import { bundleCount, BundleReader } from "../core/base/bundle.js";
import type { ReplicaId, Seq, SessionId, View } from "../core/base/ids.js";
import type { Verifier } from "../core/crypto/check.js";
import { ClientSession } from "../core/client/client-session.js";
import type { ClientEffect, ResultPath, Span, SubmissionId } from "../core/client/effect.js";
import type { ClientOptions } from "../core/client/options.js";
import type { Message, ReplyMessage, Request } from "../core/message.js";
import { type Deadline, Deadlines } from "./deadlines.js";
import type { Destination, Egress } from "./egress.js";
import type { EndOfTurn } from "./end-of-turn.js";
import type { KeyRing } from "./key-ring.js";
import type { TurnSigner } from "./turn-signer.js";

/** How the replicas came to a result that they agree on. */
export interface Completion {
  readonly path: ResultPath;
  readonly view: View;
  readonly seq: Seq;
  readonly latencyMs: number;
}

/**
 * Makes of each operation's outcome what the caller wants to see; so that nothing else is made of
 * it on the way.
 */
export interface OutcomeMaker<T> {
  /** The service's encoding of the result is `bytes`[`start`, `end`). */
  completed(bytes: Uint8Array, start: number, end: number, completion: Completion): T;
  /**
   * The deadline passed, or the caller gave up: it may or may not be executed. `retry` waits for
   * the same operation again; it is sent again as the same request, so that it can't be executed
   * twice.
   */
  timeout(retry: (wait: Wait) => Promise<T>): T;
  /** The replicas forgot the session: whether it was executed can't be told any more. */
  expired(): T;
  /** As many operations wait as may: it was not sent. */
  busy(): T;
}

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
  readonly endOfTurn: EndOfTurn;
  readonly signer: TurnSigner;
  readonly verifier: Verifier;
  readonly replicas: readonly Destination[];
}

/** Operations submitted together, and what came of them so far. */
interface Submission<T> {
  readonly startedMs: number;
  /** By operation; undefined is what nothing came of yet. */
  readonly outcomes: (T | undefined)[];
  openCount: number;
  /** Mostly one. */
  readonly waiters: Waiter[];
}

/** Somebody who waits for a submission, or for one operation of it. */
interface Waiter extends Deadline {
  /** Null waits for all. */
  readonly index: number | null;
  /** Ends the wait of one that was taken from the list of waiters; `passed` takes it from there. */
  readonly end: () => void;
}

/** Takes the outcomes of a submission, and whether none was lost. */
type SubmissionEnd<T> = (outcomes: T[], isWhole: boolean) => void;

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

/** A client's sessions share its deadlines. */
interface SessionWorld extends ClientWorld {
  readonly deadlines: Deadlines;
}

/*
 * Field by field, as everything that each of many clients of a process has one of: objects that are
 * made by spreading come to have a shape each, and what is read of so many shapes V8 looks up.
 */

function sessionWorld(world: ClientWorld, deadlines: Deadlines): SessionWorld {
  const { keys, egress, endOfTurn, signer, verifier, replicas } = world;
  return { keys, egress, endOfTurn, signer, verifier, replicas, deadlines };
}

function sessionOptions(
  options: Omit<ClientOptions, "session">,
  session: SessionId,
): ClientOptions {
  const { client, replicaCount, retryTicksMin, retryTicksMax } = options;
  const { bundleBytesMax, bundleOperationsMax } = options;
  return {
    client,
    session,
    replicaCount,
    retryTicksMin,
    retryTicksMax,
    bundleBytesMax,
    bundleOperationsMax,
  };
}

/** One session and those who wait for its operations. */
class SessionHost<T> {
  readonly session: ClientSession;
  readonly id: SessionId;
  readonly #world: SessionWorld;
  readonly #make: OutcomeMaker<T>;
  readonly #onWanted: (session: SessionHost<T>) => void;
  /** Those that something has to come of yet. */
  readonly #submissions = new Map<SubmissionId, Submission<T>>();
  #waiterCount = 0;
  /** Whether the replicas forgot it. */
  #hasExpired = false;
  #flushIsDue = false;

  /** @param onWanted called when the first begins to wait for one of its operations. */
  constructor(
    world: SessionWorld,
    options: Omit<ClientOptions, "session">,
    make: OutcomeMaker<T>,
    onWanted: (session: SessionHost<T>) => void,
  ) {
    this.#world = world;
    this.#make = make;
    this.#onWanted = onWanted;
    this.id = newSessionId();
    this.session = new ClientSession(sessionOptions(options, this.id));
  }

  /** Whether somebody waits for one of its operations. */
  get isWanted(): boolean {
    return this.#waiterCount > 0;
  }

  /** Says hello to the replicas. */
  start(): void {
    this.#flushLater();
  }

  /** Submits the operations of `bundle`; `onEnd` is called once, at once if `wait` is over. */
  submit(bundle: Uint8Array, isRead: boolean, wait: Wait, onEnd: SubmissionEnd<T>): void {
    const count = bundleCount(bundle);
    const submission: Submission<T> = {
      startedMs: performance.now(),
      outcomes: new Array<T | undefined>(count).fill(undefined),
      openCount: count,
      waiters: [],
    };
    this.#submissions.set(this.session.submit(bundle, isRead), submission);
    this.#flushLater();
    this.#wait(submission, null, wait, submission.startedMs, () => {
      const outcomes = submission.outcomes.map((_, index) => this.#outcomeOf(submission, index));
      onEnd(outcomes, submission.openCount === 0 && !this.#hasExpired);
    });
  }

  step(event: Parameters<ClientSession["step"]>[0]): void {
    this.session.step(event);
    this.#carryOut();
  }

  /** Those who wait are told that nothing will come. */
  abandon(): void {
    for (const { waiters } of this.#submissions.values()) {
      endAll(waiters);
    }
  }

  /** Operations submitted in one turn share a bundle. */
  #flushLater(): void {
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    this.#world.endOfTurn.add(this.#flush);
  }

  readonly #flush = (): void => {
    this.#flushIsDue = false;
    this.session.flush();
    this.#carryOut();
  };

  #carryOut(): void {
    let effects = this.session.takeEffects();
    if (effects.length === 0) return;
    for (; effects.length > 0; effects = this.session.takeEffects()) {
      for (const effect of effects) this.#apply(effect);
    }
    this.#world.egress.flush();
  }

  #apply(effect: ClientEffect): void {
    const { keys, egress, replicas, signer } = this.#world;
    switch (effect.kind) {
      case "sign":
        signer.sign(effect.message, keys, this.#signed);
        break;
      case "send":
        egress.queue(effect.message, effect.to === "all" ? replicas : [at(replicas, effect.to)]);
        break;
      case "completed":
        this.#complete(effect);
        break;
      case "expired":
        this.#hasExpired = true;
        for (const span of effect.spans) this.#expire(span);
        break;
    }
  }

  readonly #signed = (request: Request): void => {
    this.step({ kind: "signed", request });
  };

  #complete({ spans, results, view, seq }: Extract<ClientEffect, { kind: "completed" }>): void {
    const nowMs = performance.now();
    const reader = new BundleReader(results);
    for (const span of spans) {
      const submission = this.#submissionOf(span);
      const { outcomes, startedMs } = submission;
      const completion = { path: span.path, view, seq, latencyMs: nowMs - startedMs };
      for (let index = span.first; index < span.first + span.count; index += 1) {
        reader.next();
        const { bytes, start, end } = reader;
        outcomes[index] = this.#make.completed(bytes, start, end, completion);
      }
      this.#settle(span, submission);
    }
  }

  #expire(span: Span): void {
    const submission = this.#submissionOf(span);
    submission.outcomes.fill(this.#make.expired(), span.first, span.first + span.count);
    this.#settle(span, submission);
  }

  #submissionOf(span: Span): Submission<T> {
    const submission = this.#submissions.get(span.submission);
    assert(submission !== undefined, "operations are settled once");
    return submission;
  }

  /** Something came of each operation of `span`: ends the waits that are over. */
  #settle({ submission: id, count }: Span, submission: Submission<T>): void {
    const { outcomes, waiters } = submission;
    submission.openCount -= count;
    if (submission.openCount > 0) {
      const isOver = ({ index }: Waiter): boolean =>
        index !== null && outcomes[index] !== undefined;
      for (const { passed } of waiters.filter(isOver)) passed();
      return;
    }
    this.#submissions.delete(id);
    endAll(waiters);
  }

  /** Calls `onOver` when something came of operation `index`, or of all, or `wait` is over. */
  #wait(
    submission: Submission<T>,
    index: number | null,
    { timeoutMs, signal }: Wait,
    nowMs: number,
    onOver: () => void,
  ): void {
    const { deadlines } = this.#world;
    const { waiters } = submission;
    const end = (): void => {
      deadlines.remove(waiter);
      signal?.removeEventListener("abort", passed);
      this.#waiterCount -= 1;
      onOver();
    };
    const passed = (): void => {
      const place = waiters.indexOf(waiter);
      if (place < 0) return;
      waiters.splice(place, 1);
      end();
    };
    const waiter: Waiter = { index, atMs: nowMs + timeoutMs, passed, end };
    waiters.push(waiter);
    this.#waiterCount += 1;
    if (this.#waiterCount === 1) this.#onWanted(this);
    deadlines.add(waiter);
    if (signal === undefined) return;
    if (signal.aborted) passed();
    else signal.addEventListener("abort", passed);
  }

  #outcomeOf(submission: Submission<T>, index: number): T {
    return submission.outcomes[index] ?? this.#make.timeout(this.#retryOf(submission, index));
  }

  #retryOf(submission: Submission<T>, index: number): (wait: Wait) => Promise<T> {
    return async (wait) => {
      if (submission.outcomes[index] === undefined) {
        await new Promise<void>((resolve) => {
          this.#wait(submission, index, wait, performance.now(), resolve);
        });
      }
      return this.#outcomeOf(submission, index);
    };
  }
}

/** Runs a client's sessions. */
export class ClientHost<T> {
  readonly #world: ClientWorld;
  readonly #options: Omit<ClientOptions, "session">;
  readonly #make: OutcomeMaker<T>;
  readonly #deadlines = new Deadlines();
  /** The present session, and those left whose operations somebody waits for. */
  readonly #sessions = new Map<SessionId, SessionHost<T>>();
  readonly #inspections = new Map<number, Inspection>();
  readonly #operationsWaitingMax: number;
  #operationsWaiting = 0;
  #current: SessionHost<T>;
  #lastInspection = 0;
  #isClosed = false;

  /**
   * @param operationsWaitingMax 1 and up. An application that submits faster than the replicas
   * answer would else fill its memory.
   */
  constructor(
    world: ClientWorld,
    options: Omit<ClientOptions, "session">,
    make: OutcomeMaker<T>,
    operationsWaitingMax: number,
  ) {
    this.#world = world;
    this.#options = options;
    this.#make = make;
    this.#operationsWaitingMax = operationsWaitingMax;
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

  /**
   * Submits the operations of `bundle`, one or more in the service's encoding, and waits for their
   * outcomes, which come in the same order. If so many wait that these are too many, none is sent.
   */
  invoke(bundle: Uint8Array, isRead: boolean, wait: Wait): Promise<T[]> {
    return new Promise((resolve) => {
      this.submit(bundle, isRead, wait, resolve);
    });
  }

  /** As `invoke`, without a promise of its own. */
  submit(
    bundle: Uint8Array,
    isRead: boolean,
    wait: Wait,
    onOutcomes: (outcomes: T[]) => void,
  ): void {
    assert(!this.#isClosed, "nothing is invoked on a closed client");
    const count = bundleCount(bundle);
    if (this.#operationsWaiting + count > this.#operationsWaitingMax) {
      onOutcomes(Array.from({ length: count }, () => this.#make.busy()));
      return;
    }
    const session = this.#current;
    this.#operationsWaiting += count;
    session.submit(bundle, isRead, wait, (outcomes, isWhole) => {
      this.#operationsWaiting -= count;
      if (!isWhole) this.#leave(session);
      onOutcomes(outcomes);
    });
  }

  /** What comes next must not queue up behind an operation that nobody waits for any more. */
  #leave(session: SessionHost<T>): void {
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

  /** Whether a reply of this kind to number `counter` of a session can still matter. */
  awaits(kind: "reply" | "read-reply", session: SessionId, counter: number): boolean {
    return this.#sessions.get(session)?.session.awaits(kind, counter) ?? false;
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
    this.#deadlines.stop();
  }

  #newSession(): SessionHost<T> {
    const onWanted = (wanted: SessionHost<T>): void => {
      if (!this.#isClosed) this.#sessions.set(wanted.id, wanted);
    };
    const world = sessionWorld(this.#world, this.#deadlines);
    const session = new SessionHost<T>(world, this.#options, this.#make, onWanted);
    this.#sessions.set(session.id, session);
    return session;
  }
}

function endAll(waiters: Waiter[]): void {
  for (let waiter = waiters.pop(); waiter !== undefined; waiter = waiters.pop()) waiter.end();
}

function at(replicas: readonly Destination[], id: ReplicaId): Destination {
  const replica = replicas[id];
  assert(replica !== undefined, "the replica is in the genesis file");
  return replica;
}
