/*
 * Both ends of state transfer inside a replica: handing pieces out, and installing what was fetched
 * (rules ST1 to ST6, CK4, CK5).
 */
import { assert } from "../base/assert.js";
import type { ReplicaId, Seq } from "../base/ids.js";
import { StatePart, type StateData, type StateFetch, type Verified } from "../message.js";
import type { OwnCheckpoint, StableCertificate } from "./checkpoint-book.js";
import { isRegular, signCheckpoint, stabilize, takeInterimCheckpoint } from "./checkpoints.js";
import { judgeByInstalled } from "./execution.js";
import type { RejectCode } from "./reject.js";
import { decodeSession, encodeSession, type SessionEntry } from "./session-entry.js";
import type { State } from "./state.js";
import { forgetTentative } from "./tentative.js";
import { encodeSummary, type FetchedState, PIECE_TICKS_MAX } from "./state-transfer.js";

/**
 * How long a replica waits for the log to bring it there before it fetches a checkpoint's state.
 */
const PATIENCE_TICKS = 10;

/** Rounds of asking every donor that a checkpoint is kept for who was sent a piece of it. */
const HOLD_ROUNDS = 2;

/** Another replica asks for a piece of one of our last checkpoints. */
export function onStateFetch(
  s: State,
  from: ReplicaId,
  m: Verified<StateFetch>,
): RejectCode | null {
  if (!s.peers.mayFetch(from, s.now)) return "state-fetch/too-often";
  const own = s.checkpoints.ownAt(m.seq);
  const data = own === null ? null : pieceOf(s, own, m);
  if (data === null) {
    if (!holdsStableState(s)) offerPresentState(s);
    return "state-fetch/unknown";
  }
  const { seq, part, level, index } = m;
  s.sendTo(from, { kind: "state-data", seq, part, level, index, data });
  s.peers.fetched(from, seq, s.now);
  holdFetched(s);
  return null;
}

/**
 * Keeps what others are fetching, and lets go what they fetch no more (ST3); once a tick too. A
 * fetcher asks each donor in turn, and answers take up to the longest timeout. One checkpoint is
 * kept for each replica, so a liar costs no more than one who lags.
 */
export function holdFetched(s: State): void {
  const { replicaCount, viewChangeTicksMax } = s.options;
  const roundTicks = (replicaCount - 1) * PIECE_TICKS_MAX;
  const seqs = s.peers.fetchedSince(s.now - viewChangeTicksMax - HOLD_ROUNDS * roundTicks);
  s.service.hold(seqs);
  s.checkpoints.hold(seqs);
}

/** One offer serves all who lag, and whoever asks all the time gets no more of them than others. */
function offerPresentState(s: State): void {
  if (s.now - s.offeredTicks < PATIENCE_TICKS) return;
  s.offeredTicks = s.now;
  takeInterimCheckpoint(s);
}

/** Whether whoever lags can have the state of the stable checkpoint from us. */
function holdsStableState(s: State): boolean {
  const stableSeq = s.log.lowWatermark;
  return s.checkpoints.ownAt(stableSeq) !== null && s.service.pageCount(stableSeq) !== null;
}

function pieceOf(s: State, own: OwnCheckpoint, m: StateFetch): Uint8Array | null {
  switch (m.part) {
    case StatePart.summary:
      return summaryOf(s, own);
    case StatePart.node:
      return s.service.treeNode(m.seq, m.level, m.index);
    case StatePart.page:
      return s.service.page(m.seq, m.index);
    case StatePart.session: {
      const entry = own.tableEntries[m.index];
      return entry === undefined ? null : encodeSession(entry);
    }
  }
}

function summaryOf(s: State, { seq, tableSummary }: OwnCheckpoint): Uint8Array | null {
  const pageCount = s.service.pageCount(seq);
  if (pageCount === null) return null;
  const topLevel = s.service.levelCount(pageCount) - 1;
  const topNode = s.service.treeNode(seq, topLevel, 0);
  if (topNode === null) return null;
  const topDigest = s.service.digestOf(topLevel, topNode);
  return encodeSummary({ topDigest, pageCount, tableSummary });
}

/** A piece that was asked for. */
export function onStateData(s: State, m: Verified<StateData>): RejectCode | null {
  switch (s.transfer.accept(m, s.now)) {
    case "accepted":
      return null;
    case "not-wanted":
      return "state-data/not-wanted";
    case "wrong":
      return "state-data/wrong-digest";
  }
}

/** Decides whether state must be fetched, fetches, and hands over what is complete. */
export function settleTransfer(s: State): void {
  if (s.installing !== null || s.executing !== null) return;
  // W votes suffice: one of them is a correct replica's, which holds that state durably (ST1).
  const newest = s.checkpoints.certificates(s.quorums.weak).at(-1);
  chooseTarget(s, newest ?? s.checkpoints.stable);
  const fetched = s.transfer.finished();
  if (fetched !== null) installFetched(s, fetched);
}

function chooseTarget(s: State, certificate: StableCertificate): void {
  const { target } = s.transfer;
  if (target !== null && !s.diverged && target.seq <= s.executedSeq) s.transfer.end();
  if (!needsTransfer(s, certificate)) {
    s.behindSinceTicks = null;
    return;
  }
  s.behindSinceTicks ??= s.now;
  const waited = s.now - s.behindSinceTicks;
  if (s.transfer.target === null) {
    if (s.diverged || waited >= PATIENCE_TICKS) s.transfer.begin(certificate, s.now);
  } else if (certificate.seq > s.transfer.target.seq) {
    if (s.transfer.isStuck(s.now)) s.transfer.begin(certificate, s.now);
  }
}

/** Whether the log alone cannot bring this replica to a checkpoint that Q others have passed. */
function needsTransfer(s: State, certificate: StableCertificate): boolean {
  if (s.diverged) return true;
  if (certificate.seq <= s.executedSeq) return false;
  return !s.log.isDecided(s.executedSeq + 1);
}

/** Asks for pieces; called once a tick, which is also what bounds the rate. */
export function fetchState(s: State): void {
  if (s.transfer.target === null) return;
  const donors = [];
  for (let step = 1; step < s.options.replicaCount; step += 1) {
    donors.push((s.self + step) % s.options.replicaCount);
  }
  for (const { to, fetch } of s.transfer.fetches(s.now, donors)) s.sendTo(to, fetch);
}

function installFetched(s: State, fetched: FetchedState): void {
  const entries = fetched.tableEntries.map((bytes) => {
    const entry = decodeSession(bytes);
    assert(entry !== null, "a quorum vouched for this entry");
    return entry;
  });
  const { target } = s.transfer;
  assert(target !== null, "a finished transfer has a target");
  s.installing = { certificate: target, fetched, entries };
  const { seq, serviceRoot, pages } = fetched;
  s.emit({
    kind: "install",
    seq,
    serviceRoot,
    pages,
    sessions: entries.filter((entry) => entry.timestamp > 0),
    evictedThrough: entries.filter((entry) => entry.timestamp === 0),
  });
}

/** What `installFetched` asked for is done, durably: go on from there (ST4, ST5). */
export function onInstalled(s: State, seq: Seq): void {
  const { installing } = s;
  assert(installing?.fetched.seq === seq, "the host answers the installation that was asked for");
  assert(s.checkpointBegun === null, "the last root is told before its state is replaced");
  s.installing = null;
  forgetTentative(s);
  s.orderedTicks = s.waitTicks;
  s.transfer.end();
  s.behindSinceTicks = null;
  // Of a wrong state all checkpoints are wrong, else only those of what is executed again.
  s.checkpoints.forgetOwnAbove(s.diverged ? s.log.lowWatermark : seq);
  s.diverged = false;
  s.clients.restoreSnapshot(installing.entries);
  // A wrong state may have been further: what clients were told of is executed again first.
  s.readBarrierSeq = Math.max(s.readBarrierSeq, s.executedSeq);
  s.executedSeq = seq;
  s.storedSeq = seq;
  keepInstalled(s, installing);
  judgeByInstalled(s, seq, installing.entries);
  for (const { client, session, timestamp } of installing.entries) {
    if (timestamp === 0) s.pool.expired(client, session);
    else s.pool.executed(client, session, timestamp);
  }
  s.assignedSeq = Math.max(s.assignedSeq, seq);
  if (seq > s.log.lowWatermark && isRegular(s, seq)) vouchForInstalled(s, installing.certificate);
  answerRestored(s, installing.entries);
}

/**
 * The state is durable here too: it is stable if Q say so, else our vote may complete the quorum.
 */
function vouchForInstalled(s: State, certificate: StableCertificate): void {
  if (certificate.votes.length >= s.quorums.strong) stabilize(s, certificate);
  else if (s.mayVote) signCheckpoint(s, certificate.seq, certificate.stateDigest);
}

function keepInstalled(s: State, installing: NonNullable<State["installing"]>): void {
  const { fetched, entries, certificate } = installing;
  const { seq, tableSummary } = fetched;
  const { stateDigest } = certificate;
  s.checkpoints.keepOwn({ seq, stateDigest, tableSummary, tableEntries: entries });
}

/** Clients may still wait for replies that we, left out, never sent (RO4 v). */
function answerRestored(s: State, entries: readonly SessionEntry[]): void {
  for (const entry of entries) {
    if (entry.timestamp === 0) continue;
    const { session, timestamp, seq, code, results } = entry;
    const reply = { kind: "reply", view: s.view, session, timestamp, seq, code, results } as const;
    s.reply(entry, reply, null);
  }
}
