/*
 * What the votes of a view change decide (TOCS'02 section 4.5 and figure 4; variant H of the
 * rules). Pure: the new primary computes it from the votes it holds, every backup again from those
 * it is shown.
 */
import { bytesEqual } from "../base/bytes.js";
import type { Digest } from "../base/hasher.js";
import type { Seq } from "../base/ids.js";
import type { Quorums } from "../base/quorum.js";
import { PRE_PREPARED_PER_SLOT_MAX } from "../base/limits.js";
import type { CertificateEntry, CheckpointEntry, NewView, ViewChange } from "../message.js";
import { isFull } from "./slot.js";

/** Where the new view starts from, and the digest of every number it carries over. */
type Decision = Pick<NewView, "checkpoint" | "chosen">;

/** What validity of a vote depends on besides the vote. */
export interface VoteRules {
  readonly quorums: Quorums;
  readonly windowSlots: number;
  readonly checkpointIntervalSlots: number;
}

/**
 * Whether a vote is one that a correct replica could have sent, as far as it shows by itself
 * (TV10): everything ascending, inside its own window, and from views before the one it votes for.
 */
export function isValidVote(vote: ViewChange, rules: VoteRules): boolean {
  if (vote.replica >= rules.quorums.replicaCount || vote.view < 1) return false;
  const highest = vote.stableSeq + rules.windowSlots;
  return (
    areValidCheckpoints(vote, rules) &&
    areValidEntries(vote, vote.prepared, highest, 1) &&
    areValidEntries(vote, vote.prePrepared, highest, PRE_PREPARED_PER_SLOT_MAX)
  );
}

/**
 * A checkpoint may lie above the window: state is fetched on the word of W, and only Q make it
 * stable. How many there are is bounded all the same: those of a window, and such a one.
 */
function areValidCheckpoints(vote: ViewChange, rules: VoteRules): boolean {
  const { windowSlots, checkpointIntervalSlots } = rules;
  if (vote.checkpoints[0]?.seq !== vote.stableSeq) return false;
  if (vote.checkpoints.length > windowSlots / checkpointIntervalSlots + 2) return false;
  let previous = -1;
  for (const { seq } of vote.checkpoints) {
    if (seq <= previous || seq % checkpointIntervalSlots !== 0) return false;
    previous = seq;
  }
  return true;
}

function areValidEntries(
  vote: ViewChange,
  entries: readonly CertificateEntry[],
  highest: Seq,
  perSeqMax: number,
): boolean {
  let run: CertificateEntry[] = [];
  for (const entry of entries) {
    if (entry.seq <= vote.stableSeq || entry.seq > highest || entry.view >= vote.view) return false;
    const previous = run.at(-1)?.seq ?? 0;
    if (entry.seq < previous) return false;
    if (entry.seq > previous) run = [];
    if (run.some((other) => bytesEqual(other.digest, entry.digest))) return false;
    run.push(entry);
    if (run.length > perSeqMax) return false;
  }
  return true;
}

/**
 * The decision that `votes` allow, or null: then more votes are needed, and nothing is guessed
 * (TV2).
 *
 * Nothing above the window of the chosen checkpoint can be committed, for that takes Q replicas
 * that are past the checkpoint; so a liar's numbers up there are not looked at. A null batch that
 * prepared somewhere may be committed, so only those at the end that fill nothing are left out, and
 * that no voter needs: one whose Q-entries of a number are full accepts nothing new for it. Up to
 * where W list something, one of them correct: else one liar could fill the window with them.
 * @param votes valid, for one view, from distinct replicas. With more of them there still is a
 * decision, but more may be carried over.
 */
export function decideNewView(
  votes: readonly ViewChange[],
  rules: VoteRules,
  nullBatchDigest: Digest,
): Decision | null {
  const { quorums } = rules;
  if (votes.length < quorums.strong) return null;
  const checkpoint = chooseCheckpoint(votes, quorums);
  if (checkpoint === null) return null;
  const chosen: { seq: Seq; digest: Digest }[] = [];
  let carriedCount = 0;
  const listed = indexVotes(votes, quorums);
  const last = Math.min(listed.seqMax, checkpoint.seq + rules.windowSlots);
  for (let seq = checkpoint.seq + 1; seq <= last; seq += 1) {
    const prepared = chooseDigest(listed.votes, seq, quorums);
    if (prepared === null && !isUnprepared(listed.votes, seq, quorums)) return null;
    chosen.push({ seq, digest: prepared ?? nullBatchDigest });
    const isCarried = prepared !== null || isFullFor(listed.votes, seq, nullBatchDigest);
    if (isCarried) carriedCount = chosen.length;
  }
  return { checkpoint, chosen: chosen.slice(0, carriedCount) };
}

/** The highest checkpoint that Q have not passed and that W hold, one of them correct (TV1). */
function chooseCheckpoint(votes: readonly ViewChange[], quorums: Quorums): CheckpointEntry | null {
  let best: CheckpointEntry | null = null;
  for (const candidate of votes.flatMap((vote) => vote.checkpoints)) {
    if (best !== null && candidate.seq <= best.seq) continue;
    const behind = votes.filter((vote) => vote.stableSeq <= candidate.seq).length;
    const holders = votes.filter((vote) => holds(vote, candidate)).length;
    if (behind >= quorums.strong && holders >= quorums.weak) best = candidate;
  }
  return best;
}

function holds(vote: ViewChange, candidate: CheckpointEntry): boolean {
  return vote.checkpoints.some(
    ({ seq, stateDigest }) =>
      seq === candidate.seq && bytesEqual(stateDigest, candidate.stateDigest),
  );
}

interface IndexedVote {
  readonly stableSeq: Seq;
  readonly prepared: ReadonlyMap<Seq, CertificateEntry>;
  readonly prePrepared: ReadonlyMap<Seq, readonly CertificateEntry[]>;
}

/**
 * The votes with their entries by sequence number, and the highest number to look at: the highest
 * that any P lists, or that some Q of W lists.
 */
function indexVotes(
  votes: readonly ViewChange[],
  quorums: Quorums,
): { votes: IndexedVote[]; seqMax: Seq } {
  const lasts = votes.map((vote) => vote.prePrepared.at(-1)?.seq ?? 0);
  lasts.sort((left, right) => right - left);
  let seqMax = lasts[quorums.weak - 1] ?? 0;
  const indexed = votes.map((vote) => {
    const prepared = new Map(vote.prepared.map((entry) => [entry.seq, entry]));
    const prePrepared = new Map<Seq, CertificateEntry[]>();
    for (const entry of vote.prePrepared) {
      const entries = prePrepared.get(entry.seq);
      if (entries === undefined) prePrepared.set(entry.seq, [entry]);
      else entries.push(entry);
    }
    seqMax = Math.max(seqMax, vote.prepared.at(-1)?.seq ?? 0);
    return { stableSeq: vote.stableSeq, prepared, prePrepared };
  });
  return { votes: indexed, seqMax };
}

/**
 * Condition A: a prepared digest that nothing later contradicts and that a correct replica vouches
 * for.
 */
function chooseDigest(votes: readonly IndexedVote[], seq: Seq, quorums: Quorums): Digest | null {
  const candidates = votes.flatMap((vote) => vote.prepared.get(seq) ?? []);
  candidates.sort((left, right) => right.view - left.view);
  for (const candidate of candidates) {
    const compatible = votes.filter((vote) => allows(vote, candidate)).length;
    const vouching = votes.filter((vote) => vouches(vote, candidate)).length;
    if (compatible >= quorums.strong && vouching >= quorums.weak) return candidate.digest;
  }
  return null;
}

/** A1: nothing else can have been committed at this number in the candidate's view or later. */
function allows(vote: IndexedVote, candidate: CertificateEntry): boolean {
  if (vote.stableSeq >= candidate.seq) return false;
  const prepared = vote.prepared.get(candidate.seq);
  if (prepared === undefined || prepared.view < candidate.view) return true;
  return prepared.view === candidate.view && bytesEqual(prepared.digest, candidate.digest);
}

/**
 * A2: the sender accepted the batch in the candidate's view or later. One replica counts once
 * (TV3).
 */
function vouches(vote: IndexedVote, candidate: CertificateEntry): boolean {
  const entries = vote.prePrepared.get(candidate.seq) ?? [];
  return entries.some(
    (entry) => entry.view >= candidate.view && bytesEqual(entry.digest, candidate.digest),
  );
}

/** Condition B: Q replicas have nothing prepared here, so nothing was committed. */
function isUnprepared(votes: readonly IndexedVote[], seq: Seq, quorums: Quorums): boolean {
  const silent = votes.filter((vote) => vote.stableSeq < seq && !vote.prepared.has(seq));
  return silent.length >= quorums.strong;
}

/** Whether some voter would accept no new batch here. One is enough: agreement may depend on it. */
function isFullFor(votes: readonly IndexedVote[], seq: Seq, nullBatchDigest: Digest): boolean {
  return votes.some((vote) => isFull(vote.prePrepared.get(seq) ?? [], nullBatchDigest));
}

/** Whether a NEW-VIEW announces exactly this decision (TV11). */
export function sameDecision(left: Decision, right: Decision): boolean {
  return (
    left.checkpoint.seq === right.checkpoint.seq &&
    bytesEqual(left.checkpoint.stateDigest, right.checkpoint.stateDigest) &&
    left.chosen.length === right.chosen.length &&
    left.chosen.every(({ seq, digest }, index) => {
      const other = right.chosen[index];
      return other?.seq === seq && bytesEqual(other.digest, digest);
    })
  );
}
