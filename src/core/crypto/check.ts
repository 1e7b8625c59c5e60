import type { Digest, Domain } from "../base/hasher.js";

/**
 * One thing to verify or compute over the bytes of a frame. A list of them is all that a
 * verification worker knows of the protocol. Offsets are into the job's bytes; `start` is included,
 * `end` excluded.
 */
export type Check =
  /** The 16 bytes at `tag` are the MAC of [`start`, `end`) under MAC key number `key`. */
  | {
      readonly kind: "mac";
      readonly key: number;
      readonly start: number;
      readonly end: number;
      readonly tag: number;
    }
  /** Compute the digest of [`start`, `end`). */
  | {
      readonly kind: "digest";
      readonly domain: Domain;
      readonly start: number;
      readonly end: number;
    }
  /**
   * Compute the digest of `count` digests computed before, from number `first` on, concatenated.
   */
  | {
      readonly kind: "digest-of-digests";
      readonly domain: Domain;
      readonly first: number;
      readonly count: number;
    }
  /**
   * The 64 bytes at `signature` are public key number `key`'s signature of digest number `digest`.
   */
  | {
      readonly kind: "signature";
      readonly key: number;
      readonly digest: number;
      readonly signature: number;
    }
  /** The 16 bytes at `tag` are the MAC of digest number `digest` under MAC key number `key`. */
  | {
      readonly kind: "digest-mac";
      readonly key: number;
      readonly digest: number;
      readonly tag: number;
    };

/** What came of a list of checks. */
export interface Verdict {
  /**
   * For each check, in order: 1 passed (or computed), 0 failed or not tried because the frame's MAC
   * failed.
   */
  readonly passed: Uint8Array;
  /** The digests computed, in order: number 0 is that of the first digest-like check. */
  readonly digests: readonly Digest[];
}

/**
 * Runs lists of checks, here or in workers. A failed `mac` ends a list: nothing after it is tried,
 * because its bytes come from nobody (AU7).
 */
export interface Verifier {
  /** For the log: provider and where it runs. */
  readonly description: string;

  /** Lists that wait for their verdicts. */
  readonly waitingCount: number;

  /**
   * False while too much of `source` is waiting: the caller drops or defers its work until it is
   * true again. A source that has little waiting finds room whatever the others do (RB1). Only what
   * a list that was accepted brings about may be submitted all the same: one more list.
   * @param source a number for whoever the work is done for.
   */
  canAccept(source: number): boolean;

  /**
   * Runs `checks` over `bytes` of `source`, which must not change until `done` is called. `done` is
   * called exactly once, during the call or later. Lists of one source that wait finish in the
   * order of their submission, and a list that is too small to wait may overtake those; sources
   * take turns.
   */
  submit(
    source: number,
    bytes: Uint8Array,
    checks: readonly Check[],
    done: (verdict: Verdict) => void,
  ): void;

  /**
   * Waits for work under way, then stops the workers. What is submitted from then on may fail
   * without having been looked at: a verdict that was waited for may bring more to verify.
   */
  close(): Promise<void>;
}
