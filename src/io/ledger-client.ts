import { assert } from "../core/base/assert.js";
import type { ReplicaId } from "../core/base/ids.js";
import { quorumsOf } from "../core/base/quorum.js";
import { CLIENT_OPTIONS_DEFAULT } from "../core/client/options.js";
import {
  decodeResult,
  encodeOperation,
  type LedgerOperation,
  type LedgerResult,
  type ResultCode,
} from "../core/ledger/operation.js";
import type { ResultPath } from "../core/client/effect.js";
import { createVerifier } from "../workers/create-verifier.js";
import { loadCrypto } from "../workers/load-crypto.js";
import { ClientHost, type Outcome, type Wait } from "./client-host.js";
import type { ClientKey, Genesis } from "./config.js";
import { datagramBytesMaxOf, isLoopback } from "./datagram-size.js";
import { Destination, Egress } from "./egress.js";
import { Ingress } from "./ingress.js";
import { KeyRing } from "./key-ring.js";
import type { ReplicaStatus } from "./replica-status.js";
import { Tally } from "./tally.js";
import { startTicker } from "./ticker.js";
import { openUdpSocket, type DatagramSocket, type SocketAddress } from "./udp-socket.js";

/** What connecting takes. */
export interface ConnectOptions {
  readonly genesis: Genesis;
  readonly key: ClientKey;
  /** Opens the socket; a test may put one in between that loses datagrams. */
  readonly openSocket?: (local: SocketAddress) => Promise<DatagramSocket>;
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
  | { readonly ok: false; readonly code: "session-expired" };

/** A bank's client. Operations may be submitted together; they share requests and signatures. */
export interface LedgerClient {
  /**
   * Runs one operation. `get` takes the read-only path first.
   * @param wait `timeoutMs` is 10,000 if left out; an aborted `signal` counts as a passed deadline.
   * @throws OperationError when the operation cannot be encoded, e.g. a name that is too long.
   */
  run(operation: LedgerOperation, wait?: Partial<Wait>): Promise<LedgerOutcome>;
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
  const { macKeyOf, ...world } = await openWorld(options, keys);
  const host = new ClientHost(world, {
    ...CLIENT_OPTIONS_DEFAULT,
    client: id,
    replicaCount: quorumsOf(genesis.replicas.length).replicaCount,
  });
  const { socket, verifier, roster, drops } = world;
  const ingress = new Ingress({
    ...{ roster, verifier, drops, macKeyOf, reassemblyTicksMax: REASSEMBLY_TICKS_MAX },
    onMessage: (from, message) => {
      if (from.role === "replica") host.onMessage(from.id, message);
    },
  });
  socket.receive((bytes, from) => {
    ingress.receive(bytes, from);
  });
  const stopTicker = startTicker(genesis.settings.tickMs, () => {
    ingress.tick();
    host.tick();
  });
  return clientOf(host, async () => {
    stopTicker();
    host.close();
    await socket.close();
    await verifier.close();
  });
}

async function openWorld({ genesis, openSocket = openUdpSocket }: ConnectOptions, keys: KeyRing) {
  const { roster } = keys;
  const isLocal = genesis.replicas.every((replica) => isLoopback(replica.host));
  const isV6 = genesis.replicas.some((replica) => replica.host.includes(":"));
  const anyAddress = isV6 ? "::" : "0.0.0.0";
  const loopback = isV6 ? "::1" : "127.0.0.1";
  const socket = await openSocket({ address: isLocal ? loopback : anyAddress, port: 0 });
  const verifier = await createVerifier({
    workerCount: 0,
    provider: keys.provider,
    keys: keys.checkKeys,
    onCrash: (cause) => {
      throw cause;
    },
  });
  const drops = new Tally();
  const datagramBytesMax = datagramBytesMaxOf(genesis);
  const egress = new Egress({ roster, sealer: keys, socket, datagramBytesMax, drops });
  const replicas = genesis.replicas.map(
    ({ id, host, port }) => new Destination({ role: "replica", id }, { address: host, port }),
  );
  const macKeyOf: KeyRing["macKeyOf"] = (from, epoch) => keys.macKeyOf(from, epoch);
  return { roster, keys, egress, verifier, replicas, socket, drops, macKeyOf };
}

function clientOf(host: ClientHost, close: () => Promise<void>): LedgerClient {
  const run: LedgerClient["run"] = async (operation, wait) => {
    const isRead = operation.kind === "get";
    return outcomeOf(await host.invoke(encodeOperation(operation), isRead, waitOf(wait)));
  };
  return {
    run,
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

function waitOf(wait: Partial<Wait> | undefined): Wait {
  return { timeoutMs: wait?.timeoutMs ?? TIMEOUT_MS_DEFAULT, signal: wait?.signal };
}

function outcomeOf(outcome: Outcome): LedgerOutcome {
  switch (outcome.kind) {
    case "timeout":
      return {
        ok: false,
        code: "timeout",
        retry: async (wait) => outcomeOf(await outcome.retry(waitOf(wait))),
      };
    case "expired":
      return { ok: false, code: "session-expired" };
    case "completed": {
      const result = decodeResult(outcome.result);
      assert(result !== null, "a quorum, with a correct replica in it, answered with this result");
      return ledgerOutcome(result, {
        path: outcome.path,
        view: outcome.view,
        sequence: outcome.seq,
        latencyMs: outcome.latencyMs,
      });
    }
  }
}

function ledgerOutcome(result: LedgerResult, path: OutcomePath): LedgerOutcome {
  if (result.code !== "ok") return { ok: false, code: result.code, ...path };
  const { balance, targetBalance } = result;
  if (targetBalance === null) return { ok: true, balance, ...path };
  return { ok: true, balance, targetBalance, ...path };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
