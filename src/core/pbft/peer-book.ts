import type { ReplicaId, Seq, Ticks, View } from "../base/ids.js";

interface Peer {
  /** The last batch that it said it executed, and when it said so. */
  executedSeq: Seq;
  heardTicks: Ticks;
  /** When a status of it was last answered. */
  answeredTicks: Ticks;
  /** Pieces of state it was sent in the present tick (ST6). */
  fetchesTicks: Ticks;
  fetches: number;
  /** The checkpoint of which it was last sent a piece, and when; null before the first. */
  fetched: { readonly seq: Seq; readonly ticks: Ticks } | null;
  /** Which view's NEW-VIEW it was sent last, and when. */
  newView: View;
  newViewTicks: Ticks;
}

/** Shortest time between two answers to statuses of one replica (RT4). */
const ANSWER_TICKS_MIN = 2;

/**
 * Shortest time between two sendings of one NEW-VIEW to one replica (RT4): it is the largest of all
 * messages, and on its way until the next status.
 */
const NEW_VIEW_TICKS_MIN = 10;

/**
 * Pieces of state that one replica gets in one tick: bounds what donating costs the ordering (ST6).
 */
const FETCHES_PER_TICK_MAX = 16;

/** What is remembered of the other replicas: how far they are, and what they were given lately. */
export class PeerBook {
  readonly #peers: Peer[];
  /** What they said they executed, descending; null after a change. */
  #executed: Seq[] | null = null;

  constructor(replicaCount: number) {
    this.#peers = Array.from({ length: replicaCount }, () => ({
      executedSeq: 0,
      heardTicks: -Infinity,
      answeredTicks: -ANSWER_TICKS_MIN,
      fetchesTicks: 0,
      fetches: 0,
      fetched: null,
      newView: 0,
      newViewTicks: 0,
    }));
  }

  /** Whether a status of `replica` may be answered now; counts it if so. */
  mayAnswer(replica: ReplicaId, now: Ticks): boolean {
    const peer = this.#peers[replica];
    if (peer === undefined || now - peer.answeredTicks < ANSWER_TICKS_MIN) return false;
    peer.answeredTicks = now;
    return true;
  }

  /** Whether `replica` may be sent the NEW-VIEW of `view` now; counts it if so. */
  mayHaveNewView(replica: ReplicaId, view: View, now: Ticks): boolean {
    const peer = this.#peers[replica];
    if (peer === undefined) return false;
    if (peer.newView === view && now - peer.newViewTicks < NEW_VIEW_TICKS_MIN) return false;
    peer.newView = view;
    peer.newViewTicks = now;
    return true;
  }

  /** Whether `replica` may be sent a piece of state now; counts it if so. */
  mayFetch(replica: ReplicaId, now: Ticks): boolean {
    const peer = this.#peers[replica];
    if (peer === undefined) return false;
    if (peer.fetchesTicks !== now) {
      peer.fetchesTicks = now;
      peer.fetches = 0;
    }
    peer.fetches += 1;
    return peer.fetches <= FETCHES_PER_TICK_MAX;
  }

  /** Notes that `replica` is sent a piece of the checkpoint at `seq`. */
  fetched(replica: ReplicaId, seq: Seq, now: Ticks): void {
    const peer = this.#peers[replica];
    if (peer !== undefined) peer.fetched = { seq, ticks: now };
  }

  /** The checkpoints that others were sent pieces of since `sinceTicks` (included): one each. */
  fetchedSince(sinceTicks: Ticks): Seq[] {
    const seqs: Seq[] = [];
    for (const { fetched } of this.#peers) {
      if (fetched !== null && fetched.ticks >= sinceTicks) seqs.push(fetched.seq);
    }
    return seqs;
  }

  /** Notes how far `replica` says it is. */
  saw(replica: ReplicaId, executedSeq: Seq, now: Ticks): void {
    const peer = this.#peers[replica];
    if (peer === undefined) return;
    peer.heardTicks = now;
    if (peer.executedSeq === executedSeq) return;
    peer.executedSeq = executedSeq;
    this.#executed = null;
  }

  /** How many said since `sinceTicks` (included) that they have not executed `seq`. */
  countBehind(seq: Seq, sinceTicks: Ticks): number {
    return this.#peers.filter((peer) => peer.heardTicks >= sinceTicks && peer.executedSeq < seq)
      .length;
  }

  /** How many, `except` not counted, said that they have executed more than `seq`. */
  countAhead(seq: Seq, except: ReplicaId): number {
    return this.#peers.filter((peer, id) => id !== except && peer.executedSeq > seq).length;
  }

  /** A number that at least `quorum` others say they executed; one liar more cannot raise it. */
  executedByQuorum(quorum: number): Seq {
    this.#executed ??= this.#peers
      .map((peer) => peer.executedSeq)
      .sort((left, right) => right - left);
    return this.#executed[quorum - 1] ?? 0;
  }
}
