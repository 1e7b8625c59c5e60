import assert from "node:assert/strict";
import { type ExecFileSyncOptions, execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { validate as lintDockerfile } from "dockerfile-utils";
import { StatefulSet } from "kubernetes-models/apps/v1";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1";
import { Service } from "kubernetes-models/v1";
import { parse, parseAllDocuments } from "yaml";

const MAIN_PATH = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
const DEPLOY = fileURLToPath(new URL("../../../deploy", import.meta.url));
const REPLICAS = [0, 1, 2, 3] as const;

const read = (name: string): string => readFileSync(`${DEPLOY}/${name}`, "utf8");

/** Why a test that needs `command` is skipped: it is said on the terminal, so that people know. */
function without(command: string, ...probe: readonly string[]): string | false {
  try {
    execFileSync(command, probe, { stdio: "ignore" });
    return false;
  } catch {
    const reason = `SKIPPED: ${command} ${probe.join(" ")} does not work here`;
    process.stderr.write(`${reason}\n`);
    return reason;
  }
}

function output(command: string, words: readonly string[], options: ExecFileSyncOptions = {}) {
  return execFileSync(command, words, { ...options, encoding: "utf8" });
}

describe("the systemd unit", () => {
  const skip = without("systemd-analyze", "--version");

  it("is in order", { skip }, () => {
    const unit = `${DEPLOY}/systemd/pbft-ledger-replica@0.service`;
    assert.equal(output("systemd-analyze", ["verify", unit], { stdio: "pipe" }), "");
  });
});

describe("the image", () => {
  it("has a Dockerfile without a fault", () => {
    assert.deepEqual(lintDockerfile(read("Dockerfile")), []);
    assert.notDeepEqual(lintDockerfile("FROM a\nCOPPY b c\n"), [], "the linter finds faults");
  });

  it("holds what the package holds, and runs as nobody in particular", () => {
    const dockerfile = read("Dockerfile");
    for (const folder of ["dist/src", "dist/binding-free-src", "sql", "node_modules"]) {
      assert.ok(dockerfile.includes(`/app/${folder} `), folder);
    }
    assert.match(dockerfile, /^USER node$/m);
  });
});

describe("all of them", () => {
  const help = (command: string): string =>
    output(process.execPath, [MAIN_PATH, command, "--help"]);
  const optionsIn = (text: string): Set<string> => new Set(text.match(/(?<=\s)--[a-z-]+\b(?!=)/g));

  it("run commands that the program has, with options that it knows", () => {
    const replicas = ["systemd/pbft-ledger-replica@.service", "kubernetes/base/statefulset.yaml"];
    const compose = read("compose.yaml");
    const asked = [
      ...replicas.map((name) => withoutComments(read(name))),
      ...compose.split("\n").filter((line) => line.includes("[replica, ")),
    ];
    const known = optionsIn(help("replica"));
    const used = asked.flatMap((text) => [...optionsIn(text)]);
    assert.ok(used.length > 0);
    for (const option of used.filter((one) => !DATABASE_OPTIONS.includes(one))) {
      assert.ok(known.has(option), `replica ${option}`);
    }
  });
});

/** Options of the database beside a replica. */
const DATABASE_OPTIONS = ["--connect", "--innodb"];

function withoutComments(text: string): string {
  return text.replaceAll(/^\s*#.*$/gm, "");
}

interface ComposeService {
  readonly command?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly networks?: Readonly<
    Record<string, { readonly ipv4_address?: string; readonly aliases?: readonly string[] } | null>
  >;
  readonly depends_on?: Readonly<Record<string, unknown>>;
}

interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

describe("the compose file", () => {
  const compose = parse(read("compose.yaml"), { merge: true }) as Compose;
  const serviceOf = (name: string): ComposeService => {
    const service = compose.services[name];
    assert.ok(service !== undefined, name);
    return service;
  };
  const initWords = serviceOf("init").command ?? [];
  const hosts = initWords[initWords.indexOf("--host") + 1]?.split(",") ?? [];
  const store = initWords[initWords.indexOf("--store") + 1] ?? "";

  it("declares every network and volume that a service uses", () => {
    for (const [name, { networks = {}, volumes = [] }] of Object.entries(compose.services)) {
      for (const network of Object.keys(networks)) assert.ok(network in compose.networks, name);
      const named = volumes.map((volume) => volume.split(":")[0] ?? "");
      for (const volume of named.filter((one) => !one.startsWith("."))) {
        assert.ok(volume in compose.volumes, name);
      }
    }
  });

  it("gives each replica its own address, its own key and nobody else's", () => {
    for (const id of REPLICAS) {
      const { command = [], networks = {}, volumes = [] } = serviceOf(`replica-${id}`);
      assert.equal(command[command.indexOf("--id") + 1], id.toString());
      assert.equal(networks["cluster"]?.ipv4_address, hosts[id]);
      const keys = volumes.filter((volume) => volume.includes("/keys/"));
      const key = `replica-${id}.json`;
      assert.deepEqual(keys, [`./cluster/new/keys/${key}:/cluster/keys/${key}:ro`]);
      assert.ok(volumes.includes(`replica-${id}:/cluster`));
    }
  });

  it("gives each replica a database that nobody else reaches", () => {
    const [, host = "", prefix = ""] = /@(\w+):3306\/(\w+)$/.exec(store) ?? [];
    for (const id of REPLICAS) {
      const network = `database-${id}`;
      assert.equal(compose.networks[network]?.internal, true);
      const members = Object.entries(compose.services).filter(([, { networks = {} }]) => {
        return network in networks;
      });
      assert.deepEqual(members.map(([name]) => name).sort(), [network, `replica-${id}`]);
      const { networks = {}, environment = {}, volumes = [] } = serviceOf(network);
      assert.deepEqual(networks[network]?.aliases, [host]);
      assert.equal(environment["MARIADB_DATABASE"], `${prefix}_${id}`);
      assert.ok(volumes.includes(`${network}:/var/lib/mysql`));
    }
  });

  const skip = without("docker", "compose", "version");

  it("is what docker takes", { skip }, () => {
    const env = { ...process.env, DATABASE_PASSWORD: "x" };
    output("docker", ["compose", "-f", `${DEPLOY}/compose.yaml`, "config", "--quiet"], { env });
  });
});

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
}

/** Checks a manifest against the schema of its kind. @throws what is wrong with it. */
function check(manifest: Manifest): void {
  const models = { Service, StatefulSet, NetworkPolicy, PodDisruptionBudget };
  const Model = models[manifest.kind as keyof typeof models];
  new Model(manifest).validate();
}

describe("the Kubernetes manifests", () => {
  const base = readdirSync(`${DEPLOY}/kubernetes/base`).map((name) => `base/${name}`);
  const others = ["network-policy.yaml", "disruption-budget.yaml"];
  const files = [...base.filter((name) => !name.includes("kustomization")), ...others];

  it("fit the schemas of their kinds as they are written", () => {
    for (const name of files) {
      const manifest = parse(read(`kubernetes/${name}`)) as Manifest;
      check(manifest);
      assert.throws(() => check({ ...manifest, spec: 1 } as Manifest), name);
    }
    assert.equal(files.length, 4);
  });

  const skip = without("kubectl", "kustomize", "--help");
  const render = (): Manifest[] => {
    const text = output("kubectl", ["kustomize", `${DEPLOY}/kubernetes`]);
    return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
  };

  it("make four replicas, each with an address and a key of its own", { skip }, () => {
    const manifests = render();
    const [, listed = ""] = /--host ([\d.,]+)/.exec(read("kubernetes/kustomization.yaml")) ?? [];
    for (const id of REPLICAS) {
      const own = manifests.filter(({ metadata }) => metadata.name === `pbft-ledger-${id}`);
      const texts = new Map(own.map((manifest) => [manifest.kind, JSON.stringify(manifest)]));
      assert.deepEqual([...texts.keys()].sort(), ["Service", "StatefulSet"]);
      const [service = "", set = ""] = [texts.get("Service"), texts.get("StatefulSet")];
      assert.ok(service.includes(`"clusterIP":"${listed.split(",")[id] ?? ""}"`));
      assert.deepEqual(set.match(/pbft-ledger-key-\d/g), [`pbft-ledger-key-${id}`]);
      assert.ok(set.includes(`"pbft-ledger/replica":"${id}"`));
      // Replicas keep apart from all others, not from those of their own number.
      const [affinity] = /"affinity":\{.*?"topologyKey"/.exec(set) ?? [];
      assert.doesNotMatch(affinity ?? "", /pbft-ledger\/replica/);
    }
  });

  it("fit them for each replica too", { skip }, () => {
    const manifests = render();
    assert.equal(manifests.length, 2 * REPLICAS.length + 2);
    for (const manifest of manifests) check(manifest);
    const broken = { kind: "StatefulSet", metadata: { name: "x" }, spec: { serviceName: 1 } };
    assert.throws(() => check(broken), "the schema finds faults");
  });
});
