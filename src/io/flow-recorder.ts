import { hexOf } from "../core/base/bytes.js";
import type { Principal, Seq } from "../core/base/ids.js";
import type { JournalRecord, Message, ReplicaMessage } from "../core/message.js";
import type { HostProbe, Outgoing } from "./host-probe.js";

/** The messages of the paper's Figure 1, in their order. */
export type FlowKind = "request" | "pre-prepare" | "prepare" | "commit" | "reply";

/** One message of a request's way through the protocol, as one replica saw it. Plain data. */
export interface FlowEvent {
  readonly kind: FlowKind;
  readonly isSent: boolean;
  /** The other side: a replica, all other replicas, or the client. */
  readonly peer: number | "others" | "client";
  /** By the machine's monotonic clock, which all its processes share, in microseconds. */
  readonly atMicros: number;
}

/** What one replica saw of one batch. Plain data. */
export interface RequestFlow {
  readonly seq: Seq;
  readonly view: number;
  readonly events: readonly FlowEvent[];
}

/** Batches remembered; a demonstration looks at one of the last few. */
const FLOWS_MAX = 256;

/** Messages remembered of one batch: retransmissions must not fill the memory. */
const EVENTS_MAX = 96;

/** Requests remembered that belong to no batch yet. */
const REQUESTS_MAX = 512;

/** Records which messages of the normal case came and went, for those who want to see them. */
export class FlowRecorder implements HostProbe {
  readonly #nowMicros: () => number;
  readonly #flows = new Map<Seq, { view: number; events: FlowEvent[] }>();
  readonly #requests = new Map<string, FlowEvent>();
  /** Off until somebody asks: it costs something for every message. */
  #isOn = false;

  /** @param nowMicros the machine's monotonic clock. */
  constructor(nowMicros: () => number) {
    this.#nowMicros = nowMicros;
  }

  received(from: Principal, message: Message): void {
    if (!this.#isOn) return;
    const peer = from.role === "client" ? "client" : from.id;
    if (message.kind === "request") {
      const event: FlowEvent = { ...this.#event("request", peer), isSent: false };
      remember(this.#requests, hexOf(message.digest), event, REQUESTS_MAX);
    } else if (isOrdering(message)) {
      this.#note(message.seq, message.view, { ...this.#event(message.kind, peer), isSent: false });
    }
  }

  released(effect: Outgoing): void {
    if (!this.#isOn) return;
    const { message } = effect;
    if (effect.kind === "reply") {
      if (message.kind !== "reply") return;
      const event = { ...this.#event("reply", "client"), isSent: true };
      this.#note(message.seq, message.view, event);
    } else if (isOrdering(effect.message)) {
      const { kind, seq, view } = effect.message;
      const peer = effect.to.kind === "others" ? "others" : effect.to.id;
      this.#note(seq, view, { ...this.#event(kind, peer), isSent: true });
    }
  }

  /** Here a request gets its number. */
  appended(record: JournalRecord): void {
    if (!this.#isOn || record.kind !== "pre-prepared") return;
    for (const { digest } of record.batch.requests) {
      const request = this.#requests.get(hexOf(digest));
      if (request !== undefined) this.#note(record.seq, record.view, request);
    }
  }

  /**
   * What is known of batch `seq`; null when it was not seen, or too long ago. The first question
   * begins the recording.
   */
  flow(seq: Seq): RequestFlow | null {
    this.#isOn = true;
    const flow = this.#flows.get(seq);
    return flow === undefined ? null : { seq, view: flow.view, events: [...flow.events] };
  }

  #event(kind: FlowKind, peer: FlowEvent["peer"]) {
    return { kind, peer, atMicros: this.#nowMicros() };
  }

  #note(seq: Seq, view: number, event: FlowEvent): void {
    const known = this.#flows.get(seq);
    if (known === undefined || view > known.view) {
      this.#flows.delete(seq);
      remember(this.#flows, seq, { view, events: [event] }, FLOWS_MAX);
    } else if (view === known.view && known.events.length < EVENTS_MAX) {
      known.events.push(event);
    }
  }
}

type Ordering = Extract<ReplicaMessage, { readonly kind: "pre-prepare" | "prepare" | "commit" }>;

function isOrdering(message: Message): message is Ordering {
  const { kind } = message;
  return kind === "pre-prepare" || kind === "prepare" || kind === "commit";
}

/** Adds to `map`, the oldest making room. */
function remember<K, V>(map: Map<K, V>, key: K, value: V, sizeMax: number): void {
  const [oldest] = map.keys();
  if (map.size >= sizeMax && oldest !== undefined) map.delete(oldest);
  map.set(key, value);
}
