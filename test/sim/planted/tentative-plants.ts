import type { Plant } from "./plant.js";

const BALLOT = "src/core/client/ballot.js";
const READS = "src/core/pbft/reads.js";
const TENTATIVE = "src/core/pbft/tentative.js";

/** Bugs in answers to what is prepared and not decided. */
export const TENTATIVE_PLANTS: readonly Plant[] = [
  {
    name: "W tentative replies complete a write",
    rule: "CL4",
    edits: [
      {
        file: BALLOT,
        find: "this.#alikeCount(vote) >= quorum)",
        replace: "this.#alikeCount(vote) >= quorum - (vote.code === 2 ? 1 : 0))",
      },
      { file: BALLOT, find: "if (this.#count < quorum)", replace: "if (false)" },
    ],
  },
  {
    name: "tentative reply before its P-entry is durable",
    rule: "PS",
    edits: [{ file: TENTATIVE, find: "seq, told), append);", replace: "seq, told), null);" }],
  },
  {
    name: "reads do not wait for what was answered",
    rule: "RO1",
    edits: [
      {
        file: READS,
        find: "const waits = s.executedSeq < s.tentativeSeqMax;",
        replace: "const waits = false;",
      },
    ],
  },
  {
    name: "reads wait for no batch of a view that was left",
    rule: "RO1",
    edits: [
      {
        file: TENTATIVE,
        find: "export function forgetTentative(s) {\n    s.tentative.length = 0;",
        replace:
          "export function forgetTentative(s) {\n    " +
          "s.tentative.length = 0;\n    s.tentativeSeqMax = 0;",
      },
    ],
  },
  {
    name: "a batch is answered whatever is missing before it",
    rule: "EX3",
    edits: [
      { file: TENTATIVE, find: "seq === s.executedSeq + s.tentative.length + 1 && ", replace: "" },
    ],
  },
];
