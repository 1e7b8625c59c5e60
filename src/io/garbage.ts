import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Has the calling thread's heap rid of all that nobody uses any more, at once: some milliseconds,
 * and more where more is in use. To be called when much was let go that had lived for long, as at
 * the end of a start: V8 else looks at what is old only once the heap has doubled, which then takes
 * as long as the heap has become large, in the middle of the work.
 */
export function collectGarbage(): void {
  // Not taken back: flags are the whole process's, and other threads may be just as far.
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
}

/**
 * How much a heap, and what lies outside of it since, may grow between two full collections, in per
 * cent of the heap then in use: some 20 MB in a replica. It has to stay below the 64 MiB outside at
 * which V8 marks for 5 to 10 ms at a time, in the middle of the work, rather than bit by bit beside
 * it: with 300 % and a million accounts it did, and turns took up to 15 ms.
 */
const GROWTH_PERCENT = 200;

/**
 * Has all heaps of this process grow to three times what they use before a full collection, where
 * V8's own choice is less than twice. A replica under load keeps every datagram until a checkpoint
 * covers it, which to V8 is a heap that grows by half every 400 ms: it made 40 full collections in
 * eight seconds, with 10,000 accounts, and each held the main loop up for up to 10 ms. That of a
 * replica is 20 MB without what it holds between checkpoints, so what this costs is small. To be
 * called once, by a process that has no other use.
 */
export function collectSeldom(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
