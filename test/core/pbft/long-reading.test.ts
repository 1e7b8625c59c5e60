import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { requestOf, TELLER } from "./builders.js";
import { decide, donorWithVotes, feed, fetcherOf } from "./fetching.js";

/** Sessions whose requests wait. */
const LATE = [11, 12, 13, 14, 15, 16, 17, 18];

describe("a fetched state that takes longer to read in than any timer runs (ST4)", () => {
  test("makes nobody leave the view, and what waited has all its time again (VT6)", () => {
    const { donor, votes } = donorWithVotes();
    const fetcher = fetcherOf(votes, { viewChangeTicks: 50, viewChangeTicksMax: 100 });
    const request = requestOf({ session: 9 });
    fetcher.hear(TELLER, request);
    feed(fetcher, donor);
    fetcher.tick(1_000);
    assert.equal(fetcher.replica.view, 0);
    assert.equal(fetcher.replica.executedSeq, 0);
    fetcher.answer();
    assert.equal(fetcher.replica.executedSeq, 4);
    fetcher.tick(49);
    assert.equal(fetcher.replica.view, 0, "it has all its time again");
    fetcher.tick();
    assert.equal(fetcher.replica.view, 1);
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
});
