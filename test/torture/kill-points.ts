import type { ReplicaMessage, ReplyMessage } from "../../src/core/message.js";

/*
 * The moments at which a replica's process can be made to kill itself: right before and right after
 * everything that it makes durable or says, and in the middle of a write.
 */

/** Where in the operation: before it, after half of a write's bytes, or once it is done. */
export type Phase = "before" | "torn" | "after";

/** Kill yourself at a moment. */
export interface KillOrder {
  /** Names the operation, as `KillPoint` does. */
  readonly operation: string;
  readonly phase: Phase;
  /** At which time that the moment comes, 1 and up. */
  readonly countdown: number;
}

/** What a replica's process says of itself right before it obeys. */
export type LastWords = Pick<KillOrder, "operation" | "phase">;

/** An operation to be killed at. */
export interface KillPoint {
  readonly operation: string;
  readonly phases: readonly Phase[];
}

/** Where orders come from, and last words go to: an open file of the replica's process. */
export const HOOK_FD = 4;

/** Names the environment variable that holds an order for the time before orders can arrive. */
export const ORDER_VARIABLE = "TORTURE_KILL_ORDER";

/** Orders are passed on to the other threads of a process through a channel of this name. */
export const ORDER_CHANNEL = "torture-kill-order";

/** What a replica writes: of its journal, or the mark that it has taken part. */
export type FileKind = "segment" | "manifest" | "directory" | "mark";

const AROUND: readonly Phase[] = ["before", "after"];
const WRITE: readonly Phase[] = ["before", "torn", "after"];

/** What a replica does again and again under load. */
export const LOAD_POINTS: readonly KillPoint[] = [
  { operation: "segment write", phases: WRITE },
  { operation: "database begin", phases: AROUND },
  { operation: "database commit", phases: AROUND },
  ...(
    ["pre-prepare", "prepare", "commit", "reply", "read-reply", "checkpoint", "status"] as const
  ).map(sending),
];

/** What it does when a primary is voted out. */
export const VIEW_CHANGE_POINTS: readonly KillPoint[] = [
  sending("view-change"),
  sending("new-view"),
];

/** What it does while it starts, from its lock to its first words. */
export const START_POINTS: readonly KillPoint[] = [
  { operation: "lock", phases: AROUND },
  { operation: "segment create", phases: AROUND },
  { operation: "segment write", phases: WRITE },
  { operation: "segment rename", phases: AROUND },
  { operation: "segment sync", phases: AROUND },
  { operation: "segment unlink", phases: AROUND },
  { operation: "manifest create", phases: AROUND },
  { operation: "manifest write", phases: WRITE },
  { operation: "manifest sync", phases: AROUND },
  { operation: "manifest rename", phases: AROUND },
  { operation: "directory sync", phases: AROUND },
  { operation: "mark sync", phases: AROUND },
  { operation: "database begin", phases: AROUND },
  { operation: "database commit", phases: AROUND },
  sending("status"),
  sending("view-change"),
];

function sending(message: (ReplicaMessage | ReplyMessage)["kind"]): KillPoint {
  return { operation: `send ${message}`, phases: AROUND };
}
