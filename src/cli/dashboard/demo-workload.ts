import { loadClientKey } from "../../io/cluster-directory.js";
import type { Genesis } from "../../io/config.js";
import { connect } from "../../io/ledger-client.js";
import type { LedgerClient } from "../../io/ledger-client.js";
import { machineMicros } from "../../io/machine-clock.js";
import { openUdpSocket } from "../../io/udp-socket.js";
import type { DatagramSocket, SocketAddress } from "../../io/udp-socket.js";
import type { LedgerOperation } from "../../core/ledger/operation.js";
import type { WorkloadView } from "../../page/snapshot.js";
import { loadCrypto } from "../../workers/load-crypto.js";
import type { ClientFlow } from "./flow-view.js";

/** Pause between operations: enough to see something happen, little enough to be no load. */
const PAUSE_MS = 40;

/** An operation whose outcome is not known by then is counted as failed and tried again. */
const TIMEOUT_MS = 5_000;

const WINDOW_MS = 1_000;
const ARRIVALS_MAX = 512;
const FLOWS_MAX = 64;

interface Done {
  readonly atMs: number;
  readonly latencyMs: number;
}

/**
 * A teller who moves a cent back and forth between two accounts and looks at them, one operation
 * after the other: a demonstration, and what the dashboard measures.
 */
export class DemoWorkload {
  readonly #client: LedgerClient;
  readonly #tap: ArrivalTap;
  readonly #operations: readonly LedgerOperation[];
  readonly #stop = new AbortController();
  readonly #flows = new Map<number, ClientFlow>();
  readonly #ended: Promise<void>;
  #done: Done[] = [];
  #failureCount = 0;
  #newestSeq: number | null = null;

  private constructor(client: LedgerClient, tap: ArrivalTap, accounts: readonly string[]) {
    this.#client = client;
    this.#tap = tap;
    this.#operations = operationsOn(accounts);
    this.#ended = this.#run();
  }

  /**
   * Starts as the first client of the cluster in `dir`; null when the cluster has no accounts.
   * @throws ConfigError when that client's key is not in `dir`.
   */
  static async start(dir: string, genesis: Genesis): Promise<DemoWorkload | null> {
    const accounts = genesis.accounts.slice(0, 2).map(({ account }) => account);
    if (accounts.length === 0) return null;
    const { provider } = await loadCrypto(process.env);
    const key = loadClientKey(dir, genesis, null, provider);
    const tap = new ArrivalTap(genesis);
    const client = await connect({ genesis, key, openSocket: (local) => tap.open(local) });
    return new DemoWorkload(client, tap, accounts);
  }

  /** The batch of the last write that is done; null before the first. */
  get newestSeq(): number | null {
    return this.#newestSeq;
  }

  /** What this client saw of batch `seq`; null when it was not its own, or is too long ago. */
  flow(seq: number): ClientFlow | null {
    return this.#flows.get(seq) ?? null;
  }

  /** The last second. */
  view(nowMs: number): WorkloadView {
    this.#done = this.#done.filter(({ atMs }) => nowMs - atMs < WINDOW_MS);
    const latencies = this.#done.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
    return {
      opsPerSecond: (latencies.length * 1_000) / WINDOW_MS,
      p50Ms: latencies[Math.floor(latencies.length / 2)] ?? 0,
      maxMs: latencies.at(-1) ?? 0,
      failureCount: this.#failureCount,
    };
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#client.close();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let index = 0; !signal.aborted; index += 1) {
      const operation = this.#operations[index % this.#operations.length];
      if (operation !== undefined) await this.#perform(operation);
      await new Promise<void>((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async #perform(operation: LedgerOperation): Promise<void> {
    const sentMicros = machineMicros();
    const { signal } = this.#stop;
    const outcome = await this.#client.run(operation, { timeoutMs: TIMEOUT_MS, signal });
    if (!outcome.ok) {
      this.#failureCount += 1;
      return;
    }
    this.#done.push({ atMs: Date.now(), latencyMs: outcome.latencyMs });
    if (operation.kind === "get") return;
    const { sequence } = outcome;
    this.#newestSeq = sequence;
    this.#flows.set(sequence, { sentMicros, arrivals: this.#tap.arrivals });
    const [oldest] = this.#flows.keys();
    if (this.#flows.size > FLOWS_MAX && oldest !== undefined) this.#flows.delete(oldest);
  }
}

/** Moves that undo each other, and looks in between. */
function operationsOn([source = "", target]: readonly string[]): readonly LedgerOperation[] {
  const look: LedgerOperation = { kind: "get", account: source };
  if (target === undefined) {
    const [deposit, withdraw] = (["deposit", "withdraw"] as const).map((kind) => {
      return { kind, account: source, amount: 1n };
    });
    return [deposit, look, withdraw, look].filter((operation) => operation !== undefined);
  }
  const move = (from: string, to: string): LedgerOperation => {
    return { kind: "move", source: from, target: to, amount: 1n };
  };
  return [move(source, target), look, move(target, source), { kind: "get", account: target }];
}

/** Notes when datagrams came from which replica. */
class ArrivalTap {
  /** The last ones, oldest first; it goes on growing while somebody looks at it. */
  readonly arrivals: { readonly replica: number; readonly atMicros: number }[] = [];
  readonly #replicas: ReadonlyMap<string, number>;

  constructor(genesis: Genesis) {
    this.#replicas = new Map(genesis.replicas.map(({ id, host, port }) => [`${host} ${port}`, id]));
  }

  async open(local: SocketAddress): Promise<DatagramSocket> {
    const socket = await openUdpSocket(local);
    return {
      local: socket.local,
      counts: socket.counts,
      receive: (handler) => {
        socket.receive((bytes, from) => {
          this.#note(from);
          handler(bytes, from);
        });
      },
      send: (bytes, to, done) => socket.send(bytes, to, done),
      unref: () => socket.unref(),
      close: () => socket.close(),
    };
  }

  #note({ address, port }: SocketAddress): void {
    const replica = this.#replicas.get(`${address} ${port}`);
    if (replica === undefined) return;
    this.arrivals.push({ replica, atMicros: machineMicros() });
    if (this.arrivals.length > 2 * ARRIVALS_MAX) this.arrivals.splice(0, ARRIVALS_MAX);
  }
}
