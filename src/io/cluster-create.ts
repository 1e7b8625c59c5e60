import { randomBytes } from "node:crypto";
import { assert } from "../core/base/assert.js";
import { WINDOW_SLOTS_MAX } from "../core/base/limits.js";
import type { CryptoProvider } from "../core/crypto/crypto.js";
import { KEY_BYTES } from "../core/crypto/crypto.js";
import { REPLICA_OPTIONS_DEFAULT } from "../core/pbft/options.js";
import type { Cluster } from "./cluster-directory.js";
import type { ClientIdentity, ClusterSettings, Genesis } from "./config.js";
import type { Durability, Replies, StoreUrl } from "./config-schema.js";
import { CLUSTER_ID_BYTES } from "./config-schema.js";
import type { AccountRow } from "./store.js";

/** What one may choose about a new cluster. */
export interface ClusterOptions {
  /** n, 4 (included) to 31 (included). */
  readonly replicaCount: number;
  /** 1 and up. The first is called "teller" and is one, the others are customers "client-1", … */
  readonly clientCount: number;
  /** IP addresses; replica i listens on host i modulo their number. */
  readonly hosts: readonly string[];
  /** First port; replicas that share a host listen on consecutive ones. */
  readonly port: number;
  readonly store: StoreUrl;
  readonly durability: Durability;
  /** "journal" by default. */
  readonly replies?: Replies;
  /** The service to replicate, by its name; the ledger if left out. */
  readonly service?: string;
  /** Ascending by customer id; none for another service. */
  readonly accounts: readonly AccountRow[];
  /** Settings that differ from the defaults, which depend on how many accounts there are. */
  readonly settings?: Partial<ClusterSettings>;
}

const SETTINGS_DEFAULT: ClusterSettings = { tickMs: 10, ...REPLICA_OPTIONS_DEFAULT };

/**
 * Accounts from which on checkpoints are twice as far apart: each costs the hashes and the rows of
 * all accounts that changed since the last, which are fewer for a write the longer that is. A
 * smaller ledger would only have to keep more of its log, and order it anew with each view change.
 */
const LARGE_LEDGER_ACCOUNTS_MIN = 50_000;

const LARGE_LEDGER_SETTINGS = {
  checkpointIntervalSlots: WINDOW_SLOTS_MAX / 2,
  windowSlots: WINDOW_SLOTS_MAX,
} as const satisfies Partial<ClusterSettings>;

/** The accounts of the reference experiments, so that these come out as published. */
export const DEMO_ACCOUNTS: readonly AccountRow[] = [
  demoAccount(3, "A", "Michael Chen", "1 Main St", 100_00n),
  demoAccount(4, "B", "Wei Qin", "2 Main St", 800_00n),
  demoAccount(5, "C", "Sanjay Ghemawat", "3 Main St", 400_00n),
];

function demoAccount(
  customerId: number,
  account: string,
  name: string,
  address: string,
  balance: bigint,
): AccountRow {
  return { customerId, account, name, address, balance, owner: null };
}

/** Makes a new cluster: fresh random keys for everybody, and a fresh random cluster id. */
export function createCluster(options: ClusterOptions, crypto: CryptoProvider): Cluster {
  const clusterId = freshBytes(CLUSTER_ID_BYTES);
  const replicas = addresses(options).map(({ host, port }, id) => {
    const keys = freshKeys(crypto);
    const { store, durability, replies = "journal" } = options;
    const key = { id, clusterId, ...keys.secret, store, durability, replies };
    return { key, identity: { id, host, port, ...keys.public } };
  });
  const clients = Array.from({ length: options.clientCount }, (_, index) => {
    const keys = freshKeys(crypto);
    const { name, role } = clientNamed(index);
    return { key: { name, clusterId, ...keys.secret }, identity: { name, role, ...keys.public } };
  });
  const genesis: Genesis = {
    clusterId,
    replicas: replicas.map(({ identity }) => identity),
    clients: clients.map(({ identity }) => identity),
    ...(options.service === undefined ? {} : { service: options.service }),
    accounts: options.accounts,
    settings: settingsOf(options),
  };
  return {
    genesis,
    replicaKeys: replicas.map(({ key }) => key),
    clientKeys: clients.map(({ key }) => key),
  };
}

function settingsOf({ accounts, settings = {} }: ClusterOptions): ClusterSettings {
  const isChosen = "windowSlots" in settings || "checkpointIntervalSlots" in settings;
  const isLarge = accounts.length >= LARGE_LEDGER_ACCOUNTS_MIN && !isChosen;
  return { ...SETTINGS_DEFAULT, ...(isLarge ? LARGE_LEDGER_SETTINGS : {}), ...settings };
}

function clientNamed(index: number): Pick<ClientIdentity, "name" | "role"> {
  if (index === 0) return { name: "teller", role: "teller" };
  return { name: `client-${index}`, role: "customer" };
}

function addresses({ replicaCount, hosts, port }: ClusterOptions) {
  const taken = new Map<string, number>();
  return Array.from({ length: replicaCount }, (_, index) => {
    const host = hosts[index % hosts.length];
    assert(host !== undefined, "there is a host");
    const neighbours = taken.get(host) ?? 0;
    taken.set(host, neighbours + 1);
    return { host, port: port + neighbours };
  });
}

function freshKeys(crypto: CryptoProvider) {
  const secret = { signSeed: freshBytes(KEY_BYTES), exchangeSecret: freshBytes(KEY_BYTES) };
  const signKey = crypto.signPublicKey(secret.signSeed);
  const exchangeKey = crypto.exchangePublicKey(secret.exchangeSecret);
  return { secret, public: { signKey, exchangeKey } };
}

function freshBytes(count: number): Uint8Array {
  return Uint8Array.from(randomBytes(count));
}
