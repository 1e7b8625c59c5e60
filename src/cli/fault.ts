import type { ReplicaId } from "../core/base/ids.js";
import { FailedOperation } from "./failure.js";
import type { Supervisor } from "./supervisor.js";

/** What can be done to one replica of a local cluster: three faults, and what ends each. */
export const FAULTS = ["crash", "restart", "wipe", "rejoin", "cut-off", "connect"] as const;

/** One of `FAULTS`. */
export type Fault = (typeof FAULTS)[number];

/**
 * Does something to a replica; resolves once it is in effect.
 * @throws FailedOperation when it can't be done.
 */
export type InjectFault = (fault: Fault, replica: ReplicaId) => Promise<void>;

/** Has `supervisor` do it. Resolves with null once it is in effect, or with why it is not. */
export async function refusalOf(
  supervisor: Supervisor,
  fault: Fault,
  replica: ReplicaId,
): Promise<string | null> {
  switch (fault) {
    case "crash":
      return (await supervisor.crash(replica)) ? null : `there is no replica ${replica}`;
    case "restart":
      return supervisor.restart(replica);
    case "wipe":
      return (await supervisor.wipe(replica)) ? null : `there is no replica ${replica}`;
    case "rejoin":
      return supervisor.restart(replica, true);
    case "cut-off":
    case "connect": {
      const isDone = await supervisor.cutOff(replica, fault === "cut-off");
      return isDone ? null : `replica ${replica} does not run`;
    }
  }
}

/** Faults in a cluster that this process supervises. */
export function faultsBy(supervisor: Supervisor): InjectFault {
  return async (fault, replica) => {
    const refusal = await refusalOf(supervisor, fault, replica);
    if (refusal !== null) throw new FailedOperation(`The supervisor refuses: ${refusal}.`);
  };
}
