import type { ReplicaId, Seq, View } from "../base/ids.js";
import type { Hello, Read, ReplyMessage, Request, Unsigned, Verified } from "../message.js";

/** How an operation's result was obtained. */
export type ResultPath = "read-only" | "ordered" | "ordered-after-read-only";

/** Number of a submission in its session; 1 and up. */
export type SubmissionId = number;

/** Neighbouring operations of one submission that went the same way. */
export interface Span {
  readonly submission: SubmissionId;
  /** Index of the first of them in the submission, from 0. */
  readonly first: number;
  /** 1 and up. */
  readonly count: number;
  readonly path: ResultPath;
}

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
  /** Q replicas agree on the results of some operations: one for each, in the order of `spans`. */
  | {
      readonly kind: "completed";
      readonly spans: readonly Span[];
      /** A bundle. */
      readonly results: Uint8Array;
      readonly view: View;
      readonly seq: Seq;
    }
  /** The replicas have forgotten this session: whether these were executed is unknown. */
  | { readonly kind: "expired"; readonly spans: readonly Span[] };
