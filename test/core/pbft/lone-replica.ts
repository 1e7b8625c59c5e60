import assert from "node:assert/strict";
import { BundleReader, BundleWriter } from "../../../src/core/base/bundle.js";
import type { AppendId, ReplicaId, Seq } from "../../../src/core/base/ids.js";
import type { Ledger } from "../../../src/core/ledger/ledger.js";
import type { ClientMessage, ReplicaMessage, Request } from "../../../src/core/message.js";
import type { Effect } from "../../../src/core/pbft/effect.js";
import type { Event } from "../../../src/core/pbft/event.js";
import type { ReplicaOptions } from "../../../src/core/pbft/options.js";
import type { Recovered } from "../../../src/core/pbft/recovery.js";
import type { RejectCode } from "../../../src/core/pbft/reject.js";
import { Replica } from "../../../src/core/pbft/replica.js";
import { hasher, sampleLedger, sampleOptions, sign } from "./builders.js";

/** An effect that the core waits for an answer to. */
type Question = Extract<Effect, { readonly kind: "sign" | "execute" | "install" }>;

/** One replica with its bank. The test plays everything else: peers, clients, clock and disk. */
export class LoneReplica {
  readonly replica: Replica;
  readonly ledger: Ledger;
  readonly options: ReplicaOptions;
  /** How many ticks it takes to read a fetched state in. */
  readingTicks = 0;
  /** Whether the root of what is pinned is told at once; else `tellRoot` does it. */
  tellsRoots = true;
  readonly #questions: Question[] = [];
  /** An installation that is under way. */
  #reading: { readonly question: Question; ticksLeft: number } | null = null;

  constructor(
    changes: Partial<ReplicaOptions> = {},
    recovered: Recovered | null = null,
    ledger: Ledger = sampleLedger(),
  ) {
    this.options = sampleOptions(changes);
    this.ledger = ledger;
    this.replica = new Replica(this.options, hasher, ledger, recovered);
  }

  /** Hands in one event. */
  step(event: Event): RejectCode | null {
    return this.replica.step(event);
  }

  /** A message of another replica arrives. */
  receive(from: ReplicaId, message: ReplicaMessage): RejectCode | null {
    return this.step({ kind: "received", from: { role: "replica", id: from }, message });
  }

  /** A message of a client arrives. */
  hear(client: number, message: ClientMessage): RejectCode | null {
    return this.step({ kind: "received", from: { role: "client", id: client }, message });
  }

  /** Everything up to append `id` is durable. */
  durable(id: AppendId): void {
    this.step({ kind: "appended", id });
  }

  /** Time passes. */
  tick(count = 1): void {
    for (let tick = 0; tick < count; tick += 1) {
      this.step({ kind: "ticked" });
      this.#read();
    }
  }

  /** The effects since the last call, in order. */
  take(): Effect[] {
    const effects = [...this.replica.takeEffects()];
    for (const effect of effects) {
      const { kind } = effect;
      if (kind === "install" && this.readingTicks > 0) {
        this.#reading = { question: effect, ticksLeft: this.readingTicks };
      } else if (kind === "sign" || kind === "execute" || kind === "install") {
        this.#questions.push(effect);
      }
    }
    return effects;
  }

  /** Signs, executes and installs what was asked for and taken, until nothing more is asked. */
  answer(): Effect[] {
    const effects = this.take();
    while (this.answerOne()) effects.push(...this.take());
    return effects;
  }

  /** Answers the oldest question of those that were taken; false if there is none. */
  answerOne(): boolean {
    const question = this.#questions.shift();
    if (question === undefined) return false;
    this.step(this.#answerTo(question));
    if (question.kind === "execute" && question.pin && this.tellsRoots) this.tellRoot(question.seq);
    return true;
  }

  /** Tells the root of the state that was pinned after `seq`. */
  tellRoot(seq: Seq): void {
    const serviceRoot = this.ledger.pinRoot(seq);
    assert(serviceRoot !== null, "the state is pinned");
    this.step({ kind: "pinned", seq, serviceRoot });
  }

  #read(): void {
    if (this.#reading === null) return;
    this.#reading.ticksLeft -= 1;
    if (this.#reading.ticksLeft > 0) return;
    this.#questions.push(this.#reading.question);
    this.#reading = null;
  }

  #answerTo(question: Question): Event {
    switch (question.kind) {
      case "sign":
        return { kind: "signed", message: sign(question.message) };
      case "execute": {
        const { seq, requests, pin } = question;
        const results = requests.map((request) => executeRequest(this.ledger, request));
        if (pin) this.ledger.pin(seq);
        return { kind: "executed", seq, results };
      }
      case "install":
        this.ledger.restore(question.pages);
        this.ledger.pin(question.seq);
        return { kind: "installed", seq: question.seq };
    }
  }
}

/** What a replica's host does with one request: the results of its operations. */
export function executeRequest(ledger: Ledger, request: Request): Uint8Array {
  const results = new BundleWriter();
  ledger.execute(request.client, new BundleReader(request.bundle), results);
  return results.finish();
}

/** The effects of one kind. */
export function ofKind<K extends Effect["kind"]>(
  effects: readonly Effect[],
  kind: K,
): Extract<Effect, { readonly kind: K }>[] {
  return effects.filter(
    (effect): effect is Extract<Effect, { readonly kind: K }> => effect.kind === kind,
  );
}

/** The messages of one kind among what is sent to replicas, in order. */
export function sentOf<K extends ReplicaMessage["kind"]>(
  effects: readonly Effect[],
  kind: K,
): Extract<ReplicaMessage, { readonly kind: K }>[] {
  const messages = ofKind(effects, "send").map((effect) => effect.message);
  return messages.filter(
    (message): message is Extract<ReplicaMessage, { readonly kind: K }> => message.kind === kind,
  );
}

/** The only one of its kind. */
export function single<T>(values: readonly T[]): T {
  assert.equal(values.length, 1);
  const [value] = values;
  assert(value !== undefined);
  return value;
}
