import { assert } from "../core/base/assert.js";
import type { ReplicaId } from "../core/base/ids.js";
import { quorumsOf } from "../core/base/quorum.js";
import type { ResultPath } from "../core/client/effect.js";
import { CLIENT_OPTIONS_DEFAULT } from "../core/client/options.js";
import { isUnwantedReply } from "../core/wire/lone-reply.js";
import { createVerifier } from "../workers/create-verifier.js";
import { loadCrypto } from "../workers/load-crypto.js";
import { openClientPort, type ClientPort, type SocketOpener } from "./client-port.js";
import { ClientHost, type OutcomeMaker, type Wait } from "./client-host.js";
import type { ClientKey, Genesis } from "./config.js";
import { Destination, Egress } from "./egress.js";
import { Ingress } from "./ingress.js";
import { KeyRing } from "./key-ring.js";
import type { ReplicaStatus } from "./replica-status.js";

/** What connecting takes. */
export interface ConnectOptions {
  readonly genesis: Genesis;
  readonly key: ClientKey;
  /**
   * Whose socket to use, from `openClientPort` with the same genesis; its owner closes it, after
   * the clients that use it. A client opens one of its own if this is left out.
   */
  readonly port?: ClientPort;
  /**
   * Operations that may wait for an outcome at a time, 1 and up; more are not sent, and come back
   * as "busy". 100,000 if left out.
   */
  readonly operationsWaitingMax?: number;
  /** Opens the client's own socket; a test may put one in between that loses datagrams. */
  readonly openSocket?: SocketOpener;
}

/** How an ordered or read result came about. */
export interface OutcomePath {
  readonly path: ResultPath;
  readonly view: number;
  /** The batch that executed it; of a read, one whose state it was read from. */
  readonly sequence: number;
  readonly latencyMs: number;
}

/** No quorum answered in time: the operation may or may not be executed. */
export interface TimedOut<T> {
  readonly ok: false;
  readonly code: "timeout";
  /** Waits again for the same request, which can't be executed twice. */
  readonly retry: (wait?: Partial<Wait>) => Promise<T>;
}

/** What else may come of any operation in place of a result. */
export type NoResult =
  /** The replicas forgot this session before they answered: the outcome can't be told any more. */
  | { readonly ok: false; readonly code: "session-expired" }
  /**
   * Too many operations of this client wait, or its results were too large together. Nothing
   * changed; try again later.
   */
  | { readonly ok: false; readonly code: "busy" };

/** What every client of a cluster can do, whatever its service. */
export interface ClusterClient {
  /** A replica's status, or null when it does not answer in time (1,000 ms if left out). */
  inspect(replica: ReplicaId, wait?: { readonly timeoutMs: number }): Promise<ReplicaStatus | null>;
  /** Replicas that know this client's session: 0 when no cluster runs. */
  readonly welcomeCount: number;
  /** Whether enough of them do to answer operations. */
  readonly isWelcome: boolean;
  /** Those who wait are told "timeout"; the socket is closed. Idempotent. */
  close(): Promise<void>;
}

/** A client whose operations are bytes. */
export interface OpenClient<T> {
  readonly host: ClientHost<T>;
  readonly common: ClusterClient;
}

/** Time after which an operation is given up waiting for. */
const TIMEOUT_MS_DEFAULT = 10_000;

/** Operations that may wait at a time: more than the fastest cluster answers in a second or so. */
const OPERATIONS_WAITING_MAX_DEFAULT = 100_000;

/** Time after which `inspect` gives up waiting. */
const INSPECT_TIMEOUT_MS_DEFAULT = 1_000;

/** Ticks after which a reply that still lacks fragments is given up. */
const REASSEMBLY_TICKS_MAX = 100;

/**
 * Opens a client whose outcomes `make` makes.
 * @throws SocketError when no socket can be opened.
 */
export async function openClient<T>(
  options: ConnectOptions,
  make: OutcomeMaker<T>,
): Promise<OpenClient<T>> {
  const { genesis, key } = options;
  const id = genesis.clients.findIndex((client) => client.name === key.name);
  assert(id >= 0, "the key belongs to this genesis");
  const { provider } = await loadCrypto(process.env);
  const keys = new KeyRing(provider, genesis, { role: "client", id }, key);
  const { port, world } = await openWorld(options, keys);
  const { replicaCount } = quorumsOf(genesis.replicas.length);
  const clientOptions = { ...CLIENT_OPTIONS_DEFAULT, client: id, replicaCount };
  const { operationsWaitingMax = OPERATIONS_WAITING_MAX_DEFAULT } = options;
  assert(operationsWaitingMax >= 1, "an operation may wait");
  const host = new ClientHost(world, clientOptions, make, operationsWaitingMax);
  const { verifier } = world;
  const ingress = new Ingress({
    roster: keys.roster,
    verifier,
    drops: port.drops,
    macKeyOf: (from, epoch) => keys.macKeyOf(from, epoch),
    reassemblyTicksMax: REASSEMBLY_TICKS_MAX,
    onMessage: (from, message) => {
      if (from.role === "replica") host.onMessage(from.id, message);
    },
  });
  const awaits: ClientHost<T>["awaits"] = (kind, session, counter) =>
    host.awaits(kind, session, counter);
  const detach = port.attach(id, ingress, (datagram, start, end) =>
    isUnwantedReply(datagram, start, end, awaits),
  );
  const stopTicker = port.ticker.join(() => {
    ingress.tick();
    host.tick();
  });
  let closed: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    stopTicker();
    host.close();
    detach();
    if (port !== options.port) await port.close();
    await verifier.close();
  };
  return { host, common: commonOf(host, () => (closed ??= close())) };
}

async function openWorld({ genesis, port: shared, openSocket }: ConnectOptions, keys: KeyRing) {
  const verifier = await createVerifier({
    workerCount: 0,
    provider: keys.provider,
    keys: keys.checkKeys,
    onCrash: (cause) => {
      throw cause;
    },
  });
  // One client has one request under way: nobody could help it.
  const options = { hasHelper: false, ...(openSocket === undefined ? {} : { openSocket }) };
  const port = shared ?? (await openClientPort(genesis, options));
  const { datagrams, drops, endOfTurn, signer } = port;
  const egress = new Egress({ roster: keys.roster, sealer: keys, datagrams, drops });
  const replicas = genesis.replicas.map(
    ({ id, host, port }) => new Destination({ role: "replica", id }, { address: host, port }),
  );
  return { port, world: { keys, egress, endOfTurn, signer, verifier, replicas } };
}

/** No operation, no outcome. */
const NO_OUTCOMES: OutcomeMaker<never> = {
  completed: () => unreachableOutcome(),
  timeout: () => unreachableOutcome(),
  expired: () => unreachableOutcome(),
  busy: () => unreachableOutcome(),
};

function unreachableOutcome(): never {
  assert(false, "a client that only looks on has no operation under way");
}

/**
 * Opens a client that only looks on, whatever the cluster's service.
 * @throws SocketError when no socket can be opened.
 */
export async function connectToLook(options: ConnectOptions): Promise<ClusterClient> {
  return (await openClient(options, NO_OUTCOMES)).common;
}

function commonOf<T>(host: ClientHost<T>, close: () => Promise<void>): ClusterClient {
  return {
    async inspect(replica, wait) {
      const json = await host.inspect(replica, wait?.timeoutMs ?? INSPECT_TIMEOUT_MS_DEFAULT);
      // It may lie, like any replica, but not about its form: its host wrote it, or it is faulty.
      return json === null ? null : (parseJson(json) as ReplicaStatus | null);
    },
    get welcomeCount() {
      return host.welcomeCount;
    },
    get isWelcome() {
      return host.isWelcome;
    },
    close,
  };
}

/** `wait` with what it leaves out. */
export function waitOf(wait: Partial<Wait> | undefined): Wait {
  return { timeoutMs: wait?.timeoutMs ?? TIMEOUT_MS_DEFAULT, signal: wait?.signal };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
