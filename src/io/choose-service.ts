import { randomBytes } from "node:crypto";
import type { Hasher } from "../core/base/hasher.js";
import { ENTRY_SLOTS_MAX } from "../core/entries/entry-row.js";
import type { EntryService } from "../core/entries/entry-service.js";
import { INDEX_KEY_BYTES } from "../core/ledger/byte-index.js";
import type { Genesis } from "./config.js";
import { ConfigError } from "./config-error.js";
import { isShortName, SHORT_NAME } from "./config-schema.js";
import { HostedEntries, HostedLedger, type HostedService } from "./hosted-service.js";
import type { Log } from "./log.js";

/** What a cluster's service is made of. */
interface ServiceParts {
  readonly genesis: Genesis;
  readonly hasher: Hasher;
  /** The one that the program brings; undefined: it has the ledger only. */
  readonly service: EntryService | undefined;
  readonly log: Log;
}

/** Least time between two lines about operations that failed, in milliseconds. */
const FAULT_LOG_INTERVAL_MS = 1_000;

/** The cluster's service with the state of the genesis. */
export function chooseService({ genesis, hasher, service, log }: ServiceParts): HostedService {
  if (service === undefined) {
    const clients = genesis.clients.map((client) => client.role);
    const { accounts } = genesis;
    return new HostedLedger({ hasher, clients, accounts, indexKey: randomBytes(INDEX_KEY_BYTES) });
  }
  const clientNames = genesis.clients.map((client) => client.name);
  return new HostedEntries({ hasher, service, clientNames, onFault: faultLog(log) });
}

/** Tells of faults, but not of each: a client can bring about as many as it likes. */
function faultLog(log: Log): (fault: unknown) => void {
  let nextMs = 0;
  let count = 0;
  return (fault) => {
    count += 1;
    if (performance.now() < nextMs) return;
    nextMs = performance.now() + FAULT_LOG_INTERVAL_MS;
    log.warn({ fault: textOf(fault), count }, "operations of the service failed");
    count = 0;
  };
}

/** Most characters of a fault that are logged. */
const FAULT_TEXT_MAX = 2_000;

/** What a program threw may be anything, and may throw itself when it is looked at. */
function textOf(fault: unknown): string {
  try {
    const text = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
    return text.slice(0, FAULT_TEXT_MAX);
  } catch {
    return "something that can't be shown";
  }
}

/**
 * What is wrong with `value` as a service of one's own: the rest of a sentence that begins with its
 * name; null if nothing is.
 */
export function serviceFault(value: unknown): string | null {
  if (typeof value !== "object" || value === null) return "is no object";
  const { name, execute, query, entriesMax = 1 } = value as Partial<Record<string, unknown>>;
  if (!isShortName(name)) return `needs ${SHORT_NAME}`;
  if (typeof execute !== "function") return "needs a function execute";
  if (typeof query !== "function") return "needs a function query";
  const isCount = Number.isInteger(entriesMax) && Number(entriesMax) >= 1;
  if (isCount && Number(entriesMax) <= ENTRY_SLOTS_MAX) return null;
  return `needs an entriesMax from 1 to ${ENTRY_SLOTS_MAX}, if it has one`;
}

/**
 * Checks that the service that a replica is given is one, and the cluster's.
 * @throws ConfigError when it is not.
 */
export function checkService(genesis: Genesis, service: EntryService | undefined): void {
  const fault = service === undefined ? null : serviceFault(service);
  if (fault !== null) throw new ConfigError(`The service ${fault}.`);
  const advice =
    genesis.service === undefined
      ? "Leave the service out, or make a cluster for it."
      : "Give the replica that service: `--service FILE`, or the option `service`.";
  mustRun(genesis, service?.name, advice);
}

/**
 * Checks that the cluster runs the service that somebody brings or speaks to.
 * @param service its name; undefined: the ledger.
 * @param advice what to do if it does not.
 * @throws ConfigError when it runs another one.
 */
export function mustRun(
  { service: wanted }: Genesis,
  service: string | undefined,
  advice: string,
): void {
  if (service === wanted) return;
  throw new ConfigError(
    `The cluster runs ${nameOf(wanted)}, and this is for ${nameOf(service)}. ${advice}`,
  );
}

function nameOf(service: string | undefined): string {
  return service === undefined ? "the ledger" : `the service "${service}"`;
}
