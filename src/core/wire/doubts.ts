import { Domain } from "../base/hasher.js";
import type { Verdict } from "../crypto/check.js";
import { CheckList } from "./check-list.js";

/** Requests whose MACs were wrong, so that their signatures count (AU4). */
interface Doubts {
  /** What is to be verified: a digest and a signature for each. */
  readonly list: CheckList;
  /** The numbers of the checks that failed, in the same order. */
  readonly failed: readonly number[];
}

/**
 * What is in doubt once `list` was run; null if nothing is. A wrong MAC proves nothing against
 * anybody: the client, whoever relayed the request and the primary may each have spoilt it.
 */
export function doubtsOf(list: CheckList, { passed }: Verdict): Doubts | null {
  if (list.authenticated.length === 0) return null;
  const doubtful = list.authenticated.filter(({ check }) => passed[check] !== 1);
  if (doubtful.length === 0) return null;
  const signatures = new CheckList();
  for (const { publicKey, start, signature } of doubtful) {
    signatures.signature(publicKey, signatures.digest(Domain.request, start, signature), signature);
  }
  return { list: signatures, failed: doubtful.map(({ check }) => check) };
}

/** Enters into `verdict`, in the place of the MACs, which signatures were good. */
export function settleDoubts({ failed }: Doubts, verdict: Verdict, signatures: Verdict): void {
  for (const [index, check] of failed.entries()) {
    verdict.passed[check] = signatures.passed[2 * index + 1] ?? 0;
  }
}
