import { assert } from "../core/base/assert.js";
import { BUNDLE_OPERATIONS_MAX, BundleWriter, ITEM_OVERHEAD_BYTES } from "../core/base/bundle.js";
import { BUNDLE_BYTES_MAX } from "../core/base/limits.js";
import { type EntryAccess, taggedOperation } from "../core/entries/entry-operation.js";
import { readResult } from "../core/entries/entry-result.js";
import { mustRun } from "./choose-service.js";
import type { ClientHost, Completion, OutcomeMaker, Wait } from "./client-host.js";
import {
  type ClusterClient,
  type ConnectOptions,
  type NoResult,
  openClient,
  type OutcomePath,
  type TimedOut,
  waitOf,
} from "./open-client.js";

/** What opening a client of a service of one's own takes. */
export interface ServiceClientOptions extends ConnectOptions {
  /** The service's name, as in the genesis. */
  readonly service: string;
}

/** What came of one operation of a service. */
export type ServiceOutcome =
  /** Done: what `execute` or `query` returned. */
  | ({ readonly ok: true; readonly result: Uint8Array } & OutcomePath)
  /** The service threw, or returned what can't be sent: nothing changed. The replicas' logs say. */
  | ({ readonly ok: false; readonly code: "failed" } & OutcomePath)
  | TimedOut<ServiceOutcome>
  | NoResult;

/** A client of a service of one's own. Operations are bytes; what they mean is its business. */
export interface ServiceClient extends ClusterClient {
  /**
   * Has one operation ordered and executed. Calls that are made together share a request.
   * @param operation 0 to `OPERATION_BYTES_MAX` bytes.
   * @param wait `timeoutMs` is 10,000 if left out; an aborted `signal` counts as a passed deadline.
   * @throws RangeError when the operation is larger, TypeError when it is no bytes.
   */
  invoke(operation: Uint8Array, wait?: Partial<Wait>): Promise<ServiceOutcome>;
  /**
   * The same for several: outcomes in the order of the operations, once there is one for each.
   * Cheaper than as many calls of `invoke`; in what order they are executed is as open as with
   * these.
   */
  invokeAll(operations: readonly Uint8Array[], wait?: Partial<Wait>): Promise<ServiceOutcome[]>;
  /**
   * Reads, from a quorum of replicas that agree; ordered like an operation if they do not in time.
   * @throws RangeError when the operation is too large.
   */
  query(operation: Uint8Array, wait?: Partial<Wait>): Promise<ServiceOutcome>;
}

/** Largest operation of a service, in bytes (included): alone it fills a request. */
export const OPERATION_BYTES_MAX = 59_000;

assert(OPERATION_BYTES_MAX + ITEM_OVERHEAD_BYTES + 64 < BUNDLE_BYTES_MAX, "it fits a request");

/**
 * Opens a client of a cluster that runs a service of one's own. Returns at once; whether replicas
 * answer shows in `welcomeCount`.
 * @throws ConfigError when the cluster runs another service; SocketError when no socket can be
 * opened.
 */
export async function connectToService(options: ServiceClientOptions): Promise<ServiceClient> {
  mustRun(options.genesis, options.service, "Use a client of that service.");
  const { host, common } = await openClient(options, new ServiceOutcomeMaker());
  const calls: Omit<ServiceClient, keyof ClusterClient> = {
    invoke: async (operation, wait) => oneOf(await run(host, [operation], "write", waitOf(wait))),
    invokeAll: (operations, wait) => run(host, operations, "write", waitOf(wait)),
    query: async (operation, wait) => oneOf(await run(host, [operation], "read", waitOf(wait))),
  };
  return Object.assign(common, calls);
}

function oneOf([outcome]: readonly ServiceOutcome[]): ServiceOutcome {
  assert(outcome !== undefined, "an operation has an outcome");
  return outcome;
}

async function run(
  host: ClientHost<HostOutcome>,
  operations: readonly Uint8Array[],
  access: EntryAccess,
  wait: Wait,
): Promise<ServiceOutcome[]> {
  for (const operation of operations) checkOperation(operation);
  // Copies: the caller may use its buffers for something else before all are sent.
  const tagged = operations.map((operation) => taggedOperation(access, operation));
  const isRead = access === "read";
  const endMs = performance.now() + wait.timeoutMs;
  const outcomes = await submit(host, tagged, isRead, wait);
  for (;;) {
    const places = [...outcomes.keys()].filter((place) => isCrowded(outcomes[place]));
    const timeoutMs = endMs - performance.now();
    if (places.length === 0 || timeoutMs <= 0 || wait.signal?.aborted === true) break;
    // Their results had no room beside the others: nothing was changed, so they are sent anew.
    const again = tagged.filter((_, place) => places.includes(place));
    const later = await submit(host, again, isRead, { ...wait, timeoutMs });
    for (const [index, place] of places.entries()) outcomes[place] = later[index] ?? BUSY;
  }
  return outcomes.map((outcome) => (isCrowded(outcome) ? BUSY : outcome));
}

function checkOperation(operation: Uint8Array): void {
  if (!(operation instanceof Uint8Array)) throw new TypeError("An operation is a Uint8Array.");
  if (operation.length <= OPERATION_BYTES_MAX) return;
  throw new RangeError(
    `An operation has up to ${OPERATION_BYTES_MAX} bytes, and this one ${operation.length}.`,
  );
}

async function submit(
  host: ClientHost<HostOutcome>,
  operations: readonly Uint8Array[],
  isRead: boolean,
  wait: Wait,
): Promise<HostOutcome[]> {
  const shares: Promise<HostOutcome[]>[] = [];
  for (let first = 0; first < operations.length; first += BUNDLE_OPERATIONS_MAX) {
    const bundle = new BundleWriter();
    for (const operation of operations.slice(first, first + BUNDLE_OPERATIONS_MAX)) {
      bundle.append(operation);
    }
    shares.push(host.invoke(bundle.finish(), isRead, wait));
  }
  return (await Promise.all(shares)).flat();
}

/** What one try brings: an outcome, or that there was no room for the result. */
type HostOutcome = ServiceOutcome | { readonly ok: false; readonly code: "crowded" };

function isCrowded(
  outcome: HostOutcome | undefined,
): outcome is { readonly ok: false; readonly code: "crowded" } {
  return outcome?.ok === false && outcome.code === "crowded";
}

const BUSY: ServiceOutcome = { ok: false, code: "busy" };

/** Makes outcomes of results. */
class ServiceOutcomeMaker implements OutcomeMaker<HostOutcome> {
  completed(bytes: Uint8Array, start: number, end: number, completion: Completion): HostOutcome {
    const result = readResult(bytes, start, end);
    const { path, view, seq: sequence, latencyMs } = completion;
    if (result === "crowded") return { ok: false, code: "crowded" };
    if (result === "failed") return { ok: false, code: "failed", path, view, sequence, latencyMs };
    return { ok: true, result, path, view, sequence, latencyMs };
  }

  timeout(retry: (wait: Wait) => Promise<HostOutcome>): HostOutcome {
    const again = async (wait?: Partial<Wait>): Promise<ServiceOutcome> => {
      const outcome = await retry(waitOf(wait));
      return isCrowded(outcome) ? BUSY : outcome;
    };
    return { ok: false, code: "timeout", retry: again };
  }

  expired(): ServiceOutcome {
    return { ok: false, code: "session-expired" };
  }

  busy(): ServiceOutcome {
    return BUSY;
  }
}
