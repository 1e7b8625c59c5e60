import { assert } from "../core/base/assert.js";
import type { ClientId } from "../core/base/ids.js";
import { ConfigError } from "./config-error.js";
import { contradictionIn } from "./config-rules.js";
import {
  clientKeySchema,
  FILE_VERSION,
  formatFile,
  genesisSchema,
  parseFile,
  replicaKeySchema,
} from "./config-schema.js";
import type { ClientKeyFile, GenesisFile, ReplicaKeyFile } from "./config-schema.js";
import type { AccountRow } from "./store.js";

/*
 * What a cluster's files say: the public genesis that everybody holds, and one private key file for
 * each replica and client.
 */

/** Who a replica is: where it listens, and the public keys that prove its messages. */
type ReplicaIdentity = Readonly<GenesisFile["replicas"][number]>;

/** Who a client is. Its `ClientId` is its index in the genesis. A teller may use every account. */
export type ClientIdentity = Readonly<GenesisFile["clients"][number]>;

/** The protocol's settings, the same at every replica: those of `ReplicaOptions`, and the tick. */
export type ClusterSettings = Readonly<GenesisFile["settings"]>;

/** What everybody knows about a cluster from its first day. Public: it holds no secret. */
export interface Genesis {
  /** 32 random bytes, bound into every signature and MAC. */
  readonly clusterId: Uint8Array;
  /** 4 to 31; `replicas[i].id` is i. */
  readonly replicas: readonly ReplicaIdentity[];
  /** At least one; the first is a teller. */
  readonly clients: readonly ClientIdentity[];
  /** The service that it replicates, if it is not the ledger. */
  readonly service?: string;
  /** The customer table before the first operation, ascending by customer id. */
  readonly accounts: readonly AccountRow[];
  readonly settings: ClusterSettings;
}

/** One replica's private file: its secrets, and its database, whose address may hold a password. */
export type ReplicaKey = Readonly<Omit<ReplicaKeyFile, "version">>;

/** One client's private file. */
export type ClientKey = Readonly<Omit<ClientKeyFile, "version">>;

/**
 * The genesis written in `json`, the content of `file`.
 * @throws ConfigError when it is not a genesis, or contradicts itself.
 */
export function parseGenesis(file: string, json: string): Genesis {
  const written = parseFile(genesisSchema, file, json, "shown");
  const contradiction = contradictionIn(written);
  if (contradiction !== null) throw new ConfigError(`${file}: ${contradiction}.`);
  const clientIds = new Map(written.clients.map((client, index) => [client.name, index]));
  const { clusterId, replicas, clients, settings } = written;
  const accounts = written.accounts.map((account) => {
    return {
      ...account,
      owner: account.owner === null ? null : (clientIds.get(account.owner) ?? null),
    };
  });
  const { service } = written;
  const named = service === undefined ? {} : { service };
  return { clusterId, replicas, clients, ...named, accounts, settings };
}

/** The file that `parseGenesis` reads back as `genesis`. */
export function formatGenesis(genesis: Genesis): string {
  const accounts = genesis.accounts.map((account) => {
    return { ...account, owner: ownerName(genesis, account.owner) };
  });
  const replicas = [...genesis.replicas];
  const clients = [...genesis.clients];
  return formatFile(genesisSchema, {
    version: FILE_VERSION,
    ...genesis,
    replicas,
    clients,
    accounts,
  });
}

/**
 * The replica key written in `json`, the content of `file`; not yet compared with a genesis.
 * @throws ConfigError when it is not a replica's key file.
 */
export function parseReplicaKey(file: string, json: string): ReplicaKey {
  const { version: _, ...key } = parseFile(replicaKeySchema, file, json, "secret");
  return key;
}

/** The file that `parseReplicaKey` reads back as `key`. */
export function formatReplicaKey(key: ReplicaKey): string {
  return formatFile(replicaKeySchema, { version: FILE_VERSION, ...key });
}

/**
 * The client key written in `json`, the content of `file`; not yet compared with a genesis.
 * @throws ConfigError when it is not a client's key file.
 */
export function parseClientKey(file: string, json: string): ClientKey {
  const { version: _, ...key } = parseFile(clientKeySchema, file, json, "secret");
  return key;
}

/** The file that `parseClientKey` reads back as `key`. */
export function formatClientKey(key: ClientKey): string {
  return formatFile(clientKeySchema, { version: FILE_VERSION, ...key });
}

function ownerName(genesis: Genesis, owner: ClientId | null): string | null {
  if (owner === null) return null;
  const client = genesis.clients[owner];
  assert(client !== undefined, "an account's owner is a client of the genesis");
  return client.name;
}
