/**
 * Why a frame, a fragment or a message was dropped. A peer's fault, or nobody's: a value that is
 * counted, never an exception. The part before the slash names what was looked at.
 */
export type WireReject =
  // The fixed header; nothing behind it was looked at.
  | "frame/too-short"
  | "frame/bad-magic"
  | "frame/bad-version"
  | "frame/bad-kind"
  /** The frame says that it is longer or shorter than it is. */
  | "frame/bad-length"
  | "frame/wrong-cluster"
  | "frame/unknown-sender"
  | "frame/wrong-receiver"
  /** No MAC key with the sender in that epoch. */
  | "frame/unknown-key"
  | "frame/bad-mac"
  // Reassembly.
  /** Other frames are in its datagram. */
  | "fragment/not-alone"
  | "fragment/truncated"
  /** Count, index, total and chunk size do not fit each other. */
  | "fragment/bad-shape"
  | "fragment/too-large"
  /** Other fragments of the same message say otherwise. */
  | "fragment/inconsistent"
  | "fragment/duplicate"
  /** A fragmented body holds one message, so that the checks it can cause are bounded. */
  | "fragment/several-messages"
  // Any message.
  | "wire/truncated"
  | "wire/trailing-bytes"
  | "wire/unknown-type"
  /** A type that this sender may not send to this receiver. */
  | "wire/wrong-role"
  | "wire/counter-range"
  | "wire/unknown-replica"
  | "wire/bad-bundle"
  | "wire/unknown-flag"
  /** The verifier ended before it looked at the bytes. */
  | "wire/unverified"
  // Single kinds of message.
  | "request/too-large"
  | "request/unknown-client"
  /** A client sent another client's request: only replicas relay. */
  | "request/wrong-client"
  | "request/bad-timestamp"
  | "request/bad-signature"
  | "read/too-large"
  | "batch/too-many-requests"
  | "batch/too-large"
  | "pre-prepare/bad-request-signature"
  /** There are authenticators, and not for so many replicas. */
  | "pre-prepare/bad-authenticators"
  | "reply/unknown-code"
  | "reply/unexpected-results"
  | "checkpoint/bad-signature"
  | "view-change/bad-signature"
  | "view-change/too-many-entries"
  | "view-change/unsorted"
  | "new-view/bad-signature"
  | "new-view/bad-vote-signature"
  | "new-view/too-many-entries"
  | "new-view/unsorted"
  | "status/too-many-entries"
  | "status/unknown-replica"
  | "state/unknown-part"
  // The journal.
  | "record/unknown-type"
  | "record/too-many-entries";
