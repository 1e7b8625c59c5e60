import type { Domain } from "../base/hasher.js";
import type { Check } from "../crypto/check.js";
import { MAC_BYTES } from "../crypto/crypto.js";

/** A request whose MAC of an authenticator is checked, and the signature that else counts. */
interface Authentication {
  /** Number of the MAC key, and where the MAC is. */
  readonly macKey: number;
  readonly tag: number;
  /** Number of the public key, and where the signature is: what it signs is before it. */
  readonly publicKey: number;
  readonly start: number;
  readonly signature: number;
}

/** The same, once its check has a number. */
interface Authenticated extends Authentication {
  readonly check: number;
}

/** How long a list was. */
interface Mark {
  readonly checks: number;
  readonly digests: number;
  readonly authenticated: number;
}

/** A list of checks under construction, which knows the numbers of its digests. */
export class CheckList {
  readonly checks: Check[] = [];
  /** What was demanded by `authenticator`, in order. */
  readonly authenticated: Authenticated[] = [];
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

  /** Demands the MAC of the digest computed last, which is that of `request`. */
  authenticator(request: Authentication): void {
    const { macKey, tag, publicKey, start, signature } = request;
    const check = this.checks.length;
    // Field by field: made by spreading, each one's shape costs V8 more than its MAC does.
    this.authenticated.push({ macKey, tag, publicKey, start, signature, check });
    this.checks.push({ kind: "digest-mac", key: macKey, digest: this.#digestCount - 1, tag });
  }

  /** Where the list ends now, for `rewind`. */
  mark(): Mark {
    const { checks, authenticated } = this;
    return {
      checks: checks.length,
      digests: this.#digestCount,
      authenticated: authenticated.length,
    };
  }

  /** Takes back all that was demanded since `mark`. */
  rewind(mark: Mark): void {
    this.checks.length = mark.checks;
    this.authenticated.length = mark.authenticated;
    this.#digestCount = mark.digests;
  }
}
