import type { ReplicaId } from "../../core/base/ids.js";
import type { Fault } from "../fault.js";

/** Something that happens to replicas under load, and what ends it. */
export interface Scenario {
  readonly name: string;
  readonly summary: string;
  readonly victims: "primary" | "backup" | "all";
  readonly fault: Fault;
  readonly cure: Extract<Fault, "restart" | "rejoin" | "connect">;
}

/** The scenarios that can be played. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: "primary-crash",
    summary: "the primary is killed (SIGKILL), later restarted",
    victims: "primary",
    fault: "crash",
    cure: "restart",
  },
  {
    name: "backup-crash",
    summary: "a backup is killed (SIGKILL), later restarted",
    victims: "backup",
    fault: "crash",
    cure: "restart",
  },
  {
    name: "wipe-backup",
    summary: "a backup is killed and all that it wrote is deleted; later it rejoins",
    victims: "backup",
    fault: "wipe",
    cure: "rejoin",
  },
  {
    name: "partition-primary",
    summary: "the primary is cut off from everybody, later connected again",
    victims: "primary",
    fault: "cut-off",
    cure: "connect",
  },
  {
    name: "all-crash",
    summary: "all replicas are killed (SIGKILL) at once and restarted",
    victims: "all",
    fault: "crash",
    cure: "restart",
  },
];

/** The replicas that `scenario` hits in a cluster of `replicaCount` that `primary` leads. */
export function victimsOf(
  { victims }: Scenario,
  primary: ReplicaId,
  replicaCount: number,
): readonly ReplicaId[] {
  switch (victims) {
    case "primary":
      return [primary];
    case "backup":
      return [(primary + 1) % replicaCount];
    case "all":
      return Array.from({ length: replicaCount }, (_, replica) => replica);
  }
}
