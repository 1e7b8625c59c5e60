/* What tests of state transfer are played by: a donor, a replica that fetches, and their talk. */
import assert from "node:assert/strict";
import type { Checkpoint } from "../../../src/core/message.js";
import { batchOf, checkpointOf, commit, prePrepare, requestOf } from "./builders.js";
import { LoneReplica, ofKind, sentOf, single } from "./lone-replica.js";

/** Ticks that a replica waits for the log before it fetches state. */
export const PATIENCE = 10;

/** Makes what `sessions` ask for decided at `seq`, and executed. */
export function decide(lone: LoneReplica, seq: number, sessions: readonly number[]): void {
  const batch = batchOf(...sessions.map((session) => requestOf({ session })));
  lone.receive(0, prePrepare(0, seq, batch));
  for (const replica of [0, 1, 2, 3].filter((id) => id !== lone.options.self)) {
    lone.receive(replica, commit(0, seq, batch));
  }
  lone.answer();
}

/** Replica 2 that holds checkpoint 4, and the votes of Q replicas for it. */
export function donorWithVotes(first: readonly number[] = [1]): {
  donor: LoneReplica;
  votes: Checkpoint[];
} {
  const donor = new LoneReplica({ self: 2, batchRequestsMax: 100 });
  decide(donor, 1, first);
  for (const seq of [2, 3, 4]) decide(donor, seq, [seq]);
  donor.step({ kind: "stored", seq: 4 });
  const sign = single(ofKind(donor.take(), "sign")).message;
  assert(sign.kind === "checkpoint");
  const votes = [0, 1, 2].map((replica) => checkpointOf(replica, 4, sign.stateDigest));
  for (const vote of votes) {
    if (vote.replica === 2) donor.step({ kind: "signed", message: vote });
    else donor.receive(vote.replica, vote);
  }
  donor.take();
  assert.equal(donor.replica.stableSeq, 4);
  return { donor, votes };
}

/** Replica 3 that learnt of checkpoint 4 and has waited for the log in vain. */
export function fetcherOf(votes: readonly Checkpoint[], changes = {}): LoneReplica {
  const fetcher = new LoneReplica({ ...changes, self: 3 });
  for (const vote of votes) fetcher.receive(vote.replica, vote);
  fetcher.tick(PATIENCE);
  fetcher.take();
  fetcher.tick();
  return fetcher;
}

/** Lets `donor` answer everything that `fetcher` asks, until the state is complete. */
export function feed(fetcher: LoneReplica, donor: LoneReplica, rounds = 20): void {
  for (let round = 0; round < rounds; round += 1) {
    for (const fetch of sentOf(fetcher.take(), "state-fetch")) {
      donor.receive(3, fetch);
      for (const data of sentOf(donor.take(), "state-data")) fetcher.receive(2, data);
    }
    fetcher.tick();
    donor.tick();
    donor.take();
  }
}
