import type { BundleReader, BundleWriter } from "./bundle.js";
import type { Digest } from "./hasher.js";
import type { ClientId, Seq } from "./ids.js";

/** A request as far as its results depend on it. */
export interface Previewed {
  readonly client: ClientId;
  readonly bundle: Uint8Array;
}

/**
 * The replicated state machine behind the protocol. The ledger is one; another can be put in its
 * place.
 *
 * Everything is synchronous and deterministic: no clock, no randomness, no I/O, no iteration over
 * unordered maps (BK5). Failures of an operation are results, never exceptions (BK1). An operation
 * that cannot be decoded yields a result too: its bytes come from a client.
 */
export interface Service {
  /**
   * Executes operations of `bundle` in order, from where that stands, and appends exactly one
   * result for each: all that are left, or `operationsMax`, 1 and up, if that is fewer. In how many
   * calls a bundle is executed changes nothing, if no other one is begun meanwhile.
   * @param results holds those of the bundle's operations so far, and nothing else.
   */
  execute(
    client: ClientId,
    bundle: BundleReader,
    results: BundleWriter,
    operationsMax?: number,
  ): void;

  /**
   * Answers every operation of `bundle` from the present state without changing it, one result
   * each. An operation that writes is refused with an error result, whatever flag it came with
   * (RO2).
   */
  query(client: ClientId, bundle: BundleReader, results: BundleWriter): void;

  /**
   * What `execute` would append for each of `requests` from the one numbered `first` on, if all of
   * them were executed now, one after the other; changes nothing. Null where that can't be told
   * without doing it.
   */
  preview(requests: readonly Previewed[], first: number): Uint8Array[] | null;

  /** Merkle root of the whole present state; rehashes only what changed since the last call. */
  root(): Digest;

  /**
   * Pins the present state as the one of checkpoint `seq`, so that its pages stay readable while
   * execution goes on (ST3). The previous pin is kept too; older ones are dropped unless held.
   * Takes little time: what changed is hashed later, as it is now.
   */
  pin(seq: Seq): void;

  /** Merkle root of the state pinned at `seq`, as `root` was then; null when it is not pinned. */
  pinRoot(seq: Seq): Digest | null;

  /**
   * From now on the pins at `seqs` are kept although newer ones come (ST3). Those of a former call
   * that are not among them go with the next pin.
   */
  hold(seqs: readonly Seq[]): void;

  /** The sequence numbers pinned now, ascending: the two newest, and those that are held. */
  pins(): readonly Seq[];

  /** Number of pages of the pinned state, or null when `seq` is not pinned. */
  pageCount(seq: Seq): number | null;

  /**
   * The concatenated 32-byte digests of the children of one inner node of the pinned tree, or null.
   * Level 0 is the level right above the pages. Checked by the receiver against the node's own
   * digest.
   */
  treeNode(seq: Seq, level: number, index: number): Uint8Array | null;

  /** The bytes of one page of the pinned state, or null. */
  page(seq: Seq, index: number): Uint8Array | null;

  /** Children of a full inner node: node i of a level has children i * treeFanOut and up. */
  readonly treeFanOut: number;

  /** Number of levels of inner nodes above `pageCount` pages; 1 and up. */
  levelCount(pageCount: number): number;

  /**
   * Digest of a page or node as the tree computes it, so that a fetcher can check what a donor
   * sent. `level` is -1 for a page.
   */
  digestOf(level: number, bytes: Uint8Array): Digest;

  /** Binds the top node's digest and the page count into the root, as `root()` does. */
  rootOf(pageCount: number, topDigest: Digest): Digest;

  /** Bytes of the present state's own page; null past the end. */
  presentPage(index: number): Uint8Array | null;

  /**
   * Replaces the whole state by `pages`, all of them, in order, and drops every pin. Called only
   * with pages whose digests lead to an agreed root.
   * @throws InvariantError when a page cannot be parsed: a quorum vouched for it, so the bug is
   * ours.
   */
  restore(pages: readonly Uint8Array[]): void;
}
