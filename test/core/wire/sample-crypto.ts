import { createHash } from "node:crypto";
import type { Digest, Hasher } from "../../../src/core/base/hasher.js";
import type { Check, Verdict, Verifier } from "../../../src/core/crypto/check.js";
import type { RequestSigner } from "../../../src/core/wire/sign.js";

/*
 * Cryptography for tests of the wire: a key is a number, a signature is a hash of key and digest.
 * It protects nothing, but a wrong range, key, domain or digest fails as it does with the real one.
 */

/** SHA-256 of the domain and the bytes. */
export const sampleHasher: Hasher = { digest: hash };

/** Signs with key number `key`. */
export function sampleSigner(key: number): (digest: Digest) => Uint8Array {
  return (digest) => {
    const half = hash(key, digest);
    return Uint8Array.of(...half, ...half);
  };
}

/** Signs requests as client `id`, of whose keys `clientKey` and `macKey` are the numbers. */
export function sampleRequestSigner(
  clientKey: number,
  macKey: number,
  replicaCount: number,
): RequestSigner {
  return {
    hasher: sampleHasher,
    sign: sampleSigner(clientKey),
    authenticate: (digest) => {
      const tags = Array.from({ length: replicaCount }, () => [...sampleMac(macKey, digest)]);
      return Uint8Array.from(tags.flat());
    },
  };
}

/** The MAC of `bytes` with key number `key`. */
export function sampleMac(key: number, bytes: Uint8Array): Uint8Array {
  return hash(key, bytes).subarray(0, 16);
}

/** Runs a list of checks as the contract of `Verifier` says. */
export function runChecks(bytes: Uint8Array, checks: readonly Check[]): Verdict {
  const passed = new Uint8Array(checks.length);
  const digests: Digest[] = [];
  for (const [number, check] of checks.entries()) {
    const ok = runCheck(bytes, check, digests);
    passed[number] = ok ? 1 : 0;
    if (!ok && check.kind === "mac") break;
  }
  return { passed, digests };
}

/** Verifies on the spot, or when told to. */
export class SampleVerifier implements Verifier {
  readonly description = "sample";
  accepting = true;
  /** Sources for which there is no room, though there is for others. */
  readonly full = new Set<number>();
  /** Whether to keep jobs until `runNext`. */
  deferring = false;
  jobCount = 0;
  /** Kinds of the checks of the last job. */
  lastChecks: readonly Check["kind"][] = [];
  readonly #waiting: (() => void)[] = [];

  get waitingCount(): number {
    return this.#waiting.length;
  }

  canAccept(source: number): boolean {
    return this.accepting && !this.full.has(source);
  }

  submit(
    _source: number,
    bytes: Uint8Array,
    checks: readonly Check[],
    done: (verdict: Verdict) => void,
  ): void {
    this.jobCount += 1;
    this.lastChecks = checks.map(({ kind }) => kind);
    const job = (): void => {
      done(runChecks(bytes, checks));
    };
    if (this.deferring) this.#waiting.push(job);
    else job();
  }

  /** Runs the job that waits longest. */
  runNext(): void {
    this.#waiting.shift()?.();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function runCheck(bytes: Uint8Array, check: Check, digests: Digest[]): boolean {
  switch (check.kind) {
    case "mac": {
      const tag = bytes.subarray(check.tag, check.tag + 16);
      return isEqual(tag, sampleMac(check.key, bytes.subarray(check.start, check.end)));
    }
    case "digest":
      digests.push(hash(check.domain, bytes.subarray(check.start, check.end)));
      return true;
    case "digest-of-digests": {
      const parts = digests.slice(check.first, check.first + check.count);
      digests.push(hash(check.domain, Buffer.concat(parts)));
      return true;
    }
    case "signature": {
      const signature = bytes.subarray(check.signature, check.signature + 64);
      const digest = digests[check.digest] ?? new Uint8Array(0);
      return isEqual(signature, sampleSigner(check.key)(digest));
    }
    case "digest-mac": {
      const tag = bytes.subarray(check.tag, check.tag + 16);
      return isEqual(tag, sampleMac(check.key, digests[check.digest] ?? new Uint8Array(0)));
    }
  }
}

function hash(prefix: number, bytes: Uint8Array): Digest {
  const digest = createHash("sha256").update(Uint8Array.of(prefix)).update(bytes).digest();
  return new Uint8Array(digest);
}

function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
