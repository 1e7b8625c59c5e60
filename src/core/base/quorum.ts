import { assert } from "./assert.js";

/** Fewest replicas that tolerate one fault. */
export const REPLICAS_MIN = 4;

/** Most replicas of one cluster: vote sets are 32-bit masks whose sign bit stays unused. */
export const REPLICAS_MAX = 31;

/** Sizes that follow from the number of replicas (protocol rules, section 2). */
export interface Quorums {
  /** n, the number of replicas. */
  readonly replicaCount: number;
  /** f, the largest number of faulty replicas tolerated: floor((n - 1) / 3). */
  readonly faultsMax: number;
  /**
   * Q = ceil((n + f + 1) / 2): any two such sets meet in a correct replica. Not 2f+1: n = 5 needs 4
   * (TV12).
   */
  readonly strong: number;
  /** W = f + 1: any such set holds a correct replica. */
  readonly weak: number;
}

/**
 * The quorum sizes of a cluster.
 * @param replicaCount 4 (included) to 31 (included).
 * @throws InvariantError outside that range: the genesis loader has checked it.
 */
export function quorumsOf(replicaCount: number): Quorums {
  assert(Number.isInteger(replicaCount), "replicaCount is an integer");
  assert(replicaCount >= REPLICAS_MIN, "replicaCount is at least 4");
  assert(replicaCount <= REPLICAS_MAX, "replicaCount is at most 31");
  const faultsMax = Math.floor((replicaCount - 1) / 3);
  const strong = Math.ceil((replicaCount + faultsMax + 1) / 2);
  const weak = faultsMax + 1;
  assert(2 * strong - replicaCount > faultsMax, "two strong quorums meet in a correct replica");
  assert(strong <= replicaCount - faultsMax, "the correct replicas alone form a strong quorum");
  return { replicaCount, faultsMax, strong, weak };
}
