import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { loadGenesis } from "../../src/io/cluster-directory.js";
import { newCluster, Program, run } from "./program.js";
import { temporaryDirectory } from "./temporary-directory.js";

const COMMANDS = "init up replica client status show bench fault scenario".split(" ");

test("the program without a command, or with --help, lists every command", async () => {
  const help = await run(["--help"]);
  assert.equal(help.status, 0);
  for (const command of COMMANDS) assert.match(help.stdout, new RegExp(`^  ${command} `, "m"));
  const bare = await run([]);
  assert.equal(bare.status, 2);
});

for (const command of COMMANDS) {
  test(`${command} --help shows usage and an example, and has --json`, async () => {
    const { status, stdout } = await run([command, "--help"]);
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`^Usage: pbft-ledger ${command} `));
    assert.match(stdout, new RegExp(`^Examples:\\n  pbft-ledger ${command} \\w`, "m"));
    assert.match(stdout, /^ {2}--json /m);
  });
}

test("bench table1 --help shows what `npm start` takes", async () => {
  const { status, stdout } = await run(["bench", "table1", "--help"]);
  assert.equal(status, 0);
  assert.match(stdout, /^Usage: pbft-ledger bench table1 /);
  for (const option of ["--rows", "--sweep", "--hosts", "--json"])
    assert.ok(stdout.includes(option));
  assert.ok(!stdout.includes("--network"), "what it says to itself is nobody else's");
});

test("--version prints the version of the package", async () => {
  const { status, stdout } = await run(["--version"]);
  const path = new URL("../../../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(path, "utf8")) as { readonly version: string };
  assert.equal(status, 0);
  assert.equal(stdout, `${version}\n`);
});

const WRONG_USAGE: readonly (readonly [words: readonly string[], message: RegExp])[] = [
  [["fly"], /unknown command 'fly'/],
  [["init"], /missing required argument 'dir'/],
  [["init", ""], /DIR must not be empty/],
  [["init", "x", "--colour"], /unknown option '--colour'/],
  [["init", "x", "y"], /too many arguments/],
  [["init", "x", "--replicas"], /argument missing/],
  [["init", "x", "--replicas", "3"], /--replicas must be a whole number from 4 to 31, not "3"/],
  [["init", "x", "--replicas", "4.5"], /--replicas must be a whole number/],
  [["init", "x", "--clients", "0"], /--clients must be a whole number from 1 to/],
  [["init", "x", "--clients", "4001"], /--clients must be a whole number from 1 to 4,?000/],
  [["init", "x", "--port", "65534"], /--port must be a whole number from 1 to 65532/],
  [["init", "x", "--host", "localhost"], /--host must be IP addresses, not "localhost"/],
  [["init", "x", "--host", "10.0.0.1,10.0.0.2"], /one for each of the 4 replicas, not 2/],
  [["init", "x", "--store", "paper"], /--store must be sqlite, memory or mysql/],
  [["init", "x", "--durability", "hope"], /--durability must be fsync, async or none/],
  [["replica", "x"], /--id must be a whole number from 0 to 30, it is missing/],
  [["replica", "x", "--id", "0", "--log-level", "loud"], /--log-level must be one of debug/],
  [["client", "x", "--timeout", "0", "get", "A"], /--timeout must be a number from 0\.001/],
  [["client", "x", "--timeout", "1e3", "get", "A"], /--timeout must be a number/],
  [["client", "x", "fly", "A"], /fly A\ncolumn 1: expected a command/],
  [["client", "x", "deposit", "A", "1,000"], /column 11: .*without thousands separators/],
  [["client", "x", "deposit $0 to A"], /column 9: expected an amount above 0/],
  [
    ["fault", "x", "--replica", "0"],
    /one of --crash, --restart, --wipe, --rejoin and --partition on\|off/,
  ],
  [["fault", "x", "--replica", "0", "--crash", "--restart"], /takes one of --crash/],
  [["fault", "x", "--replica", "0", "--crash", "--partition", "on"], /takes one of --crash/],
  [["fault", "x", "--replica", "0", "--partition", "half"], /--partition must be on or off/],
];

for (const [words, message] of WRONG_USAGE) {
  test(`\`${words.join(" ")}\` is wrong usage: says what is expected, ends with 2`, async () => {
    const { status, stdout, stderr } = await run(words);
    assert.match(stderr, message);
    assert.match(stderr, /^error: /);
    assert.equal(stdout, "");
    assert.equal(status, 2);
    assert.ok(!existsSync("x"), "nothing was made");
  });
}

for (const command of ["up", "client", "status", "show", "bench"]) {
  test(`${command} says in a sentence that there is no such directory`, async (context) => {
    const dir = join(temporaryDirectory(context), "none");
    const { status, stderr } = await run([command, dir], "get A\n");
    assert.equal(status, 1);
    const advice = `Make a cluster there with \`pbft-ledger init ${dir}\`.`;
    assert.equal(stderr, `error: There is no directory ${dir}. ${advice}\n`);
  });
}

test("init says what it made, and refuses to overwrite it", async (context) => {
  const dir = join(temporaryDirectory(context), "demo");
  const words = ["init", dir, "--replicas", "7", "--clients", "2", "--port", "9000"];
  const made = await run([...words, "--json"]);
  assert.equal(made.status, 0);
  const report = JSON.parse(made.stdout) as Record<string, readonly unknown[]>;
  assert.equal(report["directory"], dir);
  assert.equal(report["replicas"]?.length, 7);
  assert.deepEqual(report["replicas"][6], { replica: 6, host: "127.0.0.1", port: 9006 });
  assert.deepEqual(report["clients"], [
    { name: "teller", role: "teller" },
    { name: "client-1", role: "customer" },
  ]);
  const before = readFileSync(join(dir, "genesis.json"), "utf8");
  const again = await run(words);
  assert.equal(again.status, 1);
  assert.match(again.stderr, /holds a cluster already/);
  assert.equal(readFileSync(join(dir, "genesis.json"), "utf8"), before);
});

test("two clusters never share an id or a key", async (context) => {
  const [one, two] = await Promise.all([newCluster(context), newCluster(context)]);
  const [left, right] = [loadGenesis(one), loadGenesis(two)];
  assert.notDeepEqual(left.clusterId, right.clusterId);
  assert.notDeepEqual(left.replicas[0]?.signKey, right.replicas[0]?.signKey);
});

test("a replica that finds the wrong key says so and ends with 1", async (context) => {
  const dir = await newCluster(context);
  copyFileSync(join(dir, "keys", "replica-1.json"), join(dir, "keys", "replica-0.json"));
  const { status, stderr } = await run(["replica", dir, "--id", "0"]);
  assert.equal(status, 1);
  assert.match(stderr, /replica-0\.json is the wrong key for replica 0/);
});

test("a replica that does not exist is named with those that do", async (context) => {
  const dir = await newCluster(context);
  const { status, stderr } = await run(["replica", dir, "--id", "9"]);
  assert.equal(status, 1);
  assert.match(stderr, /There is no replica 9: ids go from 0 to 3/);
});

test("an unknown client is named with those that exist", async (context) => {
  const dir = await newCluster(context, "--clients", "2");
  const { status, stderr } = await run(["client", dir, "--as", "bob", "get A"]);
  assert.equal(status, 1);
  assert.match(stderr, /There is no client "bob"\. The clients are: teller, client-1\./);
});

test("a genesis that was spoilt is reported by file and field", async (context) => {
  const dir = await newCluster(context);
  const path = join(dir, "genesis.json");
  writeFileSync(path, readFileSync(path, "utf8").replace('"127.0.0.1"', '"nowhere"'));
  const { status, stderr } = await run(["up", dir]);
  assert.equal(status, 1);
  assert.match(stderr, /genesis\.json: field replicas\[0\]\.host must be an IP address/);
});

test("without a running cluster, commands say how to start it", async (context) => {
  const dir = await newCluster(context);
  const [client, status, show, fault] = await Promise.all([
    run(["client", dir, "--timeout", "0.2", "get A"]),
    run(["status", dir, "--json"]),
    run(["show", dir]),
    run(["fault", dir, "--replica", "0", "--crash"]),
  ]);
  assert.equal(client.status, 1);
  assert.match(client.stderr, /No replica of the cluster in .* answers\. Start it: pbft-ledger up/);
  assert.equal(status.status, 1);
  assert.match(status.stderr, /No replica answers/);
  assert.match(status.stdout, /^\{"replica":0,"up":false\}\n\{"replica":1,"up":false\}\n/);
  assert.equal(show.status, 1);
  assert.match(show.stderr, /leads to no database/);
  assert.equal(fault.status, 1);
  assert.match(fault.stderr, /is not up\. Start it: pbft-ledger up/);
});

test("up with a port in use says which, and leaves no replica behind", async (context) => {
  const dir = await newCluster(context);
  const taken = loadGenesis(dir).replicas[2]?.port ?? 0;
  const socket = createSocket("udp4").bind({ port: taken, address: "127.0.0.1", exclusive: true });
  context.after(() => socket.close());
  await once(socket, "listening");
  const up = new Program(["up", dir]);
  const { status, stdout, stderr } = await up.ended;
  assert.equal(status, 1);
  assert.equal(stdout, "");
  assert.match(stderr, new RegExp(`Replica 2 does not start\\. .*port ${taken} is in use`));
  // Its children hold no port any more: a replica can have each of them.
  for (const { id, port } of loadGenesis(dir).replicas) {
    if (id === 2) continue;
    const free = createSocket("udp4").bind({ port, address: "127.0.0.1", exclusive: true });
    await once(free, "listening");
    free.close();
  }
});
