import type { Digest } from "../base/hasher.js";
import type { AppendId, ClientId, ReplicaId, Seq, SessionId, View } from "../base/ids.js";
import type {
  Batch,
  JournalRecord,
  Read,
  ReplicaMessage,
  ReplyMessage,
  Request,
  SignedMessage,
  Unsigned,
} from "../message.js";
import type { SessionEntry } from "./session-entry.js";

/** Whom a message between replicas goes to. */
type Target =
  | { readonly kind: "replica"; readonly id: ReplicaId }
  /** Every replica but the sender. */
  | { readonly kind: "others" };

/** What a replica asks of the world. Data only: comparable, printable, replayable. */
export type Effect =
  /** Make `record` durable, then report `appended` with this id. Ids are consecutive. */
  | { readonly kind: "append"; readonly id: AppendId; readonly record: JournalRecord }
  /**
   * Send once append `after` is durable; null means at once. Loss is allowed, order is not
   * promised.
   */
  | {
      readonly kind: "send";
      readonly to: Target;
      readonly message: ReplicaMessage;
      readonly after: AppendId | null;
    }
  /** Send to the session's last known address, if there is one; `after` as above. */
  | {
      readonly kind: "reply";
      readonly client: ClientId;
      readonly session: SessionId;
      readonly message: ReplyMessage;
      readonly after: AppendId | null;
    }
  /** Sign with this replica's key, then report `signed`. */
  | { readonly kind: "sign"; readonly message: Unsigned<SignedMessage> }
  /**
   * Execute `requests` in order, pin the state if `pin`, then report `executed`. Sequence numbers
   * are consecutive. `requests` is what is left of `batch` once those executed before are skipped
   * (EX2). The store may hold what comes of it only once append `after`, the decision, is durable:
   * a replica that finds a batch executed must still be able to vouch for it (RO4).
   */
  | {
      readonly kind: "execute";
      readonly seq: Seq;
      readonly view: View;
      readonly batch: Batch;
      readonly requests: readonly Request[];
      readonly pin: boolean;
      readonly after: AppendId;
    }
  /**
   * Replace the service's state, pin it, and replace the store's, in one transaction (ST4); then
   * report `installed`. An entry of `evictedThrough` names the newest forgotten session of its
   * client.
   */
  | {
      readonly kind: "install";
      readonly seq: Seq;
      readonly serviceRoot: Digest;
      readonly pages: readonly Uint8Array[];
      readonly sessions: readonly SessionEntry[];
      readonly evictedThrough: readonly SessionEntry[];
    }
  /** Read the present, committed state now; send the answer once append `after` is durable. */
  | {
      readonly kind: "query";
      readonly read: Read;
      readonly view: View;
      readonly seq: Seq;
      readonly after: AppendId | null;
    }
  /**
   * What the journal forgot is made up for: make durable that it may be trusted again, then report
   * `trusted` (RS4). Asked for only after a start on a journal that could not be.
   */
  | { readonly kind: "trust" }
  /** Journal records about sequence numbers up to `seq` (included) are not needed any more. */
  | { readonly kind: "discard"; readonly seq: Seq };
