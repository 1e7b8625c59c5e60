import type { Genesis } from "../../io/config.js";
import { refusalOf } from "../fault.js";
import type { Supervisor } from "../supervisor.js";
import { ClusterObserver } from "./cluster-observer.js";
import { serveDashboard } from "./dashboard-server.js";
import type { Dashboard } from "./dashboard-server.js";
import { DemoWorkload } from "./demo-workload.js";

/** What a user may choose about the dashboard. */
export interface WantedDashboard {
  /** 0 lets the system choose. */
  readonly port: number;
  /** Whether the page may crash and cut off replicas, while a demo workload runs. */
  readonly mayInject: boolean;
}

/**
 * Serves the dashboard of the cluster in `dir`, which `supervisor` runs.
 * @throws FailedOperation when the port is taken.
 */
export async function openDashboard(
  dir: string,
  genesis: Genesis,
  supervisor: Supervisor,
  { port, mayInject }: WantedDashboard,
): Promise<Dashboard> {
  const workload = mayInject ? await DemoWorkload.start(dir, genesis) : null;
  const observer = new ClusterObserver(supervisor, workload, mayInject);
  try {
    const dashboard = await serveDashboard({
      port,
      snapshot: () => observer.snapshot(),
      inject: mayInject ? (fault, replica) => refusalOf(supervisor, fault, replica) : null,
    });
    return {
      url: dashboard.url,
      close: async () => {
        await dashboard.close();
        await workload?.close();
      },
    };
  } catch (error) {
    await workload?.close();
    throw error;
  }
}
