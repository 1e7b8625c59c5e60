import type { ReplicaId } from "../../../src/core/base/ids.js";
import type { ReplicaMessage, ReplyMessage } from "../../../src/core/message.js";
import type { Replica } from "../../../src/core/pbft/replica.js";

/** A message and whom it goes to. */
export interface Addressed {
  readonly to: ReplicaId;
  readonly message: ReplicaMessage;
}

/**
 * What makes a replica Byzantine. Its core is the product's and knows nothing of it; what the core
 * sends is changed on its way out, and signed anew with the replica's own keys.
 */
export interface Liar {
  /** For the run's description. */
  readonly name: string;
  /** What goes to replica `to` instead of `message`: nothing, the same, something else, more. */
  outgoing(message: ReplicaMessage, to: ReplicaId): readonly ReplicaMessage[];
  /** What goes to a client instead of `message`. */
  reply(message: ReplyMessage): readonly ReplyMessage[];
  /** What else is sent each tick. */
  ticked(replica: Replica): readonly Addressed[];
}
