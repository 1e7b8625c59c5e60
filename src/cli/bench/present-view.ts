import type { ReplicaId, View } from "../../core/base/ids.js";
import { FailedOperation } from "../failure.js";
import type { ObservedCluster, ReplicaProgress } from "./measured-cluster.js";

/** The view that a cluster is in, and who leads it. */
interface PresentView {
  readonly view: View;
  readonly primary: ReplicaId;
}

/**
 * The highest view that a replica says it is in.
 * @throws FailedOperation when no replica answers.
 */
export async function presentView(cluster: ObservedCluster): Promise<PresentView> {
  const answers = (await progressOfAll(cluster)).filter((progress) => progress !== null);
  const [first, ...others] = answers;
  if (first === undefined) throw new FailedOperation("No replica answers any more.");
  return others.reduce((highest, each) => (each.view > highest.view ? each : highest), first);
}

/** How far each replica says it is; null for one that does not answer. */
export function progressOfAll(cluster: ObservedCluster): Promise<(ReplicaProgress | null)[]> {
  const replicas = Array.from({ length: cluster.replicaCount }, (_, replica) => replica);
  return Promise.all(replicas.map((replica) => cluster.progress(replica)));
}
