import { bytesEqual } from "../base/bytes.js";
import type { Digest } from "../base/hasher.js";
import type { ReplicaId, Seq } from "../base/ids.js";
import { quorumsOf } from "../base/quorum.js";
import type { Checkpoint } from "../message.js";
import type { SessionEntry } from "./session-entry.js";

/** Q signed CHECKPOINTs for one digest: proof, to anyone, that the checkpoint is stable (CK3). */
export interface StableCertificate {
  readonly seq: Seq;
  readonly stateDigest: Digest;
  /** At least Q, from distinct replicas. Empty for the genesis state, which needs no proof. */
  readonly votes: readonly Checkpoint[];
}

/** A checkpoint of our own whose digest is not known yet. */
export interface CheckpointBegun {
  readonly seq: Seq;
  /** The client table's digests and entries as of `seq`. */
  readonly tableSummary: Uint8Array;
  readonly tableEntries: readonly SessionEntry[];
}

/** A checkpoint of our own: what it takes to vote for it and to hand its state to others. */
export interface OwnCheckpoint extends CheckpointBegun {
  readonly stateDigest: Digest;
}

/** Votes kept of one replica: those inside the window, and the newest beyond it (CK5). */
const VOTES_PER_REPLICA_MAX = 4;

/**
 * Own checkpoints kept: the stable one, the one before for slow fetchers (ST3), and those above.
 */
const OWN_BELOW_STABLE_MAX = 1;

/**
 * Own checkpoints kept that were taken for replicas that lag (`keepOffered`): the present one, and
 * the one before for whoever is still fetching it.
 */
const OWN_OFFERED_MAX = 2;

/** The checkpoints this replica took, and the votes it holds for everybody's. */
export class CheckpointBook {
  readonly #own = new Map<Seq, OwnCheckpoint>();
  /** Those of `#own` that were only offered, in the order in which they were taken. */
  readonly #offered = new Set<Seq>();
  /** Per replica, ascending by sequence number. */
  readonly #votes: Checkpoint[][];
  readonly #weak: number;
  readonly #strong: number;
  /** Own checkpoints that somebody is fetching. */
  #held: readonly Seq[] = [];
  #stable: StableCertificate;
  /** What `splitSeq` found; null after a change. */
  #split: { readonly seq: Seq | null } | null = null;
  /** What W votes agree on; null after a change. */
  #certificates: readonly StableCertificate[] | null = null;

  constructor(replicaCount: number) {
    const { weak, strong } = quorumsOf(replicaCount);
    this.#weak = weak;
    this.#strong = strong;
    this.#votes = Array.from({ length: replicaCount }, () => []);
    this.#stable = { seq: 0, stateDigest: new Uint8Array(0), votes: [] };
  }

  /** The last stable checkpoint. */
  get stable(): StableCertificate {
    return this.#stable;
  }

  /** Own checkpoints, ascending. */
  own(): OwnCheckpoint[] {
    return [...this.#own.values()].sort((left, right) => left.seq - right.seq);
  }

  /** The own checkpoint at `seq`, or null. */
  ownAt(seq: Seq): OwnCheckpoint | null {
    return this.#own.get(seq) ?? null;
  }

  /** Keeps a checkpoint that was just taken or installed. */
  keepOwn(checkpoint: OwnCheckpoint): void {
    this.#own.set(checkpoint.seq, checkpoint);
  }

  /**
   * Keeps a checkpoint that was taken for replicas that lag, and forgets the oldest such: each
   * holds the client table as it was.
   */
  keepOffered(checkpoint: OwnCheckpoint): void {
    this.keepOwn(checkpoint);
    this.#offered.add(checkpoint.seq);
    const free = [...this.#offered].filter((seq) => !this.#held.includes(seq));
    for (const seq of free.slice(0, Math.max(0, free.length - OWN_OFFERED_MAX))) this.#forget(seq);
  }

  /** From now on the own checkpoints at `seqs` are kept although newer ones come (ST3). */
  hold(seqs: readonly Seq[]): void {
    this.#held = seqs;
  }

  /**
   * Hands in a vote; its signer is its `replica`. The first one for a sequence number stands (AU6).
   */
  add(vote: Checkpoint): "counted" | "duplicate" | "conflict" {
    const votes = this.#votes[vote.replica] ?? [];
    const held = votes.find((other) => other.seq === vote.seq);
    if (held !== undefined) {
      return bytesEqual(held.stateDigest, vote.stateDigest) ? "duplicate" : "conflict";
    }
    this.#certificates = null;
    this.#split = null;
    votes.push(vote);
    votes.sort((left, right) => left.seq - right.seq);
    // The newest is kept because it says how far others are; then the oldest, which is needed
    // first.
    if (votes.length > VOTES_PER_REPLICA_MAX) votes.splice(-2, 1);
    return "counted";
  }

  /** Bit i: replica i's vote for `seq` is held. */
  mask(seq: Seq): number {
    let mask = 0;
    for (const [replica, votes] of this.#votes.entries()) {
      if (votes.some((vote) => vote.seq === seq)) mask |= 1 << replica;
    }
    return mask;
  }

  /** The votes held of `replica`, ascending. */
  votesBy(replica: ReplicaId): readonly Checkpoint[] {
    return this.#votes[replica] ?? [];
  }

  /** Votes held of the replica of which most are (I11). */
  get votesOfReplicaMost(): number {
    return Math.max(...this.#votes.map((votes) => votes.length));
  }

  /** The checkpoints above the stable one with at least `quorum` equal votes, ascending. */
  certificates(quorum: number): readonly StableCertificate[] {
    this.#certificates ??= this.#findCertificates();
    if (this.#certificates.length === 0) return this.#certificates;
    return this.#certificates.filter(({ votes }) => votes.length >= quorum);
  }

  /**
   * The first checkpoint about which so many disagree that no Q can ever vouch for it, or null:
   * more than f replicas have a wrong state (CK3).
   */
  get splitSeq(): Seq | null {
    this.#split ??= { seq: this.#findSplit() };
    return this.#split.seq;
  }

  #findSplit(): Seq | null {
    const votes = this.#votes.flat();
    const seqs = new Set(votes.map(({ seq }) => seq));
    for (const seq of [...seqs].sort((left, right) => left - right)) {
      const ofSeq = votes.filter((vote) => vote.seq === seq);
      const equal = ofSeq.map(
        ({ stateDigest }) =>
          ofSeq.filter((vote) => bytesEqual(vote.stateDigest, stateDigest)).length,
      );
      const silentCount = this.#votes.length - ofSeq.length;
      if (Math.max(...equal) + silentCount < this.#strong) return seq;
    }
    return null;
  }

  #findCertificates(): StableCertificate[] {
    const found = new Map<Seq, StableCertificate>();
    for (const { seq, stateDigest } of this.#votes.flat()) {
      if (seq <= this.#stable.seq || found.has(seq)) continue;
      const votes = this.#equalVotes(seq, stateDigest);
      if (votes.length >= this.#weak) found.set(seq, { seq, stateDigest, votes });
    }
    return [...found.values()].sort((left, right) => left.seq - right.seq);
  }

  /** Makes a checkpoint the stable one and forgets what it covers. */
  stabilize(certificate: StableCertificate): void {
    this.#stable = certificate;
    this.#certificates = null;
    this.#split = null;
    for (const [replica, votes] of this.#votes.entries()) {
      this.#votes[replica] = votes.filter((vote) => vote.seq > certificate.seq);
    }
    const below = this.own().filter(
      ({ seq }) => seq < certificate.seq && !this.#held.includes(seq),
    );
    for (const { seq } of below.slice(0, Math.max(0, below.length - OWN_BELOW_STABLE_MAX))) {
      this.#forget(seq);
    }
  }

  /** Forgets own checkpoints above `seq`: the state they were taken of was replaced (CK4). */
  forgetOwnAbove(seq: Seq): void {
    for (const held of [...this.#own.keys()]) {
      if (held > seq) this.#forget(held);
    }
  }

  #forget(seq: Seq): void {
    this.#own.delete(seq);
    this.#offered.delete(seq);
  }

  #equalVotes(seq: Seq, stateDigest: Digest): Checkpoint[] {
    return this.#votes.flatMap((votes) =>
      votes.filter((vote) => vote.seq === seq && bytesEqual(vote.stateDigest, stateDigest)),
    );
  }
}
