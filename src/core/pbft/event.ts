import type { Digest } from "../base/hasher.js";
import type { AppendId, Principal, Seq } from "../base/ids.js";
import type { ClientMessage, ReplicaMessage, SignedMessage, Verified } from "../message.js";

/** What the world tells a replica. Everything that changes its state comes through here. */
export type Event =
  /** A message arrived whose sender and signatures were checked. */
  | {
      readonly kind: "received";
      readonly from: Principal;
      readonly message: Verified<ReplicaMessage | ClientMessage>;
    }
  /** One tick of the host's ticker passed. */
  | { readonly kind: "ticked" }
  /** The appends up to `id` (included) are durable. */
  | { readonly kind: "appended"; readonly id: AppendId }
  /**
   * The answer to an `execute` effect. `results` holds one bundle of results for each request of
   * the effect. If that asked to pin the state, it is pinned.
   */
  | {
      readonly kind: "executed";
      readonly seq: Seq;
      readonly results: readonly Uint8Array[];
    }
  /**
   * The root of the state that was pinned after `seq`: after "executed" says so, and before
   * anything is pinned or installed after it, and before "stored" tells of that state or a later
   * one.
   */
  | { readonly kind: "pinned"; readonly seq: Seq; readonly serviceRoot: Digest }
  /** The store holds the state after `seq` (or a later one) durably. */
  | { readonly kind: "stored"; readonly seq: Seq }
  /** The answer to an `install` effect: service and store hold the state after `seq`, durably. */
  | { readonly kind: "installed"; readonly seq: Seq }
  /** The answer to a `trust` effect: the next start will believe the journal. */
  | { readonly kind: "trusted" }
  /** The answer to a `sign` effect. */
  | { readonly kind: "signed"; readonly message: SignedMessage };
