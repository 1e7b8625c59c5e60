import { hexOf } from "../core/base/bytes.js";
import type { Seq } from "../core/base/ids.js";
import { quorumsOf } from "../core/base/quorum.js";
import type { Verifier } from "../core/crypto/check.js";
import type { Replica } from "../core/pbft/replica.js";
import type { ReplicaKey } from "./config.js";
import type { LoopDelay } from "./loop-delay.js";
import type { PatientStore, StoreHealth } from "./patient-store.js";
import type { ReplicaHost } from "./replica-host.js";
import type { StateRoot } from "./root-reader.js";
import type { StoreRunner } from "./store-runner.js";
import type { Tally } from "./tally.js";
import type { TurnClock } from "./turn-clock.js";
import type { DatagramSocket } from "./udp-socket.js";

/** How a replica says it is, as JSON. The first ten fields are the documented ones of `status`. */
export interface ReplicaStatus {
  readonly replica: number;
  readonly up: true;
  readonly pid: number;
  readonly view: number;
  readonly primary: number;
  /** The last sequence number executed. */
  readonly executed: number;
  /** The last stable checkpoint. */
  readonly stable: number;
  /** Merkle root of the accounts after batch `stateRootSeq`, hexadecimal. */
  readonly stateRoot: string;
  /** Views entered since this process started. */
  readonly viewChanges: number;
  /** Batches executed since this process started. */
  readonly batches: number;
  /** Executed batches that the database does not hold yet. */
  readonly databaseLag: number;
  /** "ok", "slow", or "retrying" while it fails for a reason that may pass. */
  readonly database: StoreHealth["state"];
  /** The sentence why it is tried again; null unless it is. */
  readonly databaseProblem: string | null;
  /**
   * What it does: it gives votes; or it follows and gives none, because it forgot former ones
   * (RS4); or it gives none until its state, which was not what the others agree on, is fetched
   * anew (CK4).
   */
  readonly state: "voting" | "rejoining" | "repairing";
  /**
   * `executed`, or less if this replica was asked within the last few seconds, for the root of a
   * large state costs time; or the batch of a state that it is taking over from others.
   */
  readonly stateRootSeq: number;
  /** What an operator must know, or null. */
  readonly alarm: string | null;
  /** False while a view change is under way. */
  readonly active: boolean;
  /** Requests executed since this process started; a request may hold many operations. */
  readonly requests: number;
  /** Requests known and not yet executed. */
  readonly pending: number;
  readonly store: string;
  readonly durability: string;
  readonly replies: string;
  /** Crypto provider and where verification runs. */
  readonly verifier: string;
  /** Why views were left, with counts. */
  readonly viewChangeReasons: Readonly<Record<string, number>>;
  /** Inputs that the protocol dropped, and frames that never reached it, by code. */
  readonly rejects: Readonly<Record<string, number>>;
  readonly drops: Readonly<Record<string, number>>;
  readonly datagramsReceived: number;
  readonly datagramsSent: number;
  /** Processor time of this process since it started, all threads. */
  readonly cpuMicros: number;
  /** Memory of this process that is resident. */
  readonly memoryBytes: number;
  /** How late the main loop was since the last status: 99th percentile. */
  readonly eventLoopDelayP99Ms: number;
  /** The longest that it was busy at a time since then, by the clock. */
  readonly longestTurnMs: number;
  /** The same in processor time of its thread; null where the system does not tell. */
  readonly longestTurnCpuMs: number | null;
}

/** A status without the root, which may cost time. */
export type ReplicaFigures = Omit<ReplicaStatus, "stateRoot" | "stateRootSeq">;

/** The parts of a replica that its status is read from. */
interface StatusSources {
  readonly key: ReplicaKey;
  readonly replica: Replica;
  /** n. */
  readonly replicaCount: number;
  readonly host: ReplicaHost;
  readonly store: PatientStore;
  readonly stores: StoreRunner;
  readonly verifier: Verifier;
  readonly drops: Tally;
  readonly rejects: Tally;
  readonly socket: DatagramSocket;
  readonly loopDelay: LoopDelay;
  readonly turns: TurnClock;
}

/** The present status, with a root that was computed. */
export function statusOf(sources: StatusSources, { seq, root }: StateRoot): ReplicaStatus {
  return statusWith(sources, hexOf(root), seq);
}

/** The present status without what takes time to compute. */
export function figuresOf(sources: StatusSources): ReplicaFigures {
  return statusWith(sources, "", 0);
}

function statusWith(sources: StatusSources, stateRoot: string, stateRootSeq: Seq): ReplicaStatus {
  const { key, replica, host, store, stores, verifier, drops, rejects, socket } = sources;
  const { state, problem } = store.health;
  const { user, system } = process.cpuUsage();
  const longest = sources.turns.longest();
  return {
    replica: key.id,
    up: true,
    pid: process.pid,
    view: replica.view,
    primary: replica.primary,
    executed: replica.executedSeq,
    stable: replica.stableSeq,
    stateRoot,
    viewChanges: host.counts.viewChanges,
    batches: host.counts.batches,
    databaseLag: replica.executedSeq - stores.storedSeq,
    database: state,
    databaseProblem: problem,
    state: stateOf(replica),
    stateRootSeq,
    alarm: alarmOf(replica, sources.replicaCount),
    active: replica.active,
    requests: host.counts.requests,
    pending: replica.pendingCount,
    // A MySQL address holds a password.
    store: key.store.startsWith("mysql:") ? "mysql" : key.store,
    durability: key.durability,
    replies: key.replies,
    verifier: verifier.description,
    viewChangeReasons: Object.fromEntries(replica.viewChangeCounts),
    rejects: Object.fromEntries(rejects.entries()),
    drops: Object.fromEntries(drops.entries()),
    datagramsReceived: socket.counts.datagramsReceived,
    datagramsSent: socket.counts.datagramsSent,
    cpuMicros: user + system,
    memoryBytes: process.memoryUsage.rss(),
    eventLoopDelayP99Ms: sources.loopDelay.p99Ms(),
    longestTurnMs: longest.wallMs,
    longestTurnCpuMs: longest.cpuMs,
  };
}

function stateOf({ rejoin, diverged }: Replica): ReplicaStatus["state"] {
  if (diverged) return "repairing";
  return rejoin === null ? "voting" : "rejoining";
}

/** The sentence for what an operator must know and may have to act on, or null. */
export function alarmOf(replica: Replica, replicaCount: number): string | null {
  const { faultsMax } = quorumsOf(replicaCount);
  const { rejoiningCount, diverged, splitSeq } = replica;
  if (rejoiningCount > faultsMax) {
    return (
      `${rejoiningCount.toString()} replicas forgot what they promised, and this cluster makes ` +
      `up for ${faultsMax.toString()} at a time. Until some have their own disks back it stops, ` +
      "because going on could lose acknowledged operations. With store memory it is lost."
    );
  }
  if (splitSeq !== null) {
    return (
      `Replicas have different states after batch ${splitSeq.toString()}, and no quorum agrees ` +
      "on one: the cluster stops when its window is full. More than it can bear have faulty " +
      "memory or disks, or its service is not deterministic. `verify` names the rows that differ."
    );
  }
  if (!diverged) return null;
  return (
    "The state of this replica was not what the others agree on: it is fetched from them. " +
    "Look for faulty memory or a faulty disk."
  );
}
