/*
 * All decisions of a view change in a small world: four replicas, votes for view 2, entries of
 * views 0 and 1, two numbers, two digests. What may be decided is defined here anew, without a look
 * at the counting rules: whatever may have been committed, for any choice of the one liar, must be
 * chosen.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { quorumsOf } from "../../src/core/base/quorum.js";
import type { CertificateEntry, ViewChange } from "../../src/core/message.js";
import { decideNewView, type VoteRules } from "../../src/core/pbft/new-view-decision.js";

type Name = "a" | "b";
type OldView = 0 | 1;

/** What one replica says about one number. */
interface Said {
  /** P: what it prepared, and when last. */
  readonly prepared: { readonly name: Name; readonly view: OldView } | null;
  /** Q: when it last accepted each digest; null: never. */
  readonly accepted: Readonly<Record<Name, OldView | null>>;
}

/** What each replica said, by its number; null: its vote is not among those that decide. */
type Votes = readonly (Said | null)[];

const REPLICA_COUNT = 4;
const RULES: VoteRules = {
  quorums: quorumsOf(REPLICA_COUNT),
  windowSlots: 8,
  checkpointIntervalSlots: 4,
};
const NAMES: readonly Name[] = ["a", "b"];
const OLD_VIEWS: readonly OldView[] = [0, 1];
const NEW_VIEW = 2;

const NULL_DIGEST = digestOf(0);
const GENESIS = { seq: 0, stateDigest: digestOf(9) };

/** Whatever a liar may say. */
const SAYABLE: readonly Said[] = allSayable();

/**
 * What a correct replica may say: what it prepared it had accepted, in that view at the earliest.
 */
const HONEST: readonly Said[] = SAYABLE.filter(({ prepared, accepted }) => {
  if (prepared === null) return true;
  const view = accepted[prepared.name];
  return view !== null && view >= prepared.view;
});

/** Digests of the two names; the second world's `b` is the null batch. */
const WORLDS: readonly { readonly name: string; readonly digests: Record<Name, Uint8Array> }[] = [
  { name: "two batches", digests: { a: digestOf(1), b: digestOf(2) } },
  { name: "a batch and the null batch", digests: { a: digestOf(1), b: NULL_DIGEST } },
];

for (const { name, digests } of WORLDS) {
  describe(`every decision over ${name}`, () => {
    test("of three votes, one a liar's, is safe", () => {
      for (const [first, second] of pairs(HONEST)) {
        for (const liar of SAYABLE) checkSafety([first, second, liar, null], digests);
      }
    });

    test("of four votes, one a liar's, is safe", () => {
      for (const [first, second] of pairs(HONEST)) {
        for (const third of HONEST) {
          for (const liar of SAYABLE) checkSafety([first, second, third, liar], digests);
        }
      }
    });

    test("of three correct votes that belong to one history can be made", () => {
      let count = 0;
      for (const [first, second] of pairs(HONEST)) {
        for (const third of HONEST) {
          const votes = [first, second, third, null];
          if (!isOneHistory(votes)) continue;
          count += 1;
          assert.notEqual(decide([votes], digests), null, JSON.stringify(votes));
        }
      }
      assert(count > 500, "the small world is not empty");
    });

    test("about two numbers is that about each", () => {
      const choices = [...pairs(HONEST)];
      for (const [index, [first, second]] of choices.entries()) {
        for (const liar of SAYABLE) {
          const [other, another] = choices[(index * 31 + 7) % choices.length] ?? [first, second];
          const one: Votes = [first, second, liar, null];
          const two: Votes = [other, liar, another, null];
          checkBoth(one, two, digests);
        }
      }
    });
  });
}

/** A decision must choose whatever may have been committed. */
function checkSafety(votes: Votes, digests: Record<Name, Uint8Array>): void {
  const decision = decide([votes], digests);
  if (decision === null) return;
  const [chosen] = decision;
  for (const name of NAMES) {
    if (chosen === name || !mayBeCommitted(votes, name)) continue;
    assert.fail(`${name} may be committed, ${String(chosen)} is chosen: ${JSON.stringify(votes)}`);
  }
}

function checkBoth(one: Votes, two: Votes, digests: Record<Name, Uint8Array>): void {
  const both = decide([one, two], digests);
  const [first, second] = [decide([one], digests), decide([two], digests)];
  if (first === null || second === null) {
    assert.equal(both, null);
    return;
  }
  assert.deepEqual(both, [first[0], second[0]]);
}

/**
 * What is chosen for each number, by name; "none" for the null batch. Null: more votes are needed.
 * Whether the last null batches are named or left out is the same.
 */
function decide(
  numbers: readonly Votes[],
  digests: Record<Name, Uint8Array>,
): (Name | "none")[] | null {
  const votes: ViewChange[] = [];
  for (let replica = 0; replica < REPLICA_COUNT; replica += 1) {
    const said = numbers.flatMap((one) => one[replica] ?? []);
    if (said.length === numbers.length) votes.push(voteOf(replica, said, digests));
  }
  const decision = decideNewView(votes, RULES, NULL_DIGEST);
  if (decision === null) return null;
  return numbers.map((_, index) => nameOf(decision.chosen[index]?.digest, digests));
}

function nameOf(digest: Uint8Array | undefined, digests: Record<Name, Uint8Array>): Name | "none" {
  const found = NAMES.find((name) => digests[name] === digest);
  // Where `b` is the null batch, leaving it out at the end orders it all the same.
  return found ?? (digests.b === NULL_DIGEST ? "b" : "none");
}

/**
 * Whether `name` may be committed in some old view: with some replica or none for the liar, there
 * is a history in which Q replicas, the liar among them, committed it, and in which view 1 began
 * safely.
 */
function mayBeCommitted(votes: Votes, name: Name): boolean {
  const liars = [null, 0, 1, 2, 3];
  return OLD_VIEWS.some((view) => liars.some((liar) => isPossible(votes, name, view, liar)));
}

function isPossible(votes: Votes, name: Name, view: OldView, liar: number | null): boolean {
  const { strong } = RULES.quorums;
  let committers = liar === null ? 0 : 1;
  for (const [replica, said] of votes.entries()) {
    if (replica === liar) continue;
    if (said === null) {
      committers += 1;
      continue;
    }
    const { prepared, accepted } = said;
    const other = name === "a" ? "b" : "a";
    // What was committed in view 0 is all that a correct replica accepts in view 1.
    if (view === 0 && accepted[other] === 1) return false;
    if (prepared === null || prepared.view < view) continue;
    if (prepared.name === name) committers += 1;
    else if (prepared.view > view) return false;
  }
  return committers >= strong;
}

/**
 * Whether correct votes can stand together: one view prepares one digest, and of the Q replicas
 * that let it prepare at most one lied, so that the other two still say that they accepted it.
 */
function isOneHistory(votes: Votes): boolean {
  const said = votes.filter((one): one is Said => one !== null);
  return said.every(({ prepared }) => {
    if (prepared === null) return true;
    const { name, view } = prepared;
    const isAlone = said.every(
      (other) => other.prepared?.view !== view || other.prepared.name === name,
    );
    const accepting = said.filter(({ accepted }) => (accepted[name] ?? -1) >= view);
    return isAlone && accepting.length >= RULES.quorums.weak;
  });
}

/** The vote of a replica that says `said[i]` about number i + 1. */
function voteOf(
  replica: number,
  said: readonly Said[],
  digests: Record<Name, Uint8Array>,
): ViewChange {
  const prepared: CertificateEntry[] = [];
  const prePrepared: CertificateEntry[] = [];
  for (const [index, one] of said.entries()) {
    const seq = index + 1;
    if (one.prepared !== null) {
      prepared.push({ seq, digest: digests[one.prepared.name], view: one.prepared.view });
    }
    for (const name of NAMES) {
      const view = one.accepted[name];
      if (view !== null) prePrepared.push({ seq, digest: digests[name], view });
    }
  }
  const bytes = new Uint8Array(0);
  const checkpoints = [GENESIS];
  const kind = "view-change";
  return {
    ...{ kind, replica, view: NEW_VIEW, stableSeq: 0, checkpoints, prepared, prePrepared, bytes },
  };
}

function allSayable(): Said[] {
  const times: readonly (OldView | null)[] = [null, 0, 1];
  const certificates: Said["prepared"][] = [null];
  for (const name of NAMES) for (const view of OLD_VIEWS) certificates.push({ name, view });
  return certificates.flatMap((prepared) =>
    times.flatMap((a) => times.map((b): Said => ({ prepared, accepted: { a, b } }))),
  );
}

/** Every two of `items`, in one order, each with itself too: the rules do not know who is who. */
function* pairs(items: readonly Said[]): Iterable<[Said, Said]> {
  for (const [index, first] of items.entries()) {
    for (const second of items.slice(index)) yield [first, second];
  }
}

function digestOf(fill: number): Uint8Array {
  return new Uint8Array(32).fill(fill);
}
