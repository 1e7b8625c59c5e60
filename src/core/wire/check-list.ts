import type { Domain } from "../base/hasher.js";
import type { Check } from "../crypto/check.js";
import { MAC_BYTES } from "../crypto/crypto.js";

/** A list of checks under construction, which knows the numbers of its digests. */
export class CheckList {
  readonly checks: Check[] = [];
  #digestCount = 0;

  /** The digests that the list computes so far. */
  get digestCount(): number {
    return this.#digestCount;
  }

  /** Demands the MAC of a whole frame of `frameBytes`; to be the first check (AU7). */
  mac(key: number, frameBytes: number): void {
    this.checks.push({ kind: "mac", key, start: MAC_BYTES, end: frameBytes, tag: 0 });
  }

  /** Computes a digest of [`start`, `end`); returns its number. */
  digest(domain: Domain, start: number, end: number): number {
    this.checks.push({ kind: "digest", domain, start, end });
    return this.#digestCount++;
  }

  /** Computes the digest of `count` digests from number `first` on; returns its number. */
  digestOfDigests(domain: Domain, first: number, count: number): number {
    this.checks.push({ kind: "digest-of-digests", domain, first, count });
    return this.#digestCount++;
  }

  /** Demands that the bytes at `signature` are the signature of digest number `digest`. */
  signature(key: number, digest: number, signature: number): void {
    this.checks.push({ kind: "signature", key, digest, signature });
  }

  /** Takes back all checks from number `checkCount` on, `digestCount` digests staying. */
  rewind(checkCount: number, digestCount: number): void {
    this.checks.length = checkCount;
    this.#digestCount = digestCount;
  }
}
