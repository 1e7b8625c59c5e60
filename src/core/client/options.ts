import { assert } from "../base/assert.js";
import type { ClientId, SessionId, Ticks } from "../base/ids.js";
import { BUNDLE_OPERATIONS_MAX } from "../base/bundle.js";
import { BUNDLE_BYTES_MAX } from "../base/limits.js";

/** Settings of one client session. */
export interface ClientOptions {
  readonly client: ClientId;
  /** Larger than that of every earlier session of this client: its start in microseconds. */
  readonly session: SessionId;
  /** n, 4 (included) to 31 (included). */
  readonly replicaCount: number;
  /** Shortest time before a request is sent again, to all replicas (CL2). */
  readonly retryTicksMin: Ticks;
  /** Longest time between two tries. */
  readonly retryTicksMax: Ticks;
  /** Largest bundle of operations of one request, in bytes. */
  readonly bundleBytesMax: number;
  /** Most operations of one request. */
  readonly bundleOperationsMax: number;
}

/** Values that suit one machine or one network; a tick is 10 ms. */
export const CLIENT_OPTIONS_DEFAULT = {
  retryTicksMin: 15,
  retryTicksMax: 200,
  bundleBytesMax: BUNDLE_BYTES_MAX,
  bundleOperationsMax: 2_048,
} as const satisfies Partial<ClientOptions>;

/** @throws InvariantError when settings contradict each other. */
export function checkClientOptions(options: ClientOptions): void {
  assert(options.session >= 1 && Number.isSafeInteger(options.session), "a session has a start");
  assert(options.retryTicksMin >= 1, "a retry takes time");
  assert(options.retryTicksMax >= options.retryTicksMin, "the longest is not the shortest");
  assert(options.bundleBytesMax <= BUNDLE_BYTES_MAX, "a bundle fits a request");
  assert(options.bundleOperationsMax <= BUNDLE_OPERATIONS_MAX, "a count fits its field");
}
