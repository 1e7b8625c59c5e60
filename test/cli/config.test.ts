import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { PortableCrypto } from "../../binding-free-src/portable-crypto.js";
import { hexOf } from "../../src/core/base/bytes.js";
import { createCluster, DEMO_ACCOUNTS } from "../../src/io/cluster-create.js";
import type { ClusterOptions } from "../../src/io/cluster-create.js";
import {
  clientKeyPath,
  loadClientKey,
  loadGenesis,
  loadReplicaKey,
  writeCluster,
} from "../../src/io/cluster-directory.js";
import {
  formatClientKey,
  formatGenesis,
  formatReplicaKey,
  parseClientKey,
  parseGenesis,
  parseReplicaKey,
} from "../../src/io/config.js";
import { ConfigError } from "../../src/io/config-error.js";
import { temporaryDirectory } from "./temporary-directory.js";

const crypto = new PortableCrypto();

const OPTIONS: ClusterOptions = {
  replicaCount: 4,
  clientCount: 3,
  hosts: ["127.0.0.1"],
  port: 7000,
  store: "sqlite",
  durability: "fsync",
  replies: "journal",
  accounts: DEMO_ACCOUNTS,
};

const cluster = createCluster(OPTIONS, crypto);
const other = createCluster(OPTIONS, crypto);

/**
 * `json` with the member at `path`, such as "replicas.2.port", set to `value`; undefined removes
 * it.
 */
function edited(json: string, path: string, value: unknown): string {
  const file = JSON.parse(json) as Record<string, unknown>;
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let parent = file;
  for (const key of keys) parent = parent[key] as Record<string, unknown>;
  parent[last] = value;
  return JSON.stringify(file);
}

function refuses(action: () => unknown, words: RegExp): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof ConfigError, String(error));
    assert.match(error.message, words);
    return true;
  });
}

test("a genesis is read back as it was written", () => {
  const [first, ...rest] = DEMO_ACCOUNTS;
  assert.ok(first !== undefined);
  const genesis = { ...cluster.genesis, accounts: [{ ...first, owner: 2 }, ...rest] };
  assert.deepEqual(parseGenesis("genesis.json", formatGenesis(genesis)), genesis);
});

test("key files are read back as they were written", () => {
  for (const key of cluster.replicaKeys) {
    assert.deepEqual(parseReplicaKey("key", formatReplicaKey(key)), key);
  }
  for (const key of cluster.clientKeys) {
    assert.deepEqual(parseClientKey("key", formatClientKey(key)), key);
  }
});

test("a new cluster has a teller, customers, and the accounts of the experiments", () => {
  const { clients, accounts, replicas } = cluster.genesis;
  const roles = clients.map(({ name, role }) => `${name} ${role}`);
  assert.deepEqual(roles, ["teller teller", "client-1 customer", "client-2 customer"]);
  const rows = accounts.map(({ customerId, account, name, balance }) => {
    return [customerId, account, name, balance];
  });
  assert.deepEqual(rows, [
    [3, "A", "Michael Chen", 10_000n],
    [4, "B", "Wei Qin", 80_000n],
    [5, "C", "Sanjay Ghemawat", 40_000n],
  ]);
  assert.deepEqual(
    replicas.map(({ port }) => port),
    [7000, 7001, 7002, 7003],
  );
});

test("checkpoints of a large ledger are twice as far apart, unless said otherwise", () => {
  const [account] = DEMO_ACCOUNTS;
  assert(account !== undefined);
  const settingsOf = (accountCount: number, settings: ClusterOptions["settings"] = {}) => {
    const accounts = Array<typeof account>(accountCount).fill(account);
    const made = createCluster({ ...OPTIONS, accounts, settings }, crypto).genesis.settings;
    return [made.checkpointIntervalSlots, made.windowSlots];
  };
  assert.deepEqual(settingsOf(49_999), [128, 256]);
  assert.deepEqual(settingsOf(50_000), [256, 512]);
  assert.deepEqual(settingsOf(50_000, { windowSlots: 512 }), [128, 512]);
  assert.deepEqual(settingsOf(50_000, { checkpointIntervalSlots: 64 }), [64, 256]);
});

test("replicas on hosts of their own listen on the same port", () => {
  const hosts = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"];
  const { replicas } = createCluster({ ...OPTIONS, hosts }, crypto).genesis;
  assert.deepEqual(
    replicas.map(({ host, port }) => `${host}:${port}`),
    hosts.map((host) => `${host}:7000`),
  );
});

const BAD_GENESES: readonly (readonly [path: string, value: unknown, words: RegExp])[] = [
  ["version", 2, /^g\.json: field version must be 1, .* not 2\.$/],
  ["clusterId", undefined, /field clusterId is missing; it must be 32 bytes in/],
  ["clusterId", "ab", /field clusterId must be 32 bytes .*, not "ab"/],
  ["replicas.length", 3, /field replicas must be a list of at least 4, not a list of 3/],
  ["replicas", 4, /field replicas must be a list, not 4/],
  ["replicas.1", null, /field replicas\[1\] must be an object, not null/],
  [
    "replicas.2.port",
    65_536,
    /replicas\[2\]\.port must be a whole number from 1 to 65535, not 65536/,
  ],
  ["replicas.2.port", "7002", /field replicas\[2\]\.port must be .*, not "7002"/],
  ["replicas.0.host", "localhost", /field replicas\[0\]\.host must be an IP address/],
  ["replicas.3.id", 4, /field replicas\[3\]\.id must be 3: ids count up/],
  ["replicas.1.port", 7000, /two replicas have the same address, 127\.0\.0\.1 port 7000/],
  ["replicas.1.host", "::1", /all IPv4 or all IPv6/],
  ["clients.1.signKey", someKey(), /two identities have the same public key/],
  ["clients", [], /field clients must be a list of at least 1/],
  ["clients.1.role", 1, /field clients\[1\]\.role must be "teller" or "customer", not 1/],
  ["clients.0.role", "customer", /the first client must be a teller/],
  ["clients.1.name", "../x", /field clients\[1\]\.name must be a name of/],
  ["clients.2.name", "teller", /two clients have the same name, "teller"/],
  ["accounts.0.balance", 100, /accounts\[0\]\.balance must be an amount of money .*, not 100/],
  ["accounts.0.account", "", /field accounts\[0\]\.account must be a text of 1 to 32 bytes/],
  ["accounts.1.customerId", 3, /customer ids must increase, but 3 does not/],
  ["accounts.2.account", "A", /two customers have the same account, "A"/],
  ["accounts.0.owner", "bob", /account "A" has an unknown owner, "bob"/],
  ["settings.windowSlots", 200, /settings\.windowSlots must be at least twice/],
  ["settings.windowSlots", 300, /settings\.windowSlots must be a multiple/],
  ["settings.viewChangeTicks", 10, /settings\.viewChangeTicks must be more than twice/],
  ["settings.viewChangeTicksMax", 79, /settings\.viewChangeTicksMax must not be below/],
  ["settings.idleStatusTicks", 1, /settings\.idleStatusTicks must not be below/],
  ["settings.tickMs", undefined, /field settings\.tickMs is missing/],
  ["extra", 1, /the file has an unknown field "extra"/],
  ["settings.colour", "red", /field settings has an unknown field "colour"/],
];

function someKey(): string {
  const [first] = cluster.genesis.replicas;
  assert.ok(first !== undefined);
  return hexOf(first.signKey);
}

for (const [path, value, words] of BAD_GENESES) {
  const state = value === undefined ? "missing" : JSON.stringify(value);
  test(`a genesis whose ${path} is ${state} is refused`, () => {
    const json = edited(formatGenesis(cluster.genesis), path, value);
    refuses(() => parseGenesis("g.json", json), words);
  });
}

test("a genesis that is no object at all is refused", () => {
  refuses(() => parseGenesis("g.json", "[]"), /g\.json: the file must be an object/);
  refuses(() => parseGenesis("g.json", "{"), /g\.json is not JSON/);
});

test("what is wrong in a private file is said without repeating it", () => {
  const [key] = cluster.replicaKeys;
  assert.ok(key !== undefined);
  const secret = "5ec2e7".repeat(10);
  for (const field of ["signSeed", "exchangeSecret", "store"]) {
    const json = edited(formatReplicaKey(key), field, secret);
    assert.throws(
      () => parseReplicaKey("key.json", json),
      (error: Error) => {
        assert.match(error.message, new RegExp(`^key\\.json: field ${field} must be `));
        assert.ok(!error.message.includes(secret));
        return true;
      },
    );
  }
});

test("a store is sqlite, memory, or a MySQL server and a prefix", () => {
  const [key] = cluster.replicaKeys;
  assert.ok(key !== undefined);
  const parsed = (store: string) => {
    return parseReplicaKey("key", edited(formatReplicaKey(key), "store", store));
  };
  for (const store of ["sqlite", "memory", "mysql://u:p@localhost:3306/bank"]) {
    assert.equal(parsed(store).store, store);
  }
  for (const store of [
    "",
    "SQLITE",
    "mysql://",
    "mysql://host",
    "mysql://host/a;b",
    "http://h/x",
  ]) {
    refuses(() => parsed(store), /field store must be "sqlite", "memory" or "mysql:/);
  }
});

test("a cluster's files are private where they hold secrets, and never overwritten", (context) => {
  const dir = join(temporaryDirectory(context), "new", "cluster");
  writeCluster(dir, cluster);
  assert.deepEqual(loadGenesis(dir), cluster.genesis);
  for (const path of [join(dir, "keys", "replica-0.json"), clientKeyPath(dir, "teller")]) {
    assert.equal(statSync(path).mode & 0o777, 0o600);
  }
  assert.equal(statSync(join(dir, "keys")).mode & 0o777, 0o700);
  refuses(() => writeCluster(dir, other), /holds a cluster already/);
  rmSync(join(dir, "genesis.json"));
  refuses(() => writeCluster(dir, other), /holds keys of another cluster/);
});

test("a missing directory, genesis or key is named together with what to do", (context) => {
  const dir = temporaryDirectory(context);
  refuses(() => loadGenesis(join(dir, "none")), /no directory .*none.*pbft-ledger init/);
  refuses(() => loadGenesis(dir), /holds no cluster.*pbft-ledger init/);
  writeCluster(dir, cluster);
  const { genesis } = cluster;
  refuses(() => loadReplicaKey(dir, genesis, 4, crypto), /no replica 4: ids go from 0 to 3/);
  refuses(
    () => loadClientKey(dir, genesis, "bob", crypto),
    /no client "bob"\. The clients are: teller, client-1, client-2/,
  );
  rmSync(join(dir, "keys", "replica-1.json"));
  refuses(() => loadReplicaKey(dir, genesis, 1, crypto), /no .*replica-1\.json\. Copy the key/);
  rmSync(clientKeyPath(dir, "client-1"));
  refuses(() => loadClientKey(dir, genesis, "client-1", crypto), /no .*client-client-1\.json/);
});

test("a path that cannot be read or written is said to be so", (context) => {
  const dir = temporaryDirectory(context);
  mkdirSync(join(dir, "genesis.json"));
  refuses(() => loadGenesis(dir), /genesis\.json cannot be read \(EISDIR\)/);
  const file = join(dir, "file");
  writeFileSync(file, "");
  refuses(() => writeCluster(file, cluster), /file cannot be written \(ENOTDIR\)/);
});

test("the right key is accepted, and the first client's is the default", (context) => {
  const dir = temporaryDirectory(context);
  writeCluster(dir, cluster);
  const { genesis } = cluster;
  assert.deepEqual(loadReplicaKey(dir, genesis, 2, crypto), cluster.replicaKeys[2]);
  assert.deepEqual(loadClientKey(dir, genesis, null, crypto), cluster.clientKeys[0]);
  assert.deepEqual(loadClientKey(dir, genesis, "client-2", crypto), cluster.clientKeys[2]);
});

test("a key of somebody else is called wrong, with the reason", (context) => {
  const dir = temporaryDirectory(context);
  writeCluster(dir, cluster);
  const path = join(dir, "keys", "replica-0.json");
  const load = () => loadReplicaKey(dir, cluster.genesis, 0, crypto);
  const [own, neighbour] = cluster.replicaKeys;
  const [foreign] = other.replicaKeys;
  assert.ok(own !== undefined && neighbour !== undefined && foreign !== undefined);

  copyFileSync(join(dir, "keys", "replica-1.json"), path);
  refuses(load, /wrong key for replica 0: it says that it is replica 1/);
  writeFileSync(path, formatReplicaKey(foreign));
  refuses(load, /wrong key for replica 0: it belongs to another cluster/);
  writeFileSync(path, formatReplicaKey({ ...own, signSeed: neighbour.signSeed }));
  refuses(load, /wrong key for replica 0: signSeed does not lead to the public key/);
  writeFileSync(path, formatReplicaKey({ ...own, exchangeSecret: neighbour.exchangeSecret }));
  refuses(load, /wrong key for replica 0: exchangeSecret does not lead to/);
  copyFileSync(clientKeyPath(dir, "client-1"), clientKeyPath(dir, "teller"));
  refuses(
    () => loadClientKey(dir, cluster.genesis, null, crypto),
    /wrong key for client teller: it says that it is "client-1"/,
  );
});
