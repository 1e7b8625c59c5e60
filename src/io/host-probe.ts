import type { Principal, Seq, View } from "../core/base/ids.js";
import type { JournalRecord, Message } from "../core/message.js";
import type { Effect } from "../core/pbft/effect.js";

/** An effect that leaves the replica, at the moment when it may. */
export type Outgoing = Extract<Effect, { readonly kind: "send" | "reply" }>;

/**
 * Watches a host at work and changes nothing. It is called between the steps, so it must be quick
 * and must not throw.
 */
export interface HostProbe {
  /** A verified message arrived, and was not looked at yet. */
  received?(from: Principal, message: Message): void;
  /** An effect goes out. */
  released?(effect: Outgoing): void;
  /** The core asked for `record` to be made durable. */
  appended?(record: JournalRecord): void;
  /** A batch was executed: so many requests with so many operations in all. */
  executed?(seq: Seq, view: View, requestCount: number, operationCount: number): void;
  /** What a turn of the event loop brought was dealt with, and what follows was sent. */
  turned?(): void;
  /** A whole state took the place of the present one. */
  replaced?(): void;
  /** The core took one event. */
  stepped?(): void;
}
