import { type Batch, type Reply, ReplyCode } from "../../../src/core/message.js";
import type { Effect } from "../../../src/core/pbft/effect.js";
import type { ReplicaOptions } from "../../../src/core/pbft/options.js";
import type { SessionEntry } from "../../../src/core/pbft/session-entry.js";
import { batchOf, commit, prepare, prePrepare, requestOf, TELLER } from "./builders.js";
import { LoneReplica, ofKind } from "./lone-replica.js";

/** Sessions 1 to 8 of the teller, each of which executed its first request long ago. */
export const SESSIONS = Array.from({ length: 8 }, (_, index): SessionEntry => {
  const results = Uint8Array.of(7);
  const executed = { seq: 1, code: ReplyCode.executed, results };
  return { client: TELLER, session: index + 1, timestamp: 1, ...executed };
});

/** A backup of view 0 that executed batch 1. */
export function backup(changes: Partial<ReplicaOptions> = {}): LoneReplica {
  return new LoneReplica(
    { self: 2, tentativeReplies: true, ...changes },
    { records: [], storedSeq: 1, sessions: SESSIONS, evictedThrough: [], rejoinNonce: null },
  );
}

/** A batch with the next request of each of these sessions, which deposits 1. */
export function depositsOf(...sessions: number[]): Batch {
  return batchOf(...sessions.map((session) => requestOf({ session, timestamp: 2 })));
}

/** The batch is accepted and prepared in view 0; nothing is durable. */
export function prepareAt(lone: LoneReplica, seq: number, batch: Batch): Effect[] {
  lone.receive(0, prePrepare(0, seq, batch));
  lone.receive(1, prepare(0, seq, batch));
  return lone.take();
}

/** All others say that they are prepared. */
export function decide(lone: LoneReplica, seq: number, batch: Batch): Effect[] {
  for (const from of [0, 1, 3]) lone.receive(from, commit(0, seq, batch));
  return lone.answer();
}

/** Whether this appends a P-entry. */
export function isPEntry({ record }: Extract<Effect, { kind: "append" }>): boolean {
  return record.kind === "prepared";
}

/** The replies among these effects. */
export function repliesOf(effects: readonly Effect[]): Reply[] {
  const messages = ofKind(effects, "reply").map(({ message }) => message);
  return messages.filter((message): message is Reply => message.kind === "reply");
}

/** Whether this batch is answered before it is decided. */
export function isAnswered(effects: readonly Effect[]): boolean {
  return repliesOf(effects).some(({ code }) => code === ReplyCode.tentative);
}
