import type { ClientId, ReplicaId } from "../../../src/core/base/ids.js";
import type { ReplicaMessage } from "../../../src/core/message.js";
import type { RejectCode } from "../../../src/core/pbft/reject.js";
import type { SimOptions } from "../options.js";
import { type Micros, SECOND } from "../scheduler.js";
import type { ClientWatcher, Completion, Core, Invocation, Watcher } from "../watch.js";

/** An operation that a client got its answer to. */
interface Done {
  readonly client: ClientId;
  readonly at: Micros;
  readonly latency: Micros;
  readonly path: Completion["path"];
}

/** What correct replicas and clients did and felt until the end of the attack. */
export class Measure implements Watcher, ClientWatcher {
  readonly #end: Micros;
  #now: () => Micros = () => 0;
  readonly #begun = new Map<number, { readonly client: ClientId; readonly at: Micros }>();
  readonly #done: Done[] = [];
  readonly #sent = new Map<ReplicaMessage["kind"], number>();
  readonly #rejects = new Map<RejectCode, number>();
  readonly #views = new Map<ReplicaId, number>();
  readonly #stable = new Map<ReplicaId, number>();

  /** When a replica first installed fetched state; null: none did. */
  installedAt: Micros | null = null;
  /** The highest view that any correct replica voted for, installed or not. */
  votedView = 0;

  constructor({ safetyPhase }: SimOptions) {
    this.#end = safetyPhase;
  }

  /** Tells the time. */
  clock(now: () => Micros): void {
    this.#now = now;
  }

  onInvoke({ operation, client }: Invocation): void {
    this.#begun.set(operation, { client, at: this.#now() });
  }

  onComplete({ operation, path }: Completion): void {
    const begun = this.#begun.get(operation);
    this.#begun.delete(operation);
    if (begun === undefined || this.#isOver) return;
    const at = this.#now();
    this.#done.push({ client: begun.client, at, latency: at - begun.at, path });
  }

  onSend(_replica: ReplicaId, message: ReplicaMessage): void {
    if (!this.#isOver) this.#sent.set(message.kind, this.sent(message.kind) + 1);
  }

  onReject(_replica: ReplicaId, code: RejectCode): void {
    if (!this.#isOver) this.#rejects.set(code, this.rejects(code) + 1);
  }

  onInstalled(): void {
    this.installedAt ??= this.#now();
  }

  onStep(replica: ReplicaId, core: Core): void {
    if (this.#isOver) return;
    this.votedView = Math.max(this.votedView, core.view);
    if (core.active) this.#views.set(replica, core.view);
    this.#stable.set(replica, core.stableSeq);
  }

  /** The highest view that any correct replica worked in: how often the lead changed. */
  get viewChanges(): number {
    return Math.max(0, ...this.#views.values());
  }

  /** The lowest stable checkpoint of a correct replica. */
  get stableSeq(): number {
    return Math.min(...this.#stable.values());
  }

  /** Messages of a kind that correct replicas sent to replicas. */
  sent(kind: ReplicaMessage["kind"]): number {
    return this.#sent.get(kind) ?? 0;
  }

  /** How often correct replicas dropped something for that reason. */
  rejects(code: RejectCode): number {
    return this.#rejects.get(code) ?? 0;
  }

  /** Operations completed a second, from `from` (in seconds) to the end. */
  goodput(from = 0, client: ClientId | null = null): number {
    const done = this.#of(client).filter(({ at }) => at >= from * SECOND);
    return done.length / (this.#end / SECOND - from);
  }

  /** The longest time, in seconds, in which nobody (or not this client) got an answer. */
  outage(client: ClientId | null = null): number {
    let last = 0;
    let longest = 0;
    for (const at of [...this.#of(client).map((done) => done.at), this.#end]) {
      longest = Math.max(longest, at - last);
      last = at;
    }
    return longest / SECOND;
  }

  /** What that share of the operations took at most, in seconds. */
  latency(share: number): number {
    const sorted = this.#done.map(({ latency }) => latency).sort((left, right) => left - right);
    return (sorted[Math.ceil(share * sorted.length) - 1] ?? Infinity) / SECOND;
  }

  /** Operations that were answered in this way. */
  answered(path: Completion["path"]): number {
    return this.#done.filter((done) => done.path === path).length;
  }

  get #isOver(): boolean {
    return this.#now() > this.#end;
  }

  #of(client: ClientId | null): Done[] {
    return client === null ? this.#done : this.#done.filter((done) => done.client === client);
  }
}
