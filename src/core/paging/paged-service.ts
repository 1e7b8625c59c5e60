import { type Digest, Domain, type Hasher } from "../base/hasher.js";
import type { Seq } from "../base/ids.js";
import { FAN_OUT, levelCount, rootOf } from "./merkle-tree.js";
import type { StateTree } from "./state-tree.js";

/** What every service does that keeps its state in a `StateTree`: that part of `Service`. */
export abstract class PagedService<Copy> {
  readonly treeFanOut = FAN_OUT;
  protected readonly hasher: Hasher;

  constructor(hasher: Hasher) {
    this.hasher = hasher;
  }

  /** The tree over the present state. */
  protected abstract get tree(): StateTree<Copy>;

  /** Reads `pages`, all of a state, in step by step, and returns what then makes it the present. */
  abstract readIn(pages: readonly Uint8Array[]): Generator<void, () => void>;

  root(): Digest {
    return this.tree.root();
  }

  /**
   * Does a part of what the next `root` has to: hashes up to `pagesMax` pages, 1 and up, or what is
   * above them. Returns whether nothing is left to do.
   */
  rehash(pagesMax: number): boolean {
    return this.tree.rehash(pagesMax);
  }

  pin(seq: Seq): void {
    this.tree.pin(seq);
  }

  /** Does likewise a part of what the next `pinRoot` has to. */
  rehashPin(pagesMax: number): boolean {
    return this.tree.rehashPin(pagesMax);
  }

  pinRoot(seq: Seq): Digest | null {
    return this.tree.pinRoot(seq);
  }

  hold(seqs: readonly Seq[]): void {
    this.tree.hold(seqs);
  }

  pins(): readonly Seq[] {
    return this.tree.pins();
  }

  pageCount(seq: Seq): number | null {
    return this.tree.pageCount(seq);
  }

  treeNode(seq: Seq, level: number, index: number): Uint8Array | null {
    return this.tree.treeNode(seq, level, index);
  }

  page(seq: Seq, index: number): Uint8Array | null {
    return this.tree.page(seq, index);
  }

  levelCount(pageCount: number): number {
    return levelCount(pageCount);
  }

  digestOf(level: number, bytes: Uint8Array): Digest {
    return this.hasher.digest(level < 0 ? Domain.page : Domain.node, bytes);
  }

  rootOf(pageCount: number, topDigest: Digest): Digest {
    return rootOf(this.hasher, pageCount, topDigest);
  }

  presentPage(index: number): Uint8Array | null {
    return this.tree.presentPage(index);
  }

  restore(pages: readonly Uint8Array[]): void {
    const steps = this.readIn(pages);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    step.value();
  }
}
