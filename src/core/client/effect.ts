import type { ReplicaId, Seq, View } from "../base/ids.js";
import type { Hello, Read, ReplyMessage, Request, Unsigned, Verified } from "../message.js";

/** How an operation's result was obtained. */
export type ResultPath = "read-only" | "ordered" | "ordered-after-read-only";

/** Number of an operation in its session, in the order of submission; 1 and up. */
export type OperationId = number;

/** What the world tells a client session. */
export type ClientEvent =
  | { readonly kind: "ticked" }
  /** The answer to a `sign` effect. */
  | { readonly kind: "signed"; readonly request: Request }
  /** A message of a replica, authenticated. */
  | {
      readonly kind: "received";
      readonly from: ReplicaId;
      readonly message: Verified<ReplyMessage>;
    };

/** What a client session asks of the world. */
export type ClientEffect =
  | {
      readonly kind: "send";
      readonly to: ReplicaId | "all";
      readonly message: Hello | Request | Read;
    }
  /** Sign with this client's key, then report `signed`. */
  | { readonly kind: "sign"; readonly message: Unsigned<Request> }
  /** Q replicas agree on the result of an operation. */
  | {
      readonly kind: "completed";
      readonly operation: OperationId;
      readonly result: Uint8Array;
      readonly path: ResultPath;
      readonly view: View;
      readonly seq: Seq;
    }
  /** The replicas have forgotten this session: whether the operation was executed is unknown. */
  | { readonly kind: "expired"; readonly operation: OperationId };
