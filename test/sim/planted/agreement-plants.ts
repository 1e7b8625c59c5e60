import type { Plant } from "./plant.js";

const QUORUM = "src/core/base/quorum.js";
const DECISIONS = "src/core/pbft/decisions.js";
const LOG = "src/core/pbft/log.js";
const NEW_VIEW_DECISION = "src/core/pbft/new-view-decision.js";
const NEW_VIEWS = "src/core/pbft/new-views.js";
const NORMAL_CASE = "src/core/pbft/normal-case.js";
const SLOT = "src/core/pbft/slot.js";
const VIEW_CHANGES = "src/core/pbft/view-changes.js";
const VOTE_SET = "src/core/pbft/vote-set.js";
const SIGNED_RANGES = "src/core/wire/signed-ranges.js";
const VIEW_CHANGE_CODEC = "src/core/wire/view-change-codec.js";

/** Bugs in how replicas agree and in how they change views. */
export const AGREEMENT_PLANTS: readonly Plant[] = [
  {
    name: "strong quorum one too small",
    rule: "Q",
    edits: [
      {
        file: QUORUM,
        find: "Math.ceil((replicaCount + faultsMax + 1) / 2)",
        replace: "Math.ceil((replicaCount + faultsMax + 1) / 2) - 1",
      },
      {
        file: QUORUM,
        find: "assert(2 * strong - replicaCount > faultsMax,",
        replace: "assert(strong > faultsMax,",
      },
    ],
  },
  {
    name: "commit quorum W",
    rule: "NC8",
    edits: [
      {
        file: NORMAL_CASE,
        find: "slot.commits.agreed(s.quorums.strong)",
        replace: "slot.commits.agreed(s.quorums.weak)",
      },
    ],
  },
  {
    name: "prepared with Q - 2",
    rule: "NC6",
    edits: [
      { file: NORMAL_CASE, find: "< s.quorums.strong - 1)", replace: "< s.quorums.strong - 2)" },
    ],
  },
  {
    name: "the primary's PREPARE counts",
    rule: "NC5",
    edits: [
      {
        file: NORMAL_CASE,
        find: "slot.prepares.count(s.view, digest, s.primary)",
        replace: "slot.prepares.count(s.view, digest)",
      },
      {
        file: NORMAL_CASE,
        find:
          "if (from === primaryOf(m.view, s.options.replicaCount))\n        " +
          'return "prepare/from-primary";',
        replace: "",
      },
    ],
  },
  {
    name: "votes counted whatever their digest",
    rule: "NC6",
    edits: [
      {
        file: VOTE_SET,
        find: "if (bytesEqual(vote.digest, digest))\n                count += 1;",
        replace: "count += 1;",
      },
    ],
  },
  {
    name: "a second pre-prepare replaces the first",
    rule: "NC10",
    edits: [
      {
        file: NORMAL_CASE,
        find: 'return "pre-prepare/equivocation";\n    //',
        replace: "return null;\n    //",
      },
      {
        file: NORMAL_CASE,
        find:
          "if (slot.chosenIn(m.view) === null)\n        slot.choose(m.view, " + "m.batch.digest);",
        replace: "slot.choose(m.view, m.batch.digest);",
      },
      {
        file: SLOT,
        find:
          "assert(this.acceptedDigest === null || view > this.acceptedView, " +
          '"one digest per view (I5)");',
        replace: "",
      },
    ],
  },
  {
    name: "a decision taken on one voucher",
    rule: "RO4",
    edits: [
      {
        file: DECISIONS,
        find: "slot.vouchers.count(0, m.batch.digest) >= s.quorums.weak",
        replace: "slot.vouchers.count(0, m.batch.digest) >= 1",
      },
    ],
  },
  {
    name: "window one too wide",
    rule: "NC4",
    edits: [
      {
        file: LOG,
        find: "seq > this.#lowWatermark && seq <= this.highWatermark",
        replace: "seq > this.#lowWatermark && seq <= this.highWatermark + 1",
      },
    ],
  },
  {
    name: "the sender that a VIEW-CHANGE names is believed",
    rule: "AU5",
    edits: [
      {
        file: SIGNED_RANGES,
        find: 'case "view-change":\n            return scanSigned(range, ' + "Domain.viewChange);",
        replace: 'case "view-change":\n            return null;',
      },
    ],
  },
  {
    name: "P-entries left out of a VIEW-CHANGE",
    rule: "VC",
    edits: [
      {
        file: VIEW_CHANGES,
        find: "slots.flatMap((slot) => slot.preparedEntry ?? [])",
        replace: "[]",
      },
    ],
  },
  {
    name: "a P-entry forgotten once a later view chose again",
    rule: "VC",
    edits: [
      {
        file: VIEW_CHANGES,
        find: "slots.flatMap((slot) => slot.preparedEntry ?? [])",
        replace: "slots.flatMap((slot) => (slot.prepared ? slot.preparedEntry : null) " + "?? [])",
      },
    ],
  },
  {
    name: "A1 asks for W",
    rule: "A1",
    edits: [
      {
        file: NEW_VIEW_DECISION,
        find: "compatible >= quorums.strong &&",
        replace: "compatible >= quorums.weak &&",
      },
    ],
  },
  {
    name: "A2 asks for one",
    rule: "A2",
    edits: [
      { file: NEW_VIEW_DECISION, find: "vouching >= quorums.weak", replace: "vouching >= 1" },
    ],
  },
  {
    name: "Q counted by entries, not by replicas",
    rule: "A2 (TV3)",
    edits: [
      {
        file: NEW_VIEW_DECISION,
        find: "const vouching = votes.filter((vote) => vouches(vote, " + "candidate)).length;",
        replace:
          "const vouching = votes.flatMap((vote) => " +
          "(vote.prePrepared.get(candidate.seq) ?? []).filter((entry) => " +
          "entry.view >= candidate.view && bytesEqual(entry.digest, " +
          "candidate.digest))).length;",
      },
      {
        file: NEW_VIEW_DECISION,
        find:
          "if (run.some((other) => bytesEqual(other.digest, " +
          "entry.digest)))\n            return false;",
        replace: "",
      },
      {
        file: VIEW_CHANGE_CODEC,
        find:
          "if (group.some((other) => bytesEqual(other.digest, " +
          "entry.digest)))\n            return false;",
        replace: "",
      },
    ],
  },
  {
    name: "rule B dropped: null without Q silent",
    rule: "B",
    edits: [
      {
        file: NEW_VIEW_DECISION,
        find: "silent.length >= quorums.strong",
        replace: "silent.length >= 0",
      },
    ],
  },
  {
    name: "a checkpoint that one replica claims is chosen",
    rule: "VC (TV1)",
    edits: [
      {
        file: NEW_VIEW_DECISION,
        find: "behind >= quorums.strong && holders >= quorums.weak",
        replace: "behind >= quorums.strong && holders >= 1",
      },
    ],
  },
  {
    name: "votes of a NEW-VIEW need not be of distinct replicas",
    rule: "VC3 (TV4)",
    edits: [
      { file: NEW_VIEWS, find: "vote.replica <= previous ||", replace: "" },
      // The codec takes votes in ascending order only, which is the same check once more.
      {
        file: VIEW_CHANGE_CODEC,
        find: 'if (vote.replica <= last)\n            reader.reject("new-view/unsorted");',
        replace: "",
      },
    ],
  },
  {
    name: "a NEW-VIEW is not computed again",
    rule: "VC3 (TV11)",
    edits: [
      {
        file: NEW_VIEWS,
        find: "decision === null || !sameDecision(decision, m)",
        replace: "decision === null",
      },
    ],
  },
  {
    name: "a NEW-VIEW of an earlier view is taken",
    rule: "VC2",
    edits: [
      {
        file: NEW_VIEWS,
        find: "if (m.view < s.view || (m.view === s.view && s.active))",
        replace: "if (m.view === s.view && s.active)",
      },
      {
        file: NEW_VIEWS,
        find: 'assert(m.view >= s.view, "the view only grows (I6)");',
        replace: "",
      },
    ],
  },
  {
    name: "one vote is enough to join",
    rule: "VC10",
    edits: [
      { file: VIEW_CHANGES, find: "above.length >= s.quorums.weak", replace: "above.length >= 1" },
    ],
  },
  {
    name: "new-view timer without Q votes",
    rule: "VT2",
    edits: [
      { file: VIEW_CHANGES, find: "if (taking < s.quorums.strong)\n        return;", replace: "" },
    ],
  },
];
