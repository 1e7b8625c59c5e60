import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SESSIONS_PER_CLIENT_MAX } from "../../../src/core/base/limits.js";
import { type StateData, StatePart } from "../../../src/core/message.js";
import {
  balanceOf,
  checkpointOf,
  commit,
  digestOf,
  prePrepare,
  readOf,
  requestOf,
  sampleBatch,
  TELLER,
} from "./builders.js";
import { Cluster } from "./cluster.js";
import { decide, donorWithVotes, feed, fetcherOf, PATIENCE } from "./fetching.js";
import { LoneReplica, ofKind, sentOf, single } from "./lone-replica.js";

/** More sessions than are remembered: those below 3 are forgotten. */
const SESSIONS = Array.from({ length: SESSIONS_PER_CLIENT_MAX + 2 }, (_, index) => index + 1);

describe("a replica that lags behind a checkpoint", () => {
  test("gives the log some time, then asks for the state of it (CK5, ST1)", () => {
    const { votes } = donorWithVotes();
    const fetcher = new LoneReplica({ self: 3 });
    for (const vote of votes) fetcher.receive(vote.replica, vote);
    assert.equal(fetcher.replica.transferring, false);
    fetcher.tick(PATIENCE);
    assert(fetcher.replica.transferring);
    fetcher.take();
    fetcher.tick();
    const fetch = single(sentOf(fetcher.take(), "state-fetch"));
    const { summary } = StatePart;
    assert.deepEqual(fetch, { kind: "state-fetch", seq: 4, part: summary, level: 0, index: 0 });
  });

  test("fetches nothing if the log brings it there in time", () => {
    const { votes } = donorWithVotes();
    const fetcher = new LoneReplica({ self: 3 });
    for (const vote of votes) fetcher.receive(vote.replica, vote);
    fetcher.tick(PATIENCE - 1);
    for (const seq of [1, 2, 3, 4]) decide(fetcher, seq, [seq]);
    fetcher.tick(5);
    assert.equal(fetcher.replica.transferring, false);
  });

  test("installs money and client table together, and goes on from there (ST2, ST4)", () => {
    const { donor, votes } = donorWithVotes();
    const fetcher = fetcherOf(votes);
    for (let round = 0; round < 10; round += 1) {
      for (const fetch of sentOf(fetcher.take(), "state-fetch")) {
        donor.receive(3, fetch);
        for (const data of sentOf(donor.take(), "state-data")) {
          assert.equal(fetcher.receive(2, data), null);
        }
      }
      fetcher.tick();
    }
    fetcher.answer();
    assert.equal(fetcher.replica.executedSeq, 4);
    assert.equal(fetcher.replica.stableSeq, 4);
    assert.equal(balanceOf(fetcher.ledger), 1_004n);
    assert.deepEqual(fetcher.replica.clients.summary(), donor.replica.clients.summary());
    assert.equal(fetcher.replica.transferring, false);
  });

  test("answers the clients it never answered (RO4 v, RO5)", () => {
    const { donor, votes } = donorWithVotes();
    const fetcher = fetcherOf(votes);
    const replies = [];
    for (let round = 0; round < 10; round += 1) {
      const effects = fetcher.answer();
      replies.push(...ofKind(effects, "reply"));
      for (const fetch of sentOf(effects, "state-fetch")) {
        donor.receive(3, fetch);
        for (const data of sentOf(donor.take(), "state-data")) fetcher.receive(2, data);
      }
      fetcher.tick();
    }
    const sessions = replies.map(({ session }) => session);
    assert.deepEqual(sessions, [1, 2, 3, 4]);
  });

  test("drops what waits there and was executed by others meanwhile", () => {
    const { donor, votes } = donorWithVotes();
    const fetcher = fetcherOf(votes);
    fetcher.hear(TELLER, requestOf({ session: 3 }));
    fetcher.hear(TELLER, requestOf({ session: 9 }));
    feed(fetcher, donor);
    fetcher.answer();
    assert.equal(fetcher.replica.executedSeq, 4);
    assert.equal(fetcher.replica.pendingCount, 1);
  });

  test("drops what waits there and whose session others forgot meanwhile", () => {
    const { donor, votes } = donorWithVotes(SESSIONS);
    const fetcher = fetcherOf(votes);
    fetcher.hear(TELLER, requestOf({ session: 2, timestamp: 7 }));
    fetcher.hear(TELLER, requestOf({ session: 900 }));
    feed(fetcher, donor);
    fetcher.answer();
    assert.equal(fetcher.replica.executedSeq, 4);
    assert.equal(fetcher.replica.pendingCount, 1);
  });

  test("serves no read while the state is being replaced", () => {
    const { donor, votes } = donorWithVotes();
    const fetcher = fetcherOf(votes);
    assert.equal(fetcher.hear(TELLER, readOf()), null, "the old state is still whole");
    feed(fetcher, donor);
    assert.equal(fetcher.hear(TELLER, readOf()), "read/recovering");
    fetcher.answer();
    assert.equal(fetcher.hear(TELLER, readOf()), null);
  });

  test("executes nothing while the state is replaced, and all that follows after (ST5)", () => {
    const { donor, votes } = donorWithVotes();
    const fetcher = fetcherOf(votes);
    feed(fetcher, donor);
    const batch = sampleBatch(5);
    fetcher.receive(0, prePrepare(0, 5, batch));
    for (const replica of [0, 1, 2]) fetcher.receive(replica, commit(0, 5, batch));
    fetcher.answer();
    assert.equal(fetcher.replica.executedSeq, 5);
    assert.equal(balanceOf(fetcher.ledger), 1_005n);
  });
});

describe("a replica that installed a checkpoint above its window on the word of W", () => {
  test("sends a vote for the next view that the others take (TV10, ST1)", () => {
    const { donor, votes } = donorWithVotes();
    // Seven replicas: three votes are W, and with its own they are not Q yet.
    const small = { replicaCount: 7, checkpointIntervalSlots: 1, windowSlots: 2 };
    const fetcher = fetcherOf(votes, small);
    feed(fetcher, donor);
    fetcher.answer();
    assert.equal(fetcher.replica.executedSeq, 4);
    fetcher.hear(TELLER, requestOf({ session: 900 }));
    fetcher.tick(fetcher.options.viewChangeTicksMax + 1);
    const vote = single(sentOf(fetcher.answer(), "view-change"));
    assert.deepEqual(
      vote.checkpoints.map(({ seq }) => seq),
      [0, 4],
    );
    assert.equal(new LoneReplica({ ...fetcher.options, self: 1 }).receive(3, vote), null);
  });
});

describe("a donor", () => {
  test("has no piece of a checkpoint that it does not hold", () => {
    const { donor } = donorWithVotes();
    const fetch = {
      kind: "state-fetch",
      seq: 8,
      part: StatePart.summary,
      level: 0,
      index: 0,
    } as const;
    assert.equal(donor.receive(3, fetch), "state-fetch/unknown");
  });

  test("has no piece outside the state", () => {
    const { donor } = donorWithVotes();
    for (const part of [StatePart.page, StatePart.session, StatePart.node]) {
      const fetch = { kind: "state-fetch", seq: 4, part, level: 3, index: 999 } as const;
      assert.equal(donor.receive(3, fetch), "state-fetch/unknown");
    }
  });

  test("gives one replica so many pieces a tick and no more (ST6)", () => {
    const { donor } = donorWithVotes();
    const fetch = {
      kind: "state-fetch",
      seq: 4,
      part: StatePart.summary,
      level: 0,
      index: 0,
    } as const;
    for (let count = 0; count < 16; count += 1) assert.equal(donor.receive(3, fetch), null);
    assert.equal(donor.receive(3, fetch), "state-fetch/too-often");
    assert.equal(donor.receive(1, fetch), null, "each replica for itself");
    donor.tick();
    assert.equal(donor.receive(3, fetch), null);
  });

  test("keeps the state of the checkpoint while it executes on (ST3)", () => {
    const { donor, votes } = donorWithVotes();
    for (const seq of [5, 6]) decide(donor, seq, [10 + seq]);
    const fetcher = fetcherOf(votes);
    feed(fetcher, donor);
    fetcher.answer();
    assert.equal(balanceOf(fetcher.ledger), 1_004n);
  });
});

describe("a donor whose checkpoints follow each other fast (ST3, seed 2054662)", () => {
  const fetch = { kind: "state-fetch", part: StatePart.summary, level: 0, index: 0 } as const;

  /** Executes up to the checkpoint at `seq`, which becomes stable. */
  function advance(donor: LoneReplica, seq: number): void {
    for (let next = seq - 3; next <= seq; next += 1) decide(donor, next, [next]);
    donor.step({ kind: "stored", seq });
    const sign = single(ofKind(donor.take(), "sign")).message;
    assert(sign.kind === "checkpoint");
    donor.step({ kind: "signed", message: checkpointOf(2, seq, sign.stateDigest) });
    for (const replica of [0, 1])
      donor.receive(replica, checkpointOf(replica, seq, sign.stateDigest));
    donor.take();
    assert.equal(donor.replica.stableSeq, seq);
  }

  test("keeps the one that is being fetched, until nobody has asked for a while", () => {
    const { donor } = donorWithVotes();
    assert.equal(donor.receive(3, { ...fetch, seq: 4 }), null);
    for (const seq of [8, 12, 16, 20]) {
      advance(donor, seq);
      donor.tick(100);
      assert.equal(donor.receive(3, { ...fetch, seq: 4 }), null);
    }
    assert.deepEqual(donor.ledger.pins(), [4, 16, 20]);
    donor.tick(donor.options.viewChangeTicksMax + 2 * 3 * 15 + 1);
    advance(donor, 24);
    assert.deepEqual(donor.ledger.pins(), [20, 24]);
    assert.equal(donor.receive(3, { ...fetch, seq: 4 }), "state-fetch/unknown");
  });

  test("keeps one for each replica, however many it asks for (I11)", () => {
    const { donor } = donorWithVotes();
    for (const seq of [8, 12, 16, 20]) {
      assert.equal(donor.receive(3, { ...fetch, seq: seq - 4 }), null);
      advance(donor, seq);
    }
    assert.deepEqual(donor.ledger.pins(), [16, 20]);
    assert(donor.replica.held.ownCheckpoints <= 3);
  });
});

describe("a replica whose donors answer late (ST3, seed 2054662)", () => {
  /** How long it takes until the checkpoint at `seq` is asked for, in ticks. */
  function ticksUntilAsked(fetcher: LoneReplica, seq: number): number {
    for (const replica of [0, 1, 2])
      fetcher.receive(replica, checkpointOf(replica, seq, digestOf(seq)));
    for (let ticks = 0; ticks < 2_000; ticks += 1) {
      const fetches = sentOf(fetcher.take(), "state-fetch");
      if (fetches.some((fetch) => fetch.seq === seq)) return ticks;
      fetcher.tick();
    }
    assert.fail("never asked for");
  }

  test("stays longer with each checkpoint that it gave up, within bounds", () => {
    const { donor, votes } = donorWithVotes();
    const fetcher = fetcherOf(votes);
    donor.receive(3, { kind: "state-fetch", seq: 4, part: StatePart.summary, level: 0, index: 0 });
    // A liar who is fast with one piece, and gives no other, changes nothing.
    for (const data of sentOf(donor.take(), "state-data")) {
      assert.equal(fetcher.receive(1, data), null);
    }
    const waits = [8, 12, 16, 20, 24].map((seq) => ticksUntilAsked(fetcher, seq));
    const most = fetcher.options.viewChangeTicksMax;
    for (const [index, ticks] of waits.entries()) {
      const patience = Math.min(30 * 2 ** index, most);
      assert(Math.abs(ticks - patience) <= 2, `${ticks} ticks where ${patience} were due`);
    }
  });
});

describe("a lying donor (A14)", () => {
  test("is found out by the digest of every kind of piece, and another one is asked", () => {
    const { donor, votes } = donorWithVotes();
    const fetcher = fetcherOf(votes);
    const refused = new Set<number>();
    for (let round = 0; round < 20; round += 1) {
      for (const fetch of sentOf(fetcher.take(), "state-fetch")) {
        donor.receive(3, fetch);
        for (const data of sentOf(donor.take(), "state-data")) {
          if (!refused.has(data.part)) {
            const lie = Uint8Array.from(data.data);
            lie[0] = (lie[0] ?? 0) ^ 1;
            assert.equal(fetcher.receive(1, { ...data, data: lie }), "state-data/wrong-digest");
            assert.equal(
              fetcher.receive(1, { ...data, data: new Uint8Array(0) }),
              "state-data/wrong-digest",
            );
            refused.add(data.part);
            continue;
          }
          fetcher.receive(2, data);
        }
      }
      fetcher.tick();
      donor.tick();
      donor.take();
    }
    fetcher.answer();
    assert.equal(refused.size, 4, "summary, node, page and session");
    assert.equal(balanceOf(fetcher.ledger), 1_004n);
  });

  test("is not listened to about what was not asked", () => {
    const { votes } = donorWithVotes();
    const page: StateData = {
      ...{ kind: "state-data", seq: 4, part: StatePart.page, level: 0, index: 0 },
      data: new Uint8Array(9),
    };
    assert.equal(new LoneReplica({ self: 3 }).receive(2, page), "state-data/not-wanted");
    const fetcher = fetcherOf(votes);
    assert.equal(fetcher.receive(2, page), "state-data/not-wanted");
    assert.equal(fetcher.receive(2, { ...page, seq: 8 }), "state-data/not-wanted");
  });

  test("that stays silent is passed over after a while", () => {
    const { votes } = donorWithVotes();
    const fetcher = fetcherOf(votes);
    const first = ofKind(fetcher.take(), "send").find(
      ({ message }) => message.kind === "state-fetch",
    );
    fetcher.tick(20);
    const second = ofKind(fetcher.take(), "send").find(
      ({ message }) => message.kind === "state-fetch",
    );
    assert(first && second);
    assert.deepEqual(second.message, first.message);
    assert.notDeepEqual(second.to, first.to);
  });
});

describe("a cluster", () => {
  test("brings back a replica that was away for longer than the window (ST3, I14)", () => {
    const cluster = new Cluster();
    cluster.carries = ({ from, to }) => from !== 3 && to !== 3;
    for (let session = 1; session <= 30; session += 1) {
      cluster.submit(requestOf({ session }));
      cluster.run();
    }
    cluster.carries = () => true;
    cluster.tick(80);
    for (const { lone } of cluster.nodes) {
      assert.equal(lone.replica.executedSeq, 30);
      assert.equal(balanceOf(lone.ledger), 1_030n);
    }
  });

  test("repairs a replica whose state is not what the others agreed on (CK4)", () => {
    const cluster = new Cluster();
    cluster.submit(requestOf({ session: 1 }));
    cluster.run();
    const { ledger } = cluster.node(3).lone;
    const rows = ledger.accountRows().map((row) => ({ ...row, balance: row.balance + 7n }));
    ledger.load(rows);
    for (let session = 2; session <= 4; session += 1) cluster.submit(requestOf({ session }));
    cluster.run();
    assert(cluster.node(3).lone.replica.diverged, "it knows, and votes no more");
    cluster.tick(40);
    assert.equal(cluster.node(3).lone.replica.diverged, false);
    for (const { lone } of cluster.nodes) assert.equal(balanceOf(lone.ledger), 1_004n);
    for (let session = 5; session <= 8; session += 1) cluster.submit(requestOf({ session }));
    cluster.run();
    assert.equal(cluster.node(3).lone.replica.stableSeq, 8, "and votes again");
  });

  test("repaired, answers no read before it is again where clients saw it (RO6)", () => {
    const { donor, votes } = donorWithVotes();
    const lone = new LoneReplica({ self: 3 });
    lone.ledger.load(
      lone.ledger.accountRows().map((row) => ({ ...row, balance: row.balance + 7n })),
    );
    for (const seq of [1, 2, 3, 4, 5]) decide(lone, seq, [seq]);
    for (const vote of votes) lone.receive(vote.replica, vote);
    assert(lone.replica.diverged);
    lone.tick();
    feed(lone, donor);
    assert(lone.answerOne());
    assert.deepEqual([lone.replica.diverged, lone.replica.executedSeq], [false, 4]);
    assert.equal(lone.hear(TELLER, readOf()), "read/recovering");
    lone.answer();
    assert.equal(lone.replica.executedSeq, 5);
    assert.equal(lone.hear(TELLER, readOf()), null);
    assert.equal(balanceOf(lone.ledger), 1_005n);
  });

  test("goes on with a newer checkpoint when donors dropped the one asked for (ST3)", () => {
    const cluster = new Cluster();
    cluster.carries = ({ from, to }) => from !== 3 && to !== 3;
    for (let session = 1; session <= 12; session += 1) {
      cluster.submit(requestOf({ session }));
      cluster.run();
    }
    // The certificates arrive, the state does not.
    cluster.carries = ({ message }) => message.kind !== "state-data";
    cluster.tick(40);
    assert(cluster.node(3).lone.replica.transferring);
    for (let session = 13; session <= 40; session += 1) {
      cluster.submit(requestOf({ session }));
      cluster.run();
    }
    cluster.carries = () => true;
    cluster.tick(300);
    for (const { lone } of cluster.nodes) assert.equal(balanceOf(lone.ledger), 1_040n);
  });
});

test("votes of W replicas for a state are enough to fetch it, of fewer not (ST1)", () => {
  const { votes } = donorWithVotes();
  const one = new LoneReplica({ self: 3 });
  one.receive(0, votes[0] ?? assert.fail());
  one.receive(1, checkpointOf(1, 4, digestOf(66)));
  one.tick(5 * PATIENCE);
  assert.equal(one.replica.transferring, false);
  one.receive(2, votes[2] ?? assert.fail());
  one.tick(PATIENCE);
  assert(one.replica.transferring);
});
