import type { Plant } from "./plant.js";

const DOUBTS = "src/core/wire/doubts.js";
const LIMITS = "src/core/base/limits.js";
const BALLOT = "src/core/client/ballot.js";
const CLIENT_SESSION = "src/core/client/client-session.js";
const LEDGER = "src/core/ledger/ledger.js";
const BATCHER = "src/core/pbft/batcher.js";
const CHECKPOINTS = "src/core/pbft/checkpoints.js";
const CLIENT_TABLE = "src/core/pbft/client-table.js";
const EXECUTION = "src/core/pbft/execution.js";
const NEW_VIEWS = "src/core/pbft/new-views.js";
const NORMAL_CASE = "src/core/pbft/normal-case.js";
const RECOVERY = "src/core/pbft/recovery.js";
const REQUESTS = "src/core/pbft/requests.js";
const STATE_DIGEST = "src/core/pbft/state-digest.js";
const STATE_DONOR = "src/core/pbft/state-donor.js";
const STATE_TRANSFER = "src/core/pbft/state-transfer.js";
const STATUSES = "src/core/pbft/statuses.js";
const TICKS = "src/core/pbft/ticks.js";
const VIEW_CHANGES = "src/core/pbft/view-changes.js";

/** Bugs in what must get on, in what must be durable, in execution and in clients. */
export const OTHER_PLANTS: readonly Plant[] = [
  {
    name: "the timer never doubles",
    rule: "VT5",
    edits: [
      {
        file: "src/core/pbft/view-timer.js",
        find: "viewChangeTicks * 2 ** doublings",
        replace: "viewChangeTicks",
      },
    ],
  },
  {
    name: "no new-view timer",
    rule: "VT3",
    edits: [
      {
        file: TICKS,
        find: "if (s.active || deadline === null || s.now < deadline)",
        replace: "if (true)",
      },
    ],
  },
  {
    name: "VIEW-CHANGE sent once only",
    rule: "VC5",
    edits: [
      {
        file: STATUSES,
        find: "if (own !== null && !isHeld)\n        s.sendTo(from, own, " + "s.voteAppend);",
        replace: "",
      },
    ],
  },
  {
    name: "requests not relayed to the primary",
    rule: "NC1",
    edits: [
      {
        file: REQUESTS,
        find: "if (s.primary !== s.self && !isFromPrimary)\n" + "        s.sendTo(s.primary, m);",
        replace: "",
      },
      { file: TICKS, find: "    relayOldest(s);\n", replace: "" },
    ],
  },
  {
    name: "statuses not answered",
    rule: "RT2",
    edits: [
      {
        file: STATUSES,
        find: "    sendSlots(s, from, m, ANSWER_BYTES_MAX - sentBytes);\n",
        replace: "",
      },
    ],
  },
  {
    name: "PRE-PREPARE before its Q-entry is durable",
    rule: "PS",
    edits: [
      {
        file: BATCHER,
        find: '{ kind: "pre-prepare", view: s.view, seq, batch }, append)',
        replace: '{ kind: "pre-prepare", view: s.view, seq, batch }, append - ' + "append)",
      },
    ],
  },
  {
    name: "PREPARE before its Q-entry is durable",
    rule: "PS",
    edits: [
      {
        file: NORMAL_CASE,
        find: "digest: batch.digest }, append)",
        replace: "digest: batch.digest }, append - append)",
      },
    ],
  },
  {
    name: "COMMIT before its P-entry is durable",
    rule: "PS",
    edits: [
      {
        file: "src/core/pbft/held-commits.js",
        find: "s.sendOthers(held.commit, Math.max(held.append, append))",
        replace: "s.sendOthers(held.commit)",
      },
    ],
  },
  {
    name: "VIEW-CHANGE before it is durable",
    rule: "PS",
    edits: [
      { file: VIEW_CHANGES, find: "s.sendOthers(vote, append)", replace: "s.sendOthers(vote)" },
    ],
  },
  {
    name: "NEW-VIEW before it is durable",
    rule: "PS",
    edits: [
      {
        file: NEW_VIEWS,
        find: "const append = install(s, m);\n    s.sendOthers(m, append);",
        replace: "install(s, m);\n    s.sendOthers(m);",
      },
    ],
  },
  {
    name: "reply before its batch is durable",
    rule: "PS",
    edits: [
      {
        file: EXECUTION,
        find: "s.reply(request, replyOf(s, entry), appendBehind(s, entry.seq))",
        replace: "s.reply(request, replyOf(s, entry), null)",
      },
    ],
  },
  {
    name: "view not restored at a restart",
    rule: "RS2",
    edits: [
      {
        file: RECOVERY,
        find: "if (record.vote.view <= s.view)\n                break;",
        replace: "if (record.vote.view > 0)\n                break;",
      },
    ],
  },
  {
    name: "P-entries not restored at a restart",
    rule: "RS2",
    edits: [
      {
        file: RECOVERY,
        find:
          "slot.preparedEntry = { seq: record.seq, digest: record.digest, " +
          "view: record.view };",
        replace: "",
      },
    ],
  },
  {
    name: "checkpoint voted for before the store holds it",
    rule: "CK2",
    edits: [
      {
        file: CHECKPOINTS,
        find: "s.checkpoints.keepOwn(checkpointOf(s, begun, serviceRoot));",
        replace:
          "const own = checkpointOf(s, begun, serviceRoot);\n    " +
          "s.checkpoints.keepOwn(own);\n    signCheckpoint(s, own.seq, " +
          "own.stateDigest);",
      },
    ],
  },
  {
    name: "checkpoint stable with W votes",
    rule: "CK3",
    edits: [
      {
        file: CHECKPOINTS,
        find:
          "function settleCheckpoints(s) {\n    const certificates = " +
          "s.checkpoints.certificates(s.quorums.strong)",
        replace:
          "function settleCheckpoints(s) {\n    const certificates = " +
          "s.checkpoints.certificates(s.quorums.weak)",
      },
    ],
  },
  {
    name: "journal cut before the certificate is durable",
    rule: "PS",
    edits: [
      { file: CHECKPOINTS, find: "if (append > s.durableAppend)\n            break;", replace: "" },
    ],
  },
  {
    name: "journal cut before the store holds the checkpoint",
    rule: "PS",
    edits: [
      {
        file: CHECKPOINTS,
        find: "if (s.storedSeq >= certificate.seq)\n        stabilize",
        replace: "stabilize",
      },
      {
        file: CHECKPOINTS,
        find:
          'assert(seq <= s.executedSeq && seq <= s.storedSeq, "nothing is ' +
          'dropped that may be needed again");',
        replace: "",
      },
    ],
  },
  {
    name: "executes whatever is decided",
    rule: "EX1",
    edits: [
      {
        file: EXECUTION,
        find: "const seq = s.executedSeq + 1;",
        replace:
          "const seq = s.log.slots().find((one) => one.seq > s.executedSeq && " +
          "one.committedDigest !== null)?.seq ?? 0;",
      },
    ],
  },
  {
    name: "null batches are skipped",
    rule: "EX1",
    edits: [
      {
        file: EXECUTION,
        find: "const slot = s.log.find(seq);\n    const batch",
        replace:
          "if (s.log.find(seq)?.decidedBatch?.requests.length === 0) " +
          "{\n        s.executedSeq = seq;\n        return;\n    }\n    const " +
          "slot = s.log.find(seq);\n    const batch",
      },
    ],
  },
  {
    name: "executed requests are executed again",
    rule: "EX2",
    edits: [
      {
        file: EXECUTION,
        find: 'if (s.clients.standing(request) !== "fresh")\n            continue;',
        replace: "",
      },
    ],
  },
  {
    name: "a request twice in a batch is executed twice",
    rule: "EX2",
    edits: [
      {
        file: EXECUTION,
        find:
          "if (s.selectedIn[request.client] === seq && isOvertaken(request, fresh))\n" +
          "            continue;",
        replace: "",
      },
    ],
  },
  {
    name: "a forgotten session comes back",
    rule: "EX2",
    edits: [
      { file: CLIENT_TABLE, find: "        client.evictedThrough = session;\n", replace: "" },
    ],
    setting: [
      {
        file: LIMITS,
        find: "export const SESSIONS_PER_CLIENT_MAX = 64;",
        replace: "export const SESSIONS_PER_CLIENT_MAX = 2;",
      },
    ],
  },
  {
    name: "the client table is not part of the digest",
    rule: "CK1",
    edits: [
      {
        file: STATE_DIGEST,
        find: "bytesConcat([number, serviceRoot, tableDigest])",
        replace: "bytesConcat([number, serviceRoot])",
      },
    ],
  },
  {
    name: "the client table is not transferred",
    rule: "ST2",
    edits: [
      {
        file: STATE_DONOR,
        find: "    s.clients.restoreSnapshot(installing.entries);\n",
        replace: "",
      },
    ],
  },
  {
    name: "fetched pages are not verified",
    rule: "ST1",
    edits: [
      {
        file: STATE_TRANSFER,
        find:
          "if (piece.expected === null || !bytesEqual(found, " +
          "piece.expected))\n            return false;\n        " +
          "this.#verified.set(hexOf(found), data.slice());",
        replace:
          "if (piece.expected === null)\n            return false;\n        " +
          "this.#verified.set(hexOf(piece.expected), data.slice());",
      },
    ],
  },
  {
    name: "reads answered at once after a restart",
    rule: "RO6",
    edits: [
      {
        file: "src/core/pbft/reads.js",
        find: "s.executedSeq >= s.readBarrierSeq && s.installing === null",
        replace: "s.installing === null",
      },
    ],
  },
  {
    name: "W replies complete a write",
    rule: "CL4",
    edits: [
      {
        file: CLIENT_SESSION,
        find:
          "ballot.add(from, m);\n        const agreed = " + "ballot.agreed(this.#quorums.strong);",
        replace:
          "ballot.add(from, m);\n        const agreed = " + "ballot.agreed(this.#quorums.weak);",
      },
    ],
  },
  {
    name: "W replies complete a read",
    rule: "RO3",
    edits: [
      {
        file: CLIENT_SESSION,
        find:
          "results: m.results });\n        const agreed = " +
          "ballot.agreed(this.#quorums.strong);",
        replace:
          "results: m.results });\n        const agreed = " + "ballot.agreed(this.#quorums.weak);",
      },
    ],
  },
  {
    name: "every reply of a replica counts",
    rule: "CL3",
    edits: [
      {
        file: BALLOT,
        find:
          "if (former === null)\n            this.#count += 1;\n        " +
          "else if (!isWorthMore(vote, former))\n            return;\n        " +
          "this.#votes[replica] = vote;",
        replace:
          "this.#count += 1;\n        " +
          "this.#votes[former === null ? replica : this.#votes.length] = vote;",
      },
    ],
  },
  {
    name: "a move to the same account",
    rule: "BK4",
    edits: [
      {
        file: LEDGER,
        find: "if (operation.isSelfMove())",
        replace: "if (operation.isSelfMove() && amount > 1000000n)",
      },
    ],
  },
  {
    name: "a withdrawal beyond the balance",
    rule: "BK4",
    edits: [
      {
        file: LEDGER,
        find: "if (balance < amount)",
        replace: "if (balance < amount && amount > 1000000n)",
      },
    ],
  },
  {
    name: "a move that is not paid for",
    rule: "BK4",
    edits: [
      { file: LEDGER, find: "        this.#write(source, sourceBalance - amount);\n", replace: "" },
    ],
  },
  {
    name: "a wrong MAC of a request is not followed by its signature",
    rule: "AU4",
    edits: [{ file: DOUBTS, find: "signatures.passed[2 * index + 1] ?? 0", replace: "1" }],
  },
];
