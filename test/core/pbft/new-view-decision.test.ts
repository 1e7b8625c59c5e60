import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { quorumsOf } from "../../../src/core/base/quorum.js";
import type { CertificateEntry, ViewChange } from "../../../src/core/message.js";
import {
  decideNewView,
  isValidVote,
  sameDecision,
  type VoteRules,
} from "../../../src/core/pbft/new-view-decision.js";
import {
  digestOf,
  entry,
  GENESIS_DIGEST,
  NULL_DIGEST,
  viewChangeOf,
  type VoteShape,
} from "./builders.js";

const RULES: VoteRules = {
  quorums: quorumsOf(4),
  windowSlots: 20,
  checkpointIntervalSlots: 10,
};
type Decision = NonNullable<ReturnType<typeof decideNewView>>;

const X = digestOf(1);
const D = digestOf(2);

/** The view that the votes of these tests are for. */
const VIEW = 9;

/** One vote a shape, of replicas 0, 1, … */
function votesOf(...shapes: VoteShape[]): ViewChange[] {
  return shapes.map((shape, replica) => viewChangeOf(replica, VIEW, shape));
}

function decide(votes: readonly ViewChange[], rules = RULES): Decision | null {
  return decideNewView(votes, rules, NULL_DIGEST);
}

/** A vote that says of `entries` both that they prepared and that they were accepted. */
function both(...entries: CertificateEntry[]): VoteShape {
  return { prepared: entries, prePrepared: entries };
}

/** A vote that holds the checkpoints `seqs`, the first of which is stable. */
function holding(...seqs: number[]): VoteShape {
  const [stableSeq = 0] = seqs;
  const checkpoints = seqs.map((seq) => {
    return { seq, stateDigest: seq === 0 ? GENESIS_DIGEST : digestOf(seq) };
  });
  return { stableSeq, checkpoints };
}

/** What was chosen, as pairs of number and digest. */
function chosenIn(decision: Decision | null): [number, Uint8Array][] | null {
  return decision?.chosen.map(({ seq, digest }) => [seq, digest]) ?? null;
}

describe("the decision of a new view", () => {
  test("TV1: the start is the highest checkpoint that W hold and Q have not passed", () => {
    const decision = decide(votesOf(holding(10, 20), holding(0, 10), holding(0)));
    assert.deepEqual(decision?.checkpoint, { seq: 10, stateDigest: digestOf(10) });
  });

  test("a checkpoint digest that only one replica names is no start", () => {
    const lie = { stableSeq: 0, checkpoints: [...(holding(0).checkpoints ?? [])] };
    lie.checkpoints.push({ seq: 10, stateDigest: X });
    const decision = decide(votesOf(lie, holding(0, 10), holding(0)));
    assert.equal(decision?.checkpoint.seq, 0);
  });

  test("without a checkpoint that W hold and Q have not passed nothing is decided", () => {
    assert.equal(decide(votesOf(holding(20), holding(10), holding(10))), null);
  });

  test("TV2: a digest that others vouch for waits until Q do not contradict it", () => {
    const votes = votesOf(
      both(entry(5, X, 2)),
      both(entry(5, D, 2)),
      { prePrepared: [entry(5, D, 2)] },
      { prePrepared: [entry(5, D, 2)] },
    );
    assert.equal(decide(votes.slice(0, 3)), null);
    const late = chosenIn(decide(votes));
    assert.deepEqual(late, [...[1, 2, 3, 4].map((seq) => [seq, NULL_DIGEST]), [5, D]]);
  });

  test("TV3: a replica that lists a digest twice vouches for it once", () => {
    const liar = { prepared: [entry(5, X, 3)], prePrepared: [entry(5, X, 2), entry(5, X, 3)] };
    assert.equal(decide(votesOf(liar, {}, {})), null);
    assert.notDeepEqual(chosenIn(decide(votesOf(liar, {}, {}, {})))?.at(-1), [5, X]);
    const honest = { prePrepared: [entry(5, X, 3)] };
    assert.deepEqual(chosenIn(decide(votesOf(liar, honest, {})))?.at(-1), [5, X]);
  });

  test("TV5: numbers below the highest prepared one are filled with null batches", () => {
    const seven = both(entry(7, D, 1));
    const decision = decide(votesOf(seven, seven, {}));
    const filled = [1, 2, 3, 4, 5, 6].map((seq) => [seq, NULL_DIGEST]);
    assert.deepEqual(chosenIn(decision), [...filled, [7, D]]);
  });

  test("a number for which some voter can accept nothing new gets a null batch", () => {
    const full = { prePrepared: [entry(3, X, 1), entry(3, D, 2)] };
    const nulls = [1, 2, 3].map((seq) => [seq, NULL_DIGEST]);
    const listing = { prePrepared: [entry(3, X, 1)] };
    assert.deepEqual(chosenIn(decide(votesOf(full, listing, {}))), nulls);
    assert.deepEqual(chosenIn(decide(votesOf(full, {}, {}))), [], "one may be lying");
    const roomy = { prePrepared: [entry(3, X, 1), entry(3, NULL_DIGEST, 2)] };
    assert.deepEqual(chosenIn(decide(votesOf(roomy, {}, {}))), []);
  });

  test("or what prepared there", () => {
    const full = { prePrepared: [entry(1, X, 1), entry(1, D, 2)] };
    const decision = decide(votesOf(full, both(entry(1, X, 1)), {}));
    assert.deepEqual(chosenIn(decision), [[1, X]]);
  });

  test("TV6: of two prepared digests the one of the higher view is chosen", () => {
    const old = both(entry(1, X, 1));
    const recent = both(entry(1, D, 3));
    const decision = decide(votesOf(old, recent, { prePrepared: [entry(1, D, 3)] }, {}));
    assert.deepEqual(chosenIn(decision), [[1, D]]);
  });

  test("TV7: what an amnesiac and a liar hide is lost, so amnesia counts in f", () => {
    const committed = both(entry(1, D, 0));
    const kept = votesOf(committed, {}, {}, committed);
    assert.deepEqual(chosenIn(decide(kept)), [[1, D]], "one liar alone hides nothing");
    const [byzantine, amnesiac, neverSaw] = votesOf({}, {}, {});
    assert(byzantine && amnesiac && neverSaw);
    assert.deepEqual(chosenIn(decide([byzantine, amnesiac, neverSaw])), []);
  });

  test("a Q-entry that nobody else keeps leaves the decision open until more votes come", () => {
    const votes = votesOf(both(entry(1, D, 0)), {}, {});
    assert.equal(decide(votes), null);
  });

  test("TV12: with five replicas three votes are no quorum", () => {
    const five = { ...RULES, quorums: quorumsOf(5) };
    assert.equal(decide(votesOf({}, {}, {}), five), null);
    assert.deepEqual(decide(votesOf({}, {}, {}, {}), five)?.chosen, []);
  });

  test("entries in lower views give way to a digest of a higher view", () => {
    const decision = decide(
      votesOf(both(entry(1, X, 1)), both(entry(1, D, 2)), both(entry(1, D, 2))),
    );
    assert.deepEqual(chosenIn(decision), [[1, D]]);
  });

  test("a vote whose stable checkpoint covers a number has no say on it", () => {
    const one = both(entry(11, D, 1));
    const votes = votesOf(
      { ...holding(0, 10), ...one },
      { ...holding(0, 10), ...one },
      holding(20),
    );
    assert.equal(decide(votes), null, "two votes are too few to show that nothing else prepared");
    const fourth = viewChangeOf(3, VIEW, holding(10));
    assert.deepEqual(chosenIn(decide([...votes, fourth])), [[11, D]]);
  });

  test("null batches at the end are left out, so that their numbers are used again", () => {
    const liar = both(entry(3, X, 1));
    assert.deepEqual(chosenIn(decide(votesOf(liar, {}, {}, {}))), []);
  });

  test("a null batch that prepared is carried over like any other, also at the end", () => {
    const nothing = both(entry(1, NULL_DIGEST, 1));
    const decision = decide(votesOf(nothing, nothing, {}));
    assert.deepEqual(chosenIn(decision), [[1, NULL_DIGEST]], "it may be committed somewhere");
  });

  test("a liar's far-away numbers are outside the window and cost nothing", () => {
    const far = 10 * 1_000_000_000;
    const liar = { ...holding(far), ...both(entry(far + 1, X, 1)) };
    assert.deepEqual(decide(votesOf(liar, {}, {}, {})), {
      checkpoint: { seq: 0, stateDigest: GENESIS_DIGEST },
      chosen: [],
    });
  });

  test("numbers are looked at up to the end of the window and no further", () => {
    const last = both(entry(20, D, 1));
    assert.equal(decide(votesOf(last, last, {}))?.chosen.length, 20);
    const ahead = { ...holding(20), ...both(entry(31, D, 1)) };
    const decision = decide(votesOf(ahead, holding(0, 10), holding(10), holding(10)));
    assert.deepEqual(decision?.checkpoint.seq, 10);
    assert.deepEqual(decision.chosen, [], "31 is above 10 + 20");
  });
});

describe("the validity of a vote", () => {
  const cases: [
    string,
    boolean,
    VoteShape & { readonly replica?: number; readonly view?: number },
  ][] = [
    ["says nothing", true, {}],
    ["is of a replica that does not exist", false, { replica: 4 }],
    ["is for view 0, which nobody votes for", false, { view: 0 }],
    ["lists the first number of its window", true, both(entry(1, D, 0))],
    ["lists the last number of its window", true, both(entry(20, D, 8))],
    [
      "TV10: lists a number at its stable checkpoint",
      false,
      {
        ...holding(10),
        ...both(entry(10, D, 0)),
      },
    ],
    ["TV10: lists a prepared number above its window", false, { prepared: [entry(21, D, 0)] }],
    ["TV10: lists an accepted number above its window", false, { prePrepared: [entry(21, D, 0)] }],
    ["TV10: lists an entry of the view it votes for", false, { prepared: [entry(1, D, VIEW)] }],
    ["TV10: lists an entry of a later view", false, { prePrepared: [entry(1, D, VIEW + 1)] }],
    ["lists a number twice in P", false, { prepared: [entry(1, D, 0), entry(1, X, 1)] }],
    ["lists two digests of a number in Q", true, { prePrepared: [entry(1, D, 0), entry(1, X, 1)] }],
    ["TV3: lists a digest twice in Q", false, { prePrepared: [entry(1, X, 0), entry(1, X, 1)] }],
    [
      "lists more digests of a number than are kept",
      false,
      {
        prePrepared: [0, 1, 2, 3, 4, 5, 6, 7, 8].map((view) => entry(1, digestOf(view), view)),
      },
    ],
    ["lists numbers out of order", false, { prepared: [entry(2, D, 0), entry(1, D, 0)] }],
    ["holds a later checkpoint", true, holding(10, 20)],
    ["holds its window's last checkpoint", true, holding(10, 30)],
    ["fetched a checkpoint above its window (ST1)", true, holding(10, 40)],
    ["holds more checkpoints than a replica keeps", false, holding(10, 20, 30, 40, 50)],
    ["holds a checkpoint between two intervals", false, holding(10, 15)],
    ["holds a checkpoint twice", false, holding(10, 10)],
    ["holds no checkpoint", false, { checkpoints: [] }],
    ["does not hold its stable checkpoint first", false, { ...holding(10), stableSeq: 0 }],
  ];
  for (const [what, expected, { replica = 1, view = VIEW, ...shape }] of cases) {
    test(`a vote that ${what} is ${expected ? "taken" : "refused"}`, () => {
      assert.equal(isValidVote(viewChangeOf(replica, view, shape), RULES), expected);
    });
  }
});

describe("the comparison of decisions", () => {
  const base: Decision = {
    checkpoint: { seq: 10, stateDigest: X },
    chosen: [{ seq: 11, digest: D }],
  };
  const others: [string, Decision][] = [
    ["another start", { ...base, checkpoint: { seq: 20, stateDigest: X } }],
    ["another state at the start", { ...base, checkpoint: { seq: 10, stateDigest: D } }],
    ["a batch less", { ...base, chosen: [] }],
    ["a batch more", { ...base, chosen: [...base.chosen, { seq: 12, digest: D }] }],
    ["another batch", { ...base, chosen: [{ seq: 11, digest: X }] }],
    ["another number", { ...base, chosen: [{ seq: 12, digest: D }] }],
  ];
  test("equal decisions are the same", () => {
    assert(sameDecision(base, structuredClone(base)));
  });
  for (const [what, other] of others) {
    test(`TV11: ${what} makes another decision`, () => {
      assert.equal(sameDecision(base, other), false);
    });
  }
});
