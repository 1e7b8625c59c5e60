import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bytesEqual } from "../core/base/bytes.js";
import type { ReplicaId } from "../core/base/ids.js";
import type { CryptoProvider } from "../core/crypto/crypto.js";
import { ConfigError } from "./config-error.js";
import {
  formatClientKey,
  formatGenesis,
  formatReplicaKey,
  parseClientKey,
  parseGenesis,
  parseReplicaKey,
} from "./config.js";
import type { ClientKey, Genesis, ReplicaKey } from "./config.js";
import type { StoreUrl } from "./config-schema.js";

/*
 *   DIR/genesis.json            public; the same file on every machine
 *   DIR/keys/replica-N.json     private; only on the machine of replica N
 *   DIR/keys/client-NAME.json   private; only where that client works
 *   DIR/replica-N/              ledger.db, journal/, replica.log, replica.pid
 *   DIR/replica-N.served        replica N has taken part
 *   DIR/up.sock                 commands to the supervisor, while it runs
 */

/** Where the genesis is. */
function genesisPath(dir: string): string {
  return join(dir, "genesis.json");
}

/** Where the private key of replica `id` is. */
function replicaKeyPath(dir: string, id: ReplicaId): string {
  return join(dir, "keys", `replica-${id}.json`);
}

/** Where the private key of the client called `name` is. */
export function clientKeyPath(dir: string, name: string): string {
  return join(dir, "keys", `client-${name}.json`);
}

/** The folder of everything that replica `id` writes. */
export function replicaDirectory(dir: string, id: ReplicaId): string {
  return join(dir, `replica-${id}`);
}

/** The embedded database of replica `id`. */
export function replicaDatabasePath(dir: string, id: ReplicaId): string {
  return join(replicaDirectory(dir, id), "ledger.db");
}

/** An empty file that says that replica `id` has taken part: its folder must not be missing. */
export function replicaServedPath(dir: string, id: ReplicaId): string {
  return join(dir, `replica-${id.toString()}.served`);
}

/** Where replica `id` says what happens to it, while a supervisor runs it. */
export function replicaLogPath(dir: string, id: ReplicaId): string {
  return join(replicaDirectory(dir, id), "replica.log");
}

/** Where replica `id` keeps its process id, while it serves. */
export function replicaPidPath(dir: string, id: ReplicaId): string {
  return join(replicaDirectory(dir, id), "replica.pid");
}

/** The socket of the supervisor, while it runs. */
export function controlSocketPath(dir: string): string {
  return join(dir, "up.sock");
}

/** Everything that `writeCluster` puts into files. */
export interface Cluster {
  readonly genesis: Genesis;
  /** One for each replica of the genesis, in order. */
  readonly replicaKeys: readonly ReplicaKey[];
  /** One for each client of the genesis, in order. */
  readonly clientKeys: readonly ClientKey[];
}

const PRIVATE_DIRECTORY_MODE = 0o700;
const PRIVATE_FILE_MODE = 0o600;

/**
 * Writes the files of a new cluster. The genesis comes last, so that a directory that holds one is
 * whole.
 * @throws ConfigError when `dir` holds a cluster already, or cannot be written.
 */
export function writeCluster(dir: string, cluster: Cluster): void {
  if (existsSync(genesisPath(dir))) {
    throw new ConfigError(
      `${dir} holds a cluster already. Choose another directory, or delete it.`,
    );
  }
  writing(dir, () => {
    mkdirSync(join(dir, "keys"), { recursive: true, mode: PRIVATE_DIRECTORY_MODE });
    for (const key of cluster.replicaKeys) {
      writeNew(replicaKeyPath(dir, key.id), formatReplicaKey(key), PRIVATE_FILE_MODE);
    }
    for (const key of cluster.clientKeys) {
      writeNew(clientKeyPath(dir, key.name), formatClientKey(key), PRIVATE_FILE_MODE);
    }
    writeNew(genesisPath(dir), formatGenesis(cluster.genesis), 0o644);
  });
}

function writeNew(path: string, content: string, mode: number): void {
  writeFileSync(path, content, { flag: "wx", mode });
}

function writing(dir: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    const code = errorCode(error);
    if (code === null) throw error;
    if (code === "EEXIST") {
      throw new ConfigError(`${dir} holds keys of another cluster. Choose another directory.`);
    }
    throw new ConfigError(
      `${dir} cannot be written (${code}). Check its permissions and the disk.`,
    );
  }
}

/**
 * The genesis of the cluster in `dir`.
 * @throws ConfigError when there is none, or it is not in order.
 */
export function loadGenesis(dir: string): Genesis {
  const path = genesisPath(dir);
  const missing = existsSync(dir)
    ? `${dir} holds no cluster: there is no ${path}. Make one with \`pbft-ledger init ${dir}\`.`
    : `There is no directory ${dir}. Make a cluster there with \`pbft-ledger init ${dir}\`.`;
  return parseGenesis(path, read(path, missing));
}

/** What deriving a public key takes. */
type KeyDerivation = Pick<CryptoProvider, "signPublicKey" | "exchangePublicKey">;

/**
 * The private key of replica `id`, checked against `genesis`.
 * @throws ConfigError when it is missing, not in order, or the key of somebody else.
 */
export function loadReplicaKey(
  dir: string,
  genesis: Genesis,
  id: ReplicaId,
  crypto: KeyDerivation,
): ReplicaKey {
  const identity = genesis.replicas[id];
  if (identity === undefined) {
    const last = genesis.replicas.length - 1;
    throw new ConfigError(`There is no replica ${id}: ids go from 0 to ${last}.`);
  }
  const path = replicaKeyPath(dir, id);
  const missing = `There is no ${path}. Copy the key of replica ${id} to this machine.`;
  const key = parseReplicaKey(path, read(path, missing));
  const owner = `replica ${id}`;
  if (key.id !== id) throw wrongKey(path, owner, `it says that it is replica ${key.id}`);
  checkKey({ path, owner, key, identity, genesis, crypto });
  return key;
}

/**
 * The private key of the client called `name`, or of the first client for null, checked against
 * `genesis`.
 * @throws ConfigError when it is missing, not in order, or the key of somebody else.
 */
export function loadClientKey(
  dir: string,
  genesis: Genesis,
  name: string | null,
  crypto: KeyDerivation,
): ClientKey {
  const [first] = genesis.clients;
  const identity = name === null ? first : genesis.clients.find((client) => client.name === name);
  if (identity === undefined) {
    const names = genesis.clients.slice(0, NAMES_SHOWN_MAX).map((client) => client.name);
    throw new ConfigError(
      `There is no client "${name ?? ""}". The clients are: ${names.join(", ")}.`,
    );
  }
  const path = clientKeyPath(dir, identity.name);
  const missing = `There is no ${path}. Copy the key of client ${identity.name} to this machine.`;
  const key = parseClientKey(path, read(path, missing));
  const owner = `client ${identity.name}`;
  if (key.name !== identity.name) throw wrongKey(path, owner, `it says that it is "${key.name}"`);
  checkKey({ path, owner, key, identity, genesis, crypto });
  return key;
}

/**
 * Where replica `id` keeps its customer table; null when its private key is not here.
 * @throws ConfigError when the key's file is not in order.
 */
export function storeOfReplica(dir: string, id: ReplicaId): StoreUrl | null {
  const path = replicaKeyPath(dir, id);
  return existsSync(path) ? parseReplicaKey(path, read(path, "")).store : null;
}

const NAMES_SHOWN_MAX = 10;

interface KeyCheck {
  readonly path: string;
  readonly owner: string;
  readonly key: Readonly<Record<"clusterId" | "signSeed" | "exchangeSecret", Uint8Array>>;
  readonly identity: Readonly<Record<"signKey" | "exchangeKey", Uint8Array>>;
  readonly genesis: Genesis;
  readonly crypto: KeyDerivation;
}

/**
 * A key that does not fit makes every frame fail its check: better said here than counted there.
 */
function checkKey({ path, owner, key, identity, genesis, crypto }: KeyCheck): void {
  if (!bytesEqual(key.clusterId, genesis.clusterId)) {
    throw wrongKey(path, owner, "it belongs to another cluster");
  }
  const signs = bytesEqual(crypto.signPublicKey(key.signSeed), identity.signKey);
  const exchanges = bytesEqual(crypto.exchangePublicKey(key.exchangeSecret), identity.exchangeKey);
  if (!signs)
    throw wrongKey(path, owner, "signSeed does not lead to the public key in the genesis");
  if (!exchanges) {
    throw wrongKey(path, owner, "exchangeSecret does not lead to the public key in the genesis");
  }
}

function wrongKey(path: string, owner: string, reason: string): ConfigError {
  return new ConfigError(`${path} is the wrong key for ${owner}: ${reason}.`);
}

function read(path: string, missing: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = errorCode(error);
    if (code === null) throw error;
    if (code === "ENOENT" || code === "ENOTDIR") throw new ConfigError(missing);
    throw new ConfigError(`${path} cannot be read (${code}). Check its permissions.`);
  }
}

/** The code of an error of the operating system, such as "ENOENT"; null for any other error. */
function errorCode(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}
