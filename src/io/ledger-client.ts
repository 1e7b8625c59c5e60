import { assert } from "../core/base/assert.js";
import { BUNDLE_OPERATIONS_MAX, BundleWriter } from "../core/base/bundle.js";
import {
  appendOperation,
  type LedgerOperation,
  type ResultCode,
} from "../core/ledger/operation.js";
import { ResultReader } from "../core/ledger/result-reader.js";
import { mustRun } from "./choose-service.js";
import type { ClientHost, Completion, OutcomeMaker, Wait } from "./client-host.js";
import {
  type ClusterClient,
  type ConnectOptions,
  type NoResult,
  openClient,
  type OpenClient,
  type OutcomePath,
  type TimedOut,
  waitOf,
} from "./open-client.js";

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
  | TimedOut<LedgerOutcome>
  | NoResult;

/** A bank's client. Operations may be submitted together; they share requests and signatures. */
export interface LedgerClient extends ClusterClient {
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
}

/** Room for one operation: names have at most 64 bytes, but hardly ever so many. */
const BYTES_INITIAL = 64;

/**
 * Opens a client of the cluster's ledger. Returns at once; whether replicas answer shows in
 * `welcomeCount`.
 * @throws ConfigError when the cluster runs another service; SocketError when no socket can be
 * opened.
 */
export async function connect(options: ConnectOptions): Promise<LedgerClient> {
  mustRun(options.genesis, undefined, "Use a client of that service.");
  return clientOf(await openClient(options, new LedgerOutcomeMaker()));
}

function clientOf({ host, common }: OpenClient<LedgerOutcome>): LedgerClient {
  const run: LedgerClient["run"] = (operation, wait) =>
    // Whatever is thrown in here rejects the promise: there is but one for each operation.
    new Promise((resolve) => {
      const bundle = new BundleWriter(BYTES_INITIAL);
      appendOperation(bundle, operation);
      const isRead = operation.kind === "get";
      host.submit(bundle.finish(), isRead, waitOf(wait), (outcomes) => {
        const outcome = outcomes[0];
        assert(outcome !== undefined, "an operation has an outcome");
        resolve(outcome);
      });
    });
  const calls: Omit<LedgerClient, keyof ClusterClient> = {
    run,
    runAll: (operations, wait) => runAll(host, operations, waitOf(wait)),
    deposit: (account, amount, wait) => run({ kind: "deposit", account, amount }, wait),
    withdraw: (account, amount, wait) => run({ kind: "withdraw", account, amount }, wait),
    move: (source, target, amount, wait) => run({ kind: "move", source, target, amount }, wait),
    get: (account, wait) => run({ kind: "get", account }, wait),
  };
  return Object.assign(common, calls);
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
