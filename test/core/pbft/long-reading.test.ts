import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { newViewOf, prePrepare, requestOf, sampleBatch, TELLER, viewChangeOf } from "./builders.js";
import { decide, donorWithVotes, feed, fetcherOf } from "./fetching.js";
import type { LoneReplica } from "./lone-replica.js";

/** Sessions whose requests wait. */
const LATE = [11, 12, 13, 14, 15, 16, 17, 18];

describe("a fetched state that takes longer to read in than any timer runs (ST4)", () => {
  test("makes nobody leave the view for a long time, but not for ever (VT6)", () => {
    const { donor, votes } = donorWithVotes();
    const fetcher = fetcherOf(votes, { viewChangeTicks: 50, viewChangeTicksMax: 100 });
    const request = requestOf({ session: 9 });
    fetcher.hear(TELLER, request);
    feed(fetcher, donor);
    fetcher.tick(8 * 100 - 1);
    assert.equal(fetcher.replica.view, 0);
    assert.equal(fetcher.replica.executedSeq, 0);
    fetcher.tick(50 + 100);
    assert.equal(fetcher.replica.view, 1);
  });

  test("leaves what waited the time that it had (VT1)", () => {
    const { donor, votes } = donorWithVotes();
    const fetcher = fetcherOf(votes, { viewChangeTicks: 50, viewChangeTicksMax: 100 });
    fetcher.hear(TELLER, requestOf({ session: 9 }));
    feed(fetcher, donor, 10);
    fetcher.tick(500);
    fetcher.answer();
    assert.equal(fetcher.replica.executedSeq, 4);
    assert.equal(fetcher.replica.view, 0);
    fetcher.tick(30);
    assert.equal(fetcher.replica.view, 0);
    fetcher.tick(20);
    assert.equal(fetcher.replica.view, 1, "some of it had gone");
  });

  test("makes no primary look slow (VT7)", () => {
    const { donor, votes } = donorWithVotes();
    const patient = { viewChangeTicks: 1_000, viewChangeTicksMax: 1_000, windowSlots: 16 };
    const fetcher = fetcherOf(votes, patient);
    for (const session of LATE) fetcher.hear(TELLER, requestOf({ session }));
    feed(fetcher, donor);
    fetcher.tick(300);
    fetcher.answer();
    for (const [index, session] of LATE.entries()) decide(fetcher, 5 + index, [session]);
    assert.equal(fetcher.replica.executedSeq, 12);
    assert.equal(fetcher.replica.view, 0);
  });

  test("makes batches above what it brought no quick ones (VT7)", () => {
    const { donor, votes } = donorWithVotes();
    const patient = { viewChangeTicks: 1_000, viewChangeTicksMax: 1_000, windowSlots: 16 };
    const fetcher = fetcherOf([], patient);
    for (const session of LATE) fetcher.hear(TELLER, requestOf({ session }));
    for (const [index, session] of LATE.entries()) decide(fetcher, 5 + index, [session]);
    fetcher.tick(900);
    for (const vote of votes) fetcher.receive(vote.replica, vote);
    feed(fetcher, donor);
    fetcher.answer();
    assert.equal(fetcher.replica.executedSeq, 12);
    assert.equal(fetcher.replica.view, 1);
  });

  test("is no time that what comes later has waited (VT1)", () => {
    const settings = { viewChangeTicks: 50, viewChangeTicksMax: 100 };
    const later: ((lone: LoneReplica) => void)[] = [
      (lone) => lone.hear(TELLER, requestOf({ session: 9 })),
      (lone) => lone.receive(0, prePrepare(0, 5, sampleBatch(5))),
    ];
    for (const act of later) {
      const { donor, votes } = donorWithVotes();
      const fetcher = fetcherOf(votes, settings);
      feed(fetcher, donor, 10);
      fetcher.tick(500);
      fetcher.answer();
      act(fetcher);
      fetcher.tick(49);
      assert.equal(fetcher.replica.view, 0);
      fetcher.tick();
      assert.equal(fetcher.replica.view, 1);
    }
  });

  test("is no time that what waits has in the next view (VC8)", () => {
    const { donor, votes } = donorWithVotes();
    const fetcher = fetcherOf(votes, { viewChangeTicks: 50, viewChangeTicksMax: 100 });
    feed(fetcher, donor, 10);
    fetcher.tick(500);
    fetcher.answer();
    fetcher.hear(TELLER, requestOf({ session: 9 }));
    const changes = [0, 1, 2].map((replica) => viewChangeOf(replica, 1));
    for (const change of changes) fetcher.receive(change.replica, change);
    fetcher.answer();
    fetcher.receive(1, newViewOf(1, changes));
    fetcher.answer();
    assert(fetcher.replica.active && fetcher.replica.view === 1);
    fetcher.tick(49);
    assert.equal(fetcher.replica.view, 1);
    fetcher.tick();
    assert.equal(fetcher.replica.view, 2);
  });
});
