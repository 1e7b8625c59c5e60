import { assert, unreachable } from "../core/base/assert.js";
import { bytesConcat } from "../core/base/bytes.js";
import type { Digest } from "../core/base/hasher.js";
import type { Check, Verdict } from "../core/crypto/check.js";
import { MAC_BYTES, SIGNATURE_BYTES } from "../core/crypto/crypto.js";
import type { CryptoName, CryptoProvider } from "../core/crypto/crypto.js";
import { ClusterHasher } from "../core/crypto/prefix.js";
import { singleCostNs } from "./check-cost.js";

/** The keys that checks name by number; none of it changes once a verifier has it. */
export interface CheckKeys {
  /** 32 bytes, part of every digest. */
  readonly clusterId: Uint8Array;
  /** By number of the MAC key: its prefix block (128 bytes) from `macPrefix`. */
  readonly macPrefixes: readonly Uint8Array[];
  /** By number of the public key: its 32 bytes. */
  readonly publicKeys: readonly Uint8Array[];
}

/** A list of checks that is being run, and what came of it so far. */
export class CheckRun {
  readonly bytes: Uint8Array;
  readonly checks: readonly Check[];
  /** Valid once it is over. */
  readonly verdict: { readonly passed: Uint8Array; readonly digests: Digest[] };
  /** Number of the check to run next. */
  next = 0;

  constructor(bytes: Uint8Array, checks: readonly Check[]) {
    this.bytes = bytes;
    this.checks = checks;
    this.verdict = { passed: new Uint8Array(checks.length), digests: [] };
  }

  /** Whether nothing is left to run. */
  get isOver(): boolean {
    return this.next >= this.checks.length;
  }

  /** The check to run next is a signature, which somebody else has verified. */
  settleSignature(hasPassed: boolean): void {
    assert(this.checks[this.next]?.kind === "signature", "a signature comes next");
    if (hasPassed) this.verdict.passed[this.next] = 1;
    this.next += 1;
  }
}

/** The verdicts on a MAC that has nothing behind it; shared, for most frames hold nothing else. */
const RIGHT_MAC: Verdict = { passed: Uint8Array.of(1), digests: [] };
const WRONG_MAC: Verdict = { passed: Uint8Array.of(0), digests: [] };

/** The verdict on checks that nobody looked at. */
export function nothingPassed(checks: readonly Check[]): Verdict {
  return { passed: new Uint8Array(checks.length), digests: [] };
}

/** Runs lists of checks, synchronously: the same code on the main thread and in workers. */
export class CheckRunner {
  readonly #provider: CryptoProvider;
  readonly #keys: CheckKeys;
  readonly #hasher: ClusterHasher;
  readonly #tag = new Uint8Array(MAC_BYTES);

  constructor(provider: CryptoProvider, keys: CheckKeys) {
    this.#provider = provider;
    this.#keys = keys;
    this.#hasher = new ClusterHasher(provider, keys.clusterId);
  }

  /** Whose cryptography it runs on. */
  get cryptoName(): CryptoName {
    return this.#provider.name;
  }

  /**
   * Runs `checks` over `bytes` in order, up to a `mac` that fails (AU7).
   * @throws InvariantError when a check points outside of the bytes, or names a key or a digest
   * that does not exist: whoever made the list has checked that.
   */
  run(bytes: Uint8Array, checks: readonly Check[]): Verdict {
    const [first] = checks;
    if (checks.length === 1 && first?.kind === "mac") {
      return this.#hasTag(bytes, first) ? RIGHT_MAC : WRONG_MAC;
    }
    const run = new CheckRun(bytes, checks);
    while (!run.isOver) this.#runNext(run);
    return run.verdict;
  }

  /**
   * Runs as many checks of `run` as take about `budgetNs`, at least one if there is one; returns
   * what they took, in estimated nanoseconds.
   * @throws InvariantError as `run` does.
   */
  advance(run: CheckRun, budgetNs: number): number {
    let spentNs = 0;
    do {
      const check = this.#runNext(run);
      if (check !== null) spentNs += singleCostNs(check, this.cryptoName);
    } while (!run.isOver && spentNs < budgetNs);
    return spentNs;
  }

  /** Runs the next check of `run`, if there is one, and returns it. */
  #runNext(run: CheckRun): Check | null {
    const { bytes, checks, verdict, next } = run;
    const check = checks[next];
    if (check === undefined) return null;
    const hasPassed = this.#passes(bytes, check, verdict.digests);
    if (hasPassed) verdict.passed[next] = 1;
    run.next = hasPassed || check.kind !== "mac" ? next + 1 : checks.length;
    return check;
  }

  /** Runs one check; what it computes is appended to `digests`. */
  #passes(bytes: Uint8Array, check: Check, digests: Digest[]): boolean {
    switch (check.kind) {
      case "mac":
        return this.#hasTag(bytes, check);
      case "digest":
        digests.push(this.#hasher.digestRange(check.domain, bytes, check.start, check.end));
        return true;
      case "digest-of-digests":
        digests.push(this.#digestOfDigests(check, digests));
        return true;
      case "signature":
        return this.#hasSignature(bytes, check, digests);
      case "digest-mac":
        return this.#hasDigestTag(bytes, check, digests);
      default:
        return unreachable(check);
    }
  }

  #hasTag(bytes: Uint8Array, check: Extract<Check, { kind: "mac" }>): boolean {
    const { key, start, end, tag } = check;
    return this.#isMac(key, bytes, start, end, bytes, tag);
  }

  #hasDigestTag(
    bytes: Uint8Array,
    check: Extract<Check, { kind: "digest-mac" }>,
    digests: readonly Digest[],
  ): boolean {
    const digest = digests[check.digest];
    assert(digest !== undefined, "the digest is computed");
    return this.#isMac(check.key, digest, 0, digest.length, bytes, check.tag);
  }

  /** Whether the bytes at `tag` of `tagged` are the MAC of `bytes`[`start`, `end`). */
  #isMac(
    key: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    tagged: Uint8Array,
    tag: number,
  ): boolean {
    const prefix = this.#keys.macPrefixes[key];
    assert(prefix !== undefined, "the MAC key exists");
    assert(tag >= 0 && tag + MAC_BYTES <= tagged.length, "the tag lies in the bytes");
    this.#provider.hashInto(this.#tag, 0, MAC_BYTES, prefix, bytes, start, end);
    return isTagAt(tagged, tag, this.#tag);
  }

  #digestOfDigests(
    check: Extract<Check, { kind: "digest-of-digests" }>,
    digests: readonly Digest[],
  ): Digest {
    const { domain, first, count } = check;
    assert(first >= 0 && count >= 0 && first + count <= digests.length, "the digests are computed");
    return this.#hasher.digest(domain, bytesConcat(digests.slice(first, first + count)));
  }

  #hasSignature(
    bytes: Uint8Array,
    check: Extract<Check, { kind: "signature" }>,
    digests: readonly Digest[],
  ): boolean {
    const publicKey = this.#keys.publicKeys[check.key];
    const digest = digests[check.digest];
    const end = check.signature + SIGNATURE_BYTES;
    assert(publicKey !== undefined, "the public key exists");
    assert(digest !== undefined, "the signed digest is computed");
    assert(check.signature >= 0 && end <= bytes.length, "the signature lies in the bytes");
    return this.#provider.verify(digest, bytes.subarray(check.signature, end), publicKey);
  }
}

/** Looks at every byte whatever it finds: a forger must not learn from the time how far he got. */
function isTagAt(bytes: Uint8Array, offset: number, tag: Uint8Array): boolean {
  let difference = 0;
  for (let index = 0; index < tag.length; index += 1) {
    difference |= (bytes[offset + index] ?? 0) ^ (tag[index] ?? 0);
  }
  return difference === 0;
}
