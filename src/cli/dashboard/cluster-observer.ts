import type { ReplicaId } from "../../core/base/ids.js";
import { quorumsOf } from "../../core/base/quorum.js";
import type { ReplicaStatus } from "../../io/replica-status.js";
import type { FlowView, ReplicaView, Snapshot } from "../../page/snapshot.js";
import type { Observation } from "../replica-child.js";
import type { ReplicaListing } from "../supervisor.js";
import type { DemoWorkload } from "./demo-workload.js";
import { flowView } from "./flow-view.js";

/** Whom an observer asks: a part of `Supervisor`. */
interface ObservedCluster {
  list(): readonly ReplicaListing[];
  /** Resolves with null when the replica does not answer. */
  observe(id: ReplicaId, seq: number | null): Promise<Observation | null>;
}

/** Batches that a replica may be behind and still be asked for the newest one. */
const BEHIND_MAX = 4;

interface Rate {
  readonly atMs: number;
  readonly requests: number;
  readonly perSecond: number;
}

/** Asks all replicas of a local cluster how they are, as often as somebody looks. */
export class ClusterObserver {
  readonly #cluster: ObservedCluster;
  readonly #workload: DemoWorkload | null;
  readonly #mayInject: boolean;
  readonly #rates = new Map<ReplicaId, Rate>();
  #executed: readonly number[] = [];

  constructor(cluster: ObservedCluster, workload: DemoWorkload | null, mayInject: boolean) {
    this.#cluster = cluster;
    this.#workload = workload;
    this.#mayInject = mayInject;
  }

  /** Everything at this moment. A replica that went away leaves a gap, nothing more. */
  async snapshot(): Promise<Snapshot> {
    const listings = this.#cluster.list();
    const seq = this.#seqToShow();
    const observations = await Promise.all(
      listings.map(({ replica }) => this.#cluster.observe(replica, seq)),
    );
    const atMs = Date.now();
    this.#executed = observations.flatMap((observation) => observation?.status.executed ?? []);
    const replicas = listings.map((listing, index): ReplicaView => {
      const status = observations[index]?.status ?? null;
      const { replica, state, isCutOff } = listing;
      return { replica, process: state, isCutOff, status: this.#statusView(replica, status, atMs) };
    });
    return {
      atMs,
      mayInject: this.#mayInject,
      faultyMax: quorumsOf(listings.length).faultsMax,
      replicas,
      workload: this.#workload?.view(atMs) ?? null,
      flow: seq === null ? null : this.#flow(seq, observations),
    };
  }

  /** The client's own last batch, or the last that all have that are not far behind. */
  #seqToShow(): number | null {
    const newest = this.#workload?.newestSeq ?? null;
    if (newest !== null) return newest;
    const most = Math.max(0, ...this.#executed);
    const near = this.#executed.filter((executed) => executed >= most - BEHIND_MAX);
    return most === 0 ? null : Math.min(...near);
  }

  #flow(seq: number, observations: readonly (Observation | null)[]): FlowView | null {
    const flows = observations.map((observation) => observation?.flow ?? null);
    return flowView(seq, flows, this.#workload?.flow(seq) ?? null);
  }

  #statusView(
    replica: ReplicaId,
    status: ReplicaStatus | null,
    atMs: number,
  ): ReplicaView["status"] {
    if (status === null) return null;
    const { view, primary, active, executed, stable, databaseLag, viewChanges } = status;
    const requestsPerSecond = this.#rateOf(replica, status.requests, atMs);
    const { stateRoot, stateRootSeq } = status;
    return {
      ...{ view, primary, active, executed, stable, databaseLag, viewChanges, requestsPerSecond },
      ...{ stateRoot, stateRootSeq },
    };
  }

  /** Over about a second; 0 after a restart, until there is something to compare with. */
  #rateOf(replica: ReplicaId, requests: number, atMs: number): number {
    const last = this.#rates.get(replica);
    if (last === undefined || requests < last.requests) {
      this.#rates.set(replica, { atMs, requests, perSecond: 0 });
      return 0;
    }
    const seconds = (atMs - last.atMs) / 1_000;
    if (seconds < 1) return last.perSecond;
    const perSecond = (requests - last.requests) / seconds;
    this.#rates.set(replica, { atMs, requests, perSecond });
    return perSecond;
  }
}
