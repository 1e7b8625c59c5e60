/*
 * A restarted replica finds its promises again (rules RS2, RS3, RO6).
 */
import { assert } from "../base/assert.js";
import type { ClientId, Seq, SessionId } from "../base/ids.js";
import type { Checkpoint, JournalRecord, NewView } from "../message.js";
import { signCheckpoint, takeCheckpoint } from "./checkpoints.js";
import { enterView } from "./new-views.js";
import { beginRejoin } from "./rejoin.js";
import type { SessionEntry } from "./session-entry.js";
import type { State } from "./state.js";

/** What a replica finds when it starts again. */
export interface Recovered {
  /** The journal's records, in the order of their appends. */
  readonly records: readonly JournalRecord[];
  /** The last batch whose effects the store, and so the service, holds. */
  readonly storedSeq: Seq;
  readonly sessions: readonly SessionEntry[];
  readonly evictedThrough: readonly { readonly client: ClientId; readonly session: SessionId }[];
  /**
   * Null if the journal holds all that was ever promised. Else it may have forgotten votes:
   * `records` are what came since, and this is a random number that was never used before (RS4).
   */
  readonly rejoinNonce: number | null;
}

/**
 * Rebuilds view, window, P, Q and client table. Batches that are committed and that the store lacks
 * are executed by the first `settle`.
 * @throws InvariantError when the store is behind the stable checkpoint: the host has checked that.
 */
export function restoreState(s: State, recovered: Recovered): void {
  const { rejoinNonce } = recovered;
  if (rejoinNonce !== null) s.rejoin = beginRejoin(s, rejoinNonce);
  s.clients.load(recovered.sessions, recovered.evictedThrough);
  s.executedSeq = recovered.storedSeq;
  s.storedSeq = recovered.storedSeq;
  for (const record of recovered.records) restoreRecord(s, record);
  restoreVotes(s);
  // Who restarts is behind: it hands the lead on, instead of letting all wait until it has caught
  // up.
  s.abdicated = s.active && s.primary === s.self;
  // Views of earlier days are no failures in a row: doubling starts anew (VT5).
  s.timer.forgive(s.active ? s.view : s.view - 1);
  s.assignedSeq = Math.max(s.assignedSeq, s.log.lowWatermark);
  retakeCheckpoint(s);
}

function restoreRecord(s: State, record: JournalRecord): void {
  switch (record.kind) {
    case "pre-prepared":
    case "prepared":
    case "committed":
    case "body":
      restoreSlotRecord(s, record);
      break;
    case "view-change":
      if (record.vote.view <= s.view) break;
      s.view = record.vote.view;
      s.active = false;
      s.newView = null;
      s.viewChanges.add(record.vote);
      break;
    case "new-view":
      if (isNewer(s, record.newView)) enterView(s, record.newView);
      break;
    case "stable":
      restoreCertificate(s, record.certificate);
      assert(record.seq <= s.storedSeq, "the store holds the stable checkpoint (2.12)");
      break;
    case "certified":
      restoreCertificate(s, record.certificate);
      // What was answered from below it may have to be fetched again.
      s.readBarrierSeq = Math.max(s.readBarrierSeq, record.seq);
      break;
  }
}

/**
 * Whether a NEW-VIEW leads on from where the records before it led. One that was left again may
 * still follow: a segment begins with the newest record of the view, and those that led to it come
 * behind.
 */
function isNewer(s: State, newView: NewView): boolean {
  return newView.view > s.view || (newView.view === s.view && !s.active);
}

type SlotRecord = Extract<
  JournalRecord,
  { readonly kind: "pre-prepared" | "prepared" | "committed" | "body" }
>;

function restoreSlotRecord(s: State, record: SlotRecord): void {
  if (!s.log.inWindow(record.seq)) return;
  const slot = s.log.slot(record.seq);
  switch (record.kind) {
    case "pre-prepared":
      slot.choose(record.view, record.batch.digest);
      slot.accepted = true;
      slot.keepAccepted(record.batch);
      slot.recordPrePrepared(record.view, record.batch.digest);
      break;
    case "prepared":
      slot.preparedEntry = { seq: record.seq, digest: record.digest, view: record.view };
      slot.prepared = true;
      s.readBarrierSeq = Math.max(s.readBarrierSeq, record.seq);
      break;
    case "committed":
      slot.committedDigest = record.digest;
      s.readBarrierSeq = Math.max(s.readBarrierSeq, record.seq);
      break;
    case "body":
      slot.keepBody(record.batch);
      break;
  }
}

function restoreCertificate(s: State, votes: readonly Checkpoint[]): void {
  const [first] = votes;
  if (first === undefined || first.seq <= s.log.lowWatermark) return;
  s.checkpoints.stabilize({ seq: first.seq, stateDigest: first.stateDigest, votes });
  s.log.advance(first.seq);
}

/** Votes that were durable count again, so that peers get them when they ask. */
function restoreVotes(s: State): void {
  for (const slot of s.log.slots()) {
    const digest = slot.acceptedDigest;
    if (digest === null || !slot.accepted) continue;
    s.touched.add(slot);
    if (!s.mayVote) continue;
    const view = slot.acceptedView;
    if (view % s.options.replicaCount !== s.self) slot.prepares.add(s.self, view, digest);
    if (slot.prepared) slot.commits.add(s.self, view, digest);
  }
}

/**
 * The state at hand may be that of a checkpoint: of the stable one, which others may want to fetch,
 * or of one whose vote was never sent.
 */
function retakeCheckpoint(s: State): void {
  const { storedSeq } = s;
  if (storedSeq % s.options.checkpointIntervalSlots !== 0 || storedSeq === 0) return;
  s.service.pin(storedSeq);
  takeCheckpoint(s, storedSeq, s.service.root());
  if (storedSeq <= s.log.lowWatermark || !s.mayVote) return;
  const own = s.checkpoints.ownAt(storedSeq);
  assert(own !== null, "the checkpoint was just taken");
  signCheckpoint(s, own.seq, own.stateDigest);
}
