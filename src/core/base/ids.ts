/** Index of a replica in the genesis file, 0 (included) to n (excluded). */
export type ReplicaId = number;

/**
 * Index of a client identity in the genesis file, 0 (included) to the number of clients (excluded).
 */
export type ClientId = number;

/** View number, 0 and up; `primaryOf(view, n)` leads it. A safe integer. */
export type View = number;

/** Sequence number of a batch, 1 and up; 0 names the genesis state. A safe integer. */
export type Seq = number;

/** Time inside the core, in ticks of the host's ticker. A count, never a clock reading. */
export type Ticks = number;

/**
 * Names one run of a client process: its start in microseconds since 1970, a safe integer.
 * Sessions of one client are ordered by it, which is what lets old ones be forgotten (EX2).
 */
export type SessionId = number;

/** Position of a request in its session, 1 and up, strictly increasing (CL1). */
export type Timestamp = number;

/** Number of a journal append, in the order in which the core asked for it; 1 and up. */
export type AppendId = number;

/** Who authenticated a frame (AU5). Replicas and clients are numbered apart. */
export type Principal =
  | { readonly role: "replica"; readonly id: ReplicaId }
  | { readonly role: "client"; readonly id: ClientId };

/** The replica that leads `view` among `replicaCount` replicas. */
export function primaryOf(view: View, replicaCount: number): ReplicaId {
  return view % replicaCount;
}
