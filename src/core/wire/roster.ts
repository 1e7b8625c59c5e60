import type { ClientId, Principal } from "../base/ids.js";

/** Who takes part, as far as the wire has to know. From the genesis file; it never changes. */
export interface Roster {
  /** Whose frames these are: the receiver of all that comes in, the sender of all that goes out. */
  readonly self: Principal;
  /** The first four bytes of the cluster id, as a 32-bit integer. */
  readonly clusterTag: number;
  readonly replicaCount: number;
  readonly clientCount: number;
}

/** Whether `principal` takes part. */
export function rosterHas(roster: Roster, principal: Principal): boolean {
  const count = principal.role === "replica" ? roster.replicaCount : roster.clientCount;
  return principal.id < count;
}

/**
 * The number of `principal`: replicas first, then clients. It is the number of its public key
 * wherever a check asks for one.
 */
export function principalNumber(roster: Roster, principal: Principal): number {
  return principal.role === "replica" ? principal.id : roster.replicaCount + principal.id;
}

/**
 * The number of the MAC key for what concerns this replica in authenticators of client `id`: those
 * for frames come first, by `principalNumber`.
 */
export function authenticatorKey(roster: Roster, id: ClientId): number {
  return roster.replicaCount + roster.clientCount + id;
}
