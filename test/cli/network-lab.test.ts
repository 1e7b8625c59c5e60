import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { clientLauncher, networkLab, withNetworkLab } from "../../src/cli/network-lab.js";
import type { Launcher } from "../../src/cli/replica-child.js";
import { Supervisor } from "../../src/cli/supervisor.js";
import { afterwards, temporaryDirectory } from "./temporary-directory.js";
import { MAIN_PATH, Program, run } from "./program.js";

const REPLICA_COUNT = 4;

/** Why this machine can't have networks of its own; null when it can. */
function refusal(): string | null {
  try {
    execFileSync("ip", ["netns", "list"], { stdio: "ignore" });
    return process.getuid?.() === 0 ? null : "network namespaces take root";
  } catch {
    return "network namespaces take Linux with iproute2";
  }
}

/** What `words` print on a host. */
async function on({ execPath, execArgv }: Launcher, words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(execPath, [...execArgv, ...words]);
  return stdout;
}

/** IP datagrams that a host sent, and what it cut them into where they were too long. */
async function countsOf(launcher: Launcher): Promise<{ sent: number; fragments: number }> {
  const script = 'process.stdout.write(fs.readFileSync("/proc/net/snmp", "utf8"))';
  const lines = (await on(launcher, ["-e", script])).split("\n");
  const [names, values] = lines.filter((line) => line.startsWith("Ip: "));
  const at = (name: string): number =>
    Number(values?.split(" ")[names?.split(" ").indexOf(name) ?? 0]);
  return { sent: at("OutRequests"), fragments: at("FragCreates") };
}

const WITHOUT = refusal();
if (WITHOUT !== null) process.stderr.write(`SKIPPED: tests on hosts of their own: ${WITHOUT}\n`);

test(
  "between hosts of their own no datagram is cut, however much is sent",
  {
    skip: WITHOUT ?? false,
  },
  async (context) => {
    const dir = temporaryDirectory(context);
    const quality = { delayMs: 0, lossPercent: 0 };
    await withNetworkLab(REPLICA_COUNT, quality, async (name) => {
      const { hosts, launcherOf } = networkLab(name, REPLICA_COUNT, quality);
      const client = clientLauncher(name);
      const all = [...hosts.keys()].map((replica) => launcherOf(replica)).concat(client);
      const made = await run(["init", dir, "--host", hosts.join()]);
      assert.equal(made.status, 0, made.stderr);
      const supervisor = new Supervisor(dir, REPLICA_COUNT, () => undefined, launcherOf);
      afterwards(context, async () => {
        await supervisor.stop();
      });
      assert.equal(await supervisor.start(), null);

      // A thousand operations in flight make requests and batches of many frames.
      const words = ["bench", dir, "--read-write", "--iterations", "4000", "--in-flight", "1000"];
      // It fails when the databases differ afterwards.
      await on(client, [MAIN_PATH, ...words]);
      await supervisor.stop();
      for (const launcher of all) {
        const { sent, fragments } = await countsOf(launcher);
        assert.ok(sent > 50, `${sent} datagrams were sent`);
        assert.equal(fragments, 0);
      }

      // The counter counts: what does not fit a frame is cut.
      const send = `require("dgram").createSocket("udp4").send(Buffer.alloc(3000), 9, "${hosts[0]}",
      () => process.exit())`;
      await on(client, ["-e", send]);
      assert.ok((await countsOf(client)).fragments > 0);
    });
    assert.doesNotMatch(
      execFileSync("ip", ["netns", "list"], { encoding: "utf8" }),
      RegExp(`pbft-${process.pid}-`),
    );
  },
);

/** What the job says, and ends with, where `ip` is this script. */
async function withIp(
  context: TestContext,
  script: string | null,
): Promise<[string, number | null]> {
  const path = temporaryDirectory(context);
  if (script !== null) writeFileSync(join(path, "ip"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const program = new Program(["bench", "table1", "--hosts", "namespaces"], { PATH: path });
  const { stderr, status } = await program.ended;
  return [stderr, status];
}

test("what a machine lacks for hosts of their own is said with a way out", async (context) => {
  const wayOut = /Without --hosts namespaces all replicas run on loopback\.\n$/;
  for (const [script, sentence] of [
    [null, /^error: Network namespaces take Linux with iproute2/],
    ['echo "mkdir /run/netns failed: Permission denied" >&2; exit 1', /take root: run this with/],
    ['echo "RTNETLINK answers: Operation not permitted" >&2; exit 2', /take root: run this with/],
    ['echo "No space left on device" >&2; exit 1', /^error: ip netns list failed: No space left/],
  ] as const) {
    const [said, status] = await withIp(context, script);
    assert.match(said, sentence);
    assert.match(said, wayOut);
    assert.equal(status, 1);
  }
});

test("a kernel without netem is said, and leaves nothing behind", async (context) => {
  const log = join(temporaryDirectory(context), "log");
  const tc = "Error: Specified qdisc kind is unknown.";
  const path = temporaryDirectory(context);
  writeFileSync(join(path, "ip"), `#!/bin/sh\necho "$*" >>${log}\n`, { mode: 0o755 });
  writeFileSync(join(path, "tc"), `#!/bin/sh\necho "${tc}" >&2\nexit 2\n`, { mode: 0o755 });
  const words = ["bench", "table1", "--hosts", "namespaces", "--delay", "5"];
  const { stderr, status } = await new Program(words, { PATH: path }).ended;
  assert.match(stderr, /no netem.*modprobe sch_netem, or leave --delay and --loss out/);
  assert.equal(status, 1);
  assert.equal(readFileSync(log, "utf8").trimEnd().split("\n").at(-1), "netns list");
});

test("a report can name the network by what was asked of it", () => {
  const describe = (delayMs: number, lossPercent: number): string =>
    networkLab("pbft-1", REPLICA_COUNT, { delayMs, lossPercent }).description;
  assert.match(describe(0, 0), /^network namespaces .* MTU 1,500 bytes, no delay or loss added$/);
  assert.match(describe(5, 0), /, 5 ms each way$/);
  assert.match(describe(2.5, 0.1), /, 2\.5 ms each way, 0\.1 % of datagrams lost$/);
});
