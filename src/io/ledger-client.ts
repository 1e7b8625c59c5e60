import { assert } from "../core/base/assert.js";
import { BUNDLE_OPERATIONS_MAX, BundleWriter } from "../core/base/bundle.js";
import type { ReplicaId } from "../core/base/ids.js";
import { quorumsOf } from "../core/base/quorum.js";
import { CLIENT_OPTIONS_DEFAULT } from "../core/client/options.js";
import {
  appendOperation,
  type LedgerOperation,
  type ResultCode,
} from "../core/ledger/operation.js";
import { ResultReader } from "../core/ledger/result-reader.js";
import type { ResultPath } from "../core/client/effect.js";
import { createVerifier } from "../workers/create-verifier.js";
import { loadCrypto } from "../workers/load-crypto.js";
import { openClientPort, type ClientPort, type SocketOpener } from "./client-port.js";
import { ClientHost, type Completion, type OutcomeMaker, type Wait } from "./client-host.js";
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

/** What came of one command. Amounts are minor units. */
export type LedgerOutcome =
  /**
   * Done. `balance` is the account's, for a move the source's; `targetBalance` is a move's other
   * one.
   */
  | ({
      readonly ok: true;
      readonly balance: bigint;
      readonly targetBalance?: bigint;
    } & OutcomePath)
  /** Refused, and every replica agrees why. Nothing changed. */
  | ({ readonly ok: false; readonly code: Exclude<ResultCode, "ok"> } & OutcomePath)
  /** No quorum answered in time: it may or may not be executed. */
  | {
      readonly ok: false;
      readonly code: "timeout";
      /** Waits again for the same request, which can't be executed twice. */
      readonly retry: (wait?: Partial<Wait>) => Promise<LedgerOutcome>;
    }
  /** The replicas forgot this session before they answered: the outcome can't be told any more. */
  | { readonly ok: false; readonly code: "session-expired" }
  /** Not sent, for too many operations of this client wait. Nothing changed; try again later. */
  | { readonly ok: false; readonly code: "busy" };

/** A bank's client. Operations may be submitted together; they share requests and signatures. */
export interface LedgerClient {
  /**
   * Runs one operation. `get` takes the read-only path first.
   * @param wait `timeoutMs` is 10,000 if left out; an aborted `signal` counts as a passed deadline.
   * @throws OperationError when the operation cannot be encoded, e.g. a name that is too long.
   */
  run(operation: LedgerOperation, wait?: Partial<Wait>): Promise<LedgerOutcome>;
  /**
   * Runs operations that are submitted together, and resolves with their outcomes in the same order
   * once there is one for each. Cheaper than as many calls of `run`; in what order they are
   * executed is as open as with these.
   * @param wait as for `run`, for all of them together.
   * @throws OperationError when one of them cannot be encoded; none is sent then.
   */
  runAll(operations: readonly LedgerOperation[], wait?: Partial<Wait>): Promise<LedgerOutcome[]>;
  /** Adds `amount` minor units to the account. Like the three below, `run` with its operation. */
  deposit(account: string, amount: bigint, wait?: Partial<Wait>): Promise<LedgerOutcome>;
  /** Takes `amount` minor units from the account. */
  withdraw(account: string, amount: bigint, wait?: Partial<Wait>): Promise<LedgerOutcome>;
  /** Moves `amount` minor units from one account to another. */
  move(
    source: string,
    target: string,
    amount: bigint,
    wait?: Partial<Wait>,
  ): Promise<LedgerOutcome>;
  /** The account's balance. */
  get(account: string, wait?: Partial<Wait>): Promise<LedgerOutcome>;
  /** A replica's status, or null when it does not answer in time (1,000 ms if left out). */
  inspect(replica: ReplicaId, wait?: { readonly timeoutMs: number }): Promise<ReplicaStatus | null>;
  /** Replicas that know this client's session: 0 when no cluster runs. */
  readonly welcomeCount: number;
  /** Whether enough of them do to answer operations. */
  readonly isWelcome: boolean;
  /** Those who wait are told "timeout"; the socket is closed. */
  close(): Promise<void>;
}

/** Time after which `run` gives up waiting. */
const TIMEOUT_MS_DEFAULT = 10_000;

/** Operations that may wait at a time: more than the fastest cluster answers in a second or so. */
const OPERATIONS_WAITING_MAX_DEFAULT = 100_000;

/** Room for one operation: names have at most 64 bytes, but hardly ever so many. */
const BYTES_INITIAL = 64;

/** Time after which `inspect` gives up waiting. */
const INSPECT_TIMEOUT_MS_DEFAULT = 1_000;

/** Ticks after which a reply that still lacks fragments is given up. */
const REASSEMBLY_TICKS_MAX = 100;

/**
 * Opens a client of the cluster. Returns at once; whether replicas answer shows in `welcomeCount`.
 * @throws SocketError when no socket can be opened.
 */
export async function connect(options: ConnectOptions): Promise<LedgerClient> {
  const { genesis, key } = options;
  const id = genesis.clients.findIndex((client) => client.name === key.name);
  assert(id >= 0, "the key belongs to this genesis");
  const { provider } = await loadCrypto(process.env);
  const keys = new KeyRing(provider, genesis, { role: "client", id }, key);
  const { port, ...world } = await openWorld(options, keys);
  const { replicaCount } = quorumsOf(genesis.replicas.length);
  const clientOptions = { ...CLIENT_OPTIONS_DEFAULT, client: id, replicaCount };
  const { operationsWaitingMax = OPERATIONS_WAITING_MAX_DEFAULT } = options;
  assert(operationsWaitingMax >= 1, "an operation may wait");
  const make = new LedgerOutcomeMaker();
  const host = new ClientHost(world, clientOptions, make, operationsWaitingMax);
  const { verifier } = world;
  const ingress = new Ingress({
    ...{ roster: keys.roster, verifier, drops: port.drops },
    macKeyOf: (from, epoch) => keys.macKeyOf(from, epoch),
    reassemblyTicksMax: REASSEMBLY_TICKS_MAX,
    onMessage: (from, message) => {
      if (from.role === "replica") host.onMessage(from.id, message);
    },
  });
  const detach = port.attach(id, ingress);
  const stopTicker = port.ticker.join(() => {
    ingress.tick();
    host.tick();
  });
  return clientOf(host, async () => {
    stopTicker();
    host.close();
    detach();
    if (port !== options.port) await port.close();
    await verifier.close();
  });
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
  const port = shared ?? (await openClientPort(genesis, openSocket));
  const { datagrams, drops } = port;
  const egress = new Egress({ roster: keys.roster, sealer: keys, datagrams, drops });
  const replicas = genesis.replicas.map(
    ({ id, host, port }) => new Destination({ role: "replica", id }, { address: host, port }),
  );
  return { keys, egress, verifier, replicas, port };
}

function clientOf(host: ClientHost<LedgerOutcome>, close: () => Promise<void>): LedgerClient {
  const run: LedgerClient["run"] = async (operation, wait) => {
    const bundle = new BundleWriter(BYTES_INITIAL);
    appendOperation(bundle, operation);
    const isRead = operation.kind === "get";
    const [outcome] = await host.invoke(bundle.finish(), isRead, waitOf(wait));
    assert(outcome !== undefined, "an operation has an outcome");
    return outcome;
  };
  return {
    run,
    runAll: (operations, wait) => runAll(host, operations, waitOf(wait)),
    deposit: (account, amount, wait) => run({ kind: "deposit", account, amount }, wait),
    withdraw: (account, amount, wait) => run({ kind: "withdraw", account, amount }, wait),
    move: (source, target, amount, wait) => run({ kind: "move", source, target, amount }, wait),
    get: (account, wait) => run({ kind: "get", account }, wait),
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

/** Operations that go together, and where their outcomes belong. */
class Share {
  readonly bundle = new BundleWriter();
  readonly places: number[] = [];
}

/** Reads and writes go their ways in bundles that are as large as their form allows. */
async function runAll(
  host: ClientHost<LedgerOutcome>,
  operations: readonly LedgerOperation[],
  wait: Wait,
): Promise<LedgerOutcome[]> {
  const shares: { isRead: boolean; share: Share }[] = [];
  const current: [Share | null, Share | null] = [null, null];
  for (const [place, operation] of operations.entries()) {
    const isRead = operation.kind === "get";
    let share = current[isRead ? 1 : 0];
    if (share === null || share.places.length === BUNDLE_OPERATIONS_MAX) {
      share = new Share();
      current[isRead ? 1 : 0] = share;
      shares.push({ isRead, share });
    }
    appendOperation(share.bundle, operation);
    share.places.push(place);
  }
  const outcomes = new Array<LedgerOutcome>(operations.length);
  const waits = shares.map(async ({ isRead, share }) => {
    const invoked = await host.invoke(share.bundle.finish(), isRead, wait);
    for (const [index, outcome] of invoked.entries()) {
      outcomes[share.places[index] ?? 0] = outcome;
    }
  });
  await Promise.all(waits);
  return outcomes;
}

function waitOf(wait: Partial<Wait> | undefined): Wait {
  return { timeoutMs: wait?.timeoutMs ?? TIMEOUT_MS_DEFAULT, signal: wait?.signal };
}

/** Makes outcomes of results, one object for each. */
class LedgerOutcomeMaker implements OutcomeMaker<LedgerOutcome> {
  readonly #reader = new ResultReader();

  completed(bytes: Uint8Array, start: number, end: number, completion: Completion): LedgerOutcome {
    const result = this.#reader.read(bytes, start, end);
    assert(result !== null, "a quorum, with a correct replica in it, answered with this result");
    const { path, view, seq: sequence, latencyMs } = completion;
    const { code, balance, targetBalance } = result;
    if (code !== "ok") return { ok: false, code, path, view, sequence, latencyMs };
    if (targetBalance === null) return { ok: true, balance, path, view, sequence, latencyMs };
    return { ok: true, balance, targetBalance, path, view, sequence, latencyMs };
  }

  timeout(retry: (wait: Wait) => Promise<LedgerOutcome>): LedgerOutcome {
    return { ok: false, code: "timeout", retry: (wait) => retry(waitOf(wait)) };
  }

  expired(): LedgerOutcome {
    return { ok: false, code: "session-expired" };
  }

  busy(): LedgerOutcome {
    return { ok: false, code: "busy" };
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
