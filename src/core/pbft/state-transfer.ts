/*
 * Fetching the state of a stable checkpoint (TOCS'02 section 5.3; rules ST1 to ST6).
 *
 * From the top down: the summary is checked against the certificate, every node against its parent,
 * every page and table entry against its digest. So it does not matter who sends a piece, and a
 * liar costs one retry. Pages that equal our own are not fetched; verified pieces survive a change
 * of target, because they are kept by digest.
 */
import { assert } from "../base/assert.js";
import { bytesEqual, hexOf } from "../base/bytes.js";
import { DIGEST_BYTES, Domain, type Digest, type Hasher } from "../base/hasher.js";
import type { ReplicaId, Seq, Ticks } from "../base/ids.js";
import type { Service } from "../base/service.js";
import { StatePart, type StateData, type StateFetch } from "../message.js";
import type { StableCertificate } from "./checkpoint-book.js";
import { stateDigestOf } from "./state-digest.js";

/**
 * Pieces asked for and not yet answered: enough to fill a round trip, few enough to bound a burst.
 */
const PIECES_IN_FLIGHT_MAX = 32;

/** Time after which a piece is asked of the next donor. */
export const PIECE_TICKS_MAX = 15;

/**
 * Time without a piece after which a transfer goes on with a newer checkpoint (ST3). Under load
 * donors move on long before a large state is fetched, and what was verified stays. Doubled with
 * every checkpoint given up: honest answers may take longer, whatever a liar who is faster sends.
 */
const PATIENCE_TICKS_MIN = 30;

const PAGE_COUNT_BYTES = 4;
const SUMMARY_HEADER_BYTES = DIGEST_BYTES + PAGE_COUNT_BYTES;

interface Piece {
  readonly part: StatePart;
  readonly level: number;
  readonly index: number;
  /** What its digest must be; null for the summary, which is checked as a whole. */
  readonly expected: Digest | null;
  askedTicks: Ticks | null;
  attempts: number;
}

/** The state of a checkpoint, complete and verified. */
export interface FetchedState {
  readonly seq: Seq;
  readonly serviceRoot: Digest;
  readonly pages: readonly Uint8Array[];
  readonly tableSummary: Uint8Array;
  /** Encoded entries of the client table, in the order of the summary. */
  readonly tableEntries: readonly Uint8Array[];
}

/**
 * What leads from a checkpoint's digest to everything else. The service's root is not in it: it
 * follows from page count and top node, so that no donor can lie about the shape of the tree.
 */
interface Summary {
  readonly topDigest: Digest;
  readonly pageCount: number;
  readonly tableSummary: Uint8Array;
}

/** The summary of a checkpoint as it travels. */
export function encodeSummary(summary: Summary): Uint8Array {
  const bytes = new Uint8Array(SUMMARY_HEADER_BYTES + summary.tableSummary.length);
  bytes.set(summary.topDigest);
  new DataView(bytes.buffer).setUint32(DIGEST_BYTES, summary.pageCount);
  bytes.set(summary.tableSummary, SUMMARY_HEADER_BYTES);
  return bytes;
}

function decodeSummary(bytes: Uint8Array): Summary | null {
  if (bytes.length < SUMMARY_HEADER_BYTES) return null;
  if ((bytes.length - SUMMARY_HEADER_BYTES) % DIGEST_BYTES !== 0) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    topDigest: bytes.slice(0, DIGEST_BYTES),
    pageCount: view.getUint32(DIGEST_BYTES),
    tableSummary: bytes.slice(SUMMARY_HEADER_BYTES),
  };
}

/** One replica's fetching side. */
export class StateTransfer {
  readonly #hasher: Hasher;
  readonly #service: Service;
  readonly #patienceTicksMax: Ticks;
  #target: StableCertificate | null = null;
  #summary: Summary | null = null;
  #pieces: Piece[] = [];
  /** When the last piece of the present target came, or fetching it began. */
  #progressTicks: Ticks = 0;
  #patienceTicks: Ticks = PATIENCE_TICKS_MIN;
  /** Verified pages and table entries, by digest. */
  readonly #verified = new Map<string, Uint8Array>();
  #pageDigests: (Digest | null)[] = [];

  /** @param patienceTicksMax the longest time that answers may need, as with a view change. */
  constructor(hasher: Hasher, service: Service, patienceTicksMax: Ticks) {
    this.#hasher = hasher;
    this.#service = service;
    this.#patienceTicksMax = patienceTicksMax;
  }

  /** What is being fetched, or null. */
  get target(): StableCertificate | null {
    return this.#target;
  }

  /** Whether no piece came for so long that a newer target is worth more. */
  isStuck(now: Ticks): boolean {
    return now - this.#progressTicks >= this.#patienceTicks;
  }

  /** Starts, or goes on with a newer target. Pieces verified before are kept. */
  begin(target: StableCertificate, now: Ticks): void {
    if (this.#target !== null) {
      this.#patienceTicks = Math.min(2 * this.#patienceTicks, this.#patienceTicksMax);
    }
    this.#target = target;
    this.#progressTicks = now;
    this.#summary = null;
    this.#pageDigests = [];
    this.#pieces = [newPiece(StatePart.summary, 0, 0, null)];
  }

  /** Gives the transfer up: it is done, or the log went on by itself. */
  end(): void {
    this.#target = null;
    this.#patienceTicks = PATIENCE_TICKS_MIN;
    this.#summary = null;
    this.#pieces = [];
    this.#pageDigests = [];
    this.#verified.clear();
  }

  /**
   * What to ask for now, and of which of the `donors`; asks again what was not answered in time.
   */
  fetches(now: Ticks, donors: readonly ReplicaId[]): { to: ReplicaId; fetch: StateFetch }[] {
    const target = this.#target;
    if (target === null) return [];
    const asked: { to: ReplicaId; fetch: StateFetch }[] = [];
    for (const piece of this.#pieces.slice(0, PIECES_IN_FLIGHT_MAX)) {
      if (piece.askedTicks !== null && now - piece.askedTicks < PIECE_TICKS_MAX) continue;
      const to = donors[(piece.index + piece.attempts) % donors.length];
      assert(to !== undefined, "there are other replicas");
      piece.askedTicks = now;
      piece.attempts += 1;
      const { part, level, index } = piece;
      asked.push({ to, fetch: { kind: "state-fetch", seq: target.seq, part, level, index } });
    }
    return asked;
  }

  /** Takes one piece; false when it is not what its parent's digest says. */
  accept(m: StateData, now: Ticks): "accepted" | "not-wanted" | "wrong" {
    if (m.seq !== this.#target?.seq) return "not-wanted";
    const piece = this.#pieces.find(
      ({ part, level, index }) => part === m.part && level === m.level && index === m.index,
    );
    if (piece === undefined) return "not-wanted";
    if (!this.#take(piece, m.data)) {
      piece.askedTicks = null;
      return "wrong";
    }
    this.#pieces.splice(this.#pieces.indexOf(piece), 1);
    this.#progressTicks = now;
    return "accepted";
  }

  /** The whole state once nothing is missing, else null. */
  finished(): FetchedState | null {
    const [target, summary] = [this.#target, this.#summary];
    if (target === null || summary === null || this.#pieces.length > 0) return null;
    const pages = this.#pageDigests.map((digest) => this.#held(digest));
    const tableEntries = digestsOf(summary.tableSummary).map((digest) => this.#held(digest));
    const { topDigest, pageCount, tableSummary } = summary;
    const serviceRoot = this.#service.rootOf(pageCount, topDigest);
    return { seq: target.seq, serviceRoot, pages, tableSummary, tableEntries };
  }

  #held(digest: Digest | null): Uint8Array {
    const bytes = digest === null ? undefined : this.#verified.get(hexOf(digest));
    assert(bytes !== undefined, "nothing is missing any more");
    return bytes;
  }

  #take(piece: Piece, data: Uint8Array): boolean {
    switch (piece.part) {
      case StatePart.summary:
        return this.#takeSummary(data);
      case StatePart.node:
        return this.#takeNode(piece, data);
      case StatePart.page:
        return this.#takeLeaf(piece, this.#service.digestOf(-1, data), data);
      case StatePart.session:
        return this.#takeLeaf(piece, this.#hasher.digest(Domain.clientTable, data), data);
    }
  }

  #takeSummary(data: Uint8Array): boolean {
    const summary = decodeSummary(data);
    if (summary === null || this.#target === null) return false;
    const { seq, stateDigest } = this.#target;
    const tableDigest = this.#hasher.digest(Domain.clientTable, summary.tableSummary);
    const serviceRoot = this.#service.rootOf(summary.pageCount, summary.topDigest);
    const found = stateDigestOf(this.#hasher, seq, serviceRoot, tableDigest);
    if (!bytesEqual(found, stateDigest)) return false;
    this.#summary = summary;
    this.#pageDigests = new Array<Digest | null>(summary.pageCount).fill(null);
    const topLevel = this.#service.levelCount(summary.pageCount) - 1;
    this.#pieces.push(newPiece(StatePart.node, topLevel, 0, summary.topDigest));
    for (const [index, digest] of digestsOf(summary.tableSummary).entries()) {
      if (this.#verified.has(hexOf(digest))) continue;
      this.#pieces.push(newPiece(StatePart.session, 0, index, digest));
    }
    return true;
  }

  #takeNode(piece: Piece, data: Uint8Array): boolean {
    if (piece.expected === null || data.length % DIGEST_BYTES !== 0) return false;
    const digest = this.#service.digestOf(piece.level, data);
    if (!bytesEqual(digest, piece.expected)) return false;
    const fanOut = this.#service.treeFanOut;
    for (const [offset, child] of digestsOf(data).entries()) {
      this.#want(piece.level - 1, piece.index * fanOut + offset, child);
    }
    return true;
  }

  /** A child of a verified node: a page we hold already is copied, all else is fetched. */
  #want(level: number, index: number, digest: Digest): void {
    if (level >= 0) {
      this.#pieces.push(newPiece(StatePart.node, level, index, digest));
      return;
    }
    this.#pageDigests[index] = digest;
    if (this.#verified.has(hexOf(digest))) return;
    const own = this.#service.presentPage(index);
    // Hashed anew: a digest computed earlier proves nothing about bytes that may have rotted since.
    if (own !== null && bytesEqual(this.#service.digestOf(-1, own), digest)) {
      this.#verified.set(hexOf(digest), own.slice());
    } else this.#pieces.push(newPiece(StatePart.page, 0, index, digest));
  }

  #takeLeaf(piece: Piece, found: Digest, data: Uint8Array): boolean {
    if (piece.expected === null || !bytesEqual(found, piece.expected)) return false;
    this.#verified.set(hexOf(found), data.slice());
    return true;
  }
}

function newPiece(part: StatePart, level: number, index: number, expected: Digest | null): Piece {
  return { part, level, index, expected, askedTicks: null, attempts: 0 };
}

function digestsOf(bytes: Uint8Array): Digest[] {
  const digests: Digest[] = [];
  for (let start = 0; start < bytes.length; start += DIGEST_BYTES) {
    digests.push(bytes.subarray(start, start + DIGEST_BYTES));
  }
  return digests;
}
