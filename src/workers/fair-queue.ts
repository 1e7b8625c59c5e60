/** Something that waits for a thread, on behalf of whoever sent it. */
interface Waiting {
  readonly source: number;
  readonly costNs: number;
}

/**
 * Work of one source before it is the next one's turn, in nanoseconds: less than one batch of
 * signatures, more than a few single ones, so that turns cost little.
 */
const TURN_NS = 200_000;

/**
 * What waits, in order of arrival for each source, and served in turns: whoever sends much waits
 * for itself and not the others for it (RB1).
 */
export class FairQueue<T extends Waiting> {
  /** Never an empty one; the source whose turn it is comes first. */
  readonly #bySource = new Map<number, T[]>();
  #costNs = 0;

  /** What all that waits will cost. */
  get costNs(): number {
    return this.#costNs;
  }

  get isEmpty(): boolean {
    return this.#bySource.size === 0;
  }

  push(item: T): void {
    const waiting = this.#bySource.get(item.source);
    if (waiting === undefined) this.#bySource.set(item.source, [item]);
    else waiting.push(item);
    this.#costNs += item.costNs;
  }

  /** Takes what comes next, at least one item if there is one, until it costs `targetNs`. */
  take(targetNs: number): T[] {
    const taken: T[] = [];
    let costNs = 0;
    for (const [source, waiting] of this.#bySource) {
      const isAlone = this.#bySource.size === 1;
      const turnNs = isAlone ? targetNs - costNs : Math.min(TURN_NS, targetNs - costNs);
      const turn = takeTurn(waiting, turnNs);
      for (const item of turn) costNs += item.costNs;
      taken.push(...turn);
      // A map is in order of insertion: whoever had its turn goes to the end.
      this.#bySource.delete(source);
      if (waiting.length > 0) this.#bySource.set(source, waiting);
      if (costNs >= targetNs) break;
    }
    this.#costNs = this.isEmpty ? 0 : this.#costNs - costNs;
    return taken;
  }

  /** Takes everything. */
  drain(): T[] {
    return this.take(Number.POSITIVE_INFINITY);
  }
}

/** The first items, at least one, until they cost `turnNs`. */
function takeTurn<T extends Waiting>(waiting: T[], turnNs: number): T[] {
  let count = 0;
  let costNs = 0;
  for (const item of waiting) {
    if (count > 0 && costNs >= turnNs) break;
    costNs += item.costNs;
    count += 1;
  }
  return waiting.splice(0, count);
}
