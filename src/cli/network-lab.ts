import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { ReplicaId } from "../core/base/ids.js";
import { FailedOperation } from "./failure.js";
import type { Launcher } from "./replica-child.js";

/*
 * A network of its own on this machine, for a cluster whose replicas and client each have an
 * address and a link, as on machines of their own (Linux, root):
 *
 *   NAME-0      NAME-1     …    NAME-client        one namespace a host: eth0, 10.77.0.1, .2, …
 *     │ veth      │ veth            │ veth         delay and loss by netem, each host's way out
 *   ══╧═══════════╧═════════════════╧══ br0        in the namespace NAME-switch
 *
 * Nothing of it can be reached from outside, and nothing outside from within it.
 */

/** What the links are like, where that is not as good as the machine can. */
export interface LinkQuality {
  /** Milliseconds that every datagram takes on the way, 0 and up. */
  readonly delayMs: number;
  /** Share of datagrams that are lost on the way, in percent, 0 to 100 (excluded). */
  readonly lossPercent: number;
}

/** Where the hosts of a network are. */
export interface NetworkLab {
  readonly name: string;
  /** What it is like, in words. */
  readonly description: string;
  /** The replicas' IP addresses, in order. */
  readonly hosts: readonly string[];
  /** How to start a replica's process on its host. */
  readonly launcherOf: (replica: ReplicaId) => Launcher;
}

/** What Ethernet carries, and veth too unless it is told otherwise. */
const MTU = "1,500";

const SUBNET = "10.77.0";
const SUBNET_BITS = 24;
const CLIENT = "client";
const SWITCH = "switch";

/** Names of this program's namespaces: the process that made them is in it. */
const NAME_PATTERN = /^(pbft-(\d+))-/;

/** The network called `name`, which `withNetworkLab` made. */
export function networkLab(name: string, replicaCount: number, quality: LinkQuality): NetworkLab {
  const replicas = Array.from({ length: replicaCount }, (_, replica) => replica);
  return {
    name,
    description: descriptionOf(quality),
    hosts: replicas.map((replica) => addressOf(replica)),
    launcherOf: (replica) => launcherIn(`${name}-${replica}`),
  };
}

function descriptionOf({ delayMs, lossPercent }: LinkQuality): string {
  const faults = [
    ...(delayMs === 0 ? [] : [`${delayMs} ms each way`]),
    ...(lossPercent === 0 ? [] : [`${lossPercent} % of datagrams lost`]),
  ];
  const quality = faults.length === 0 ? "no delay or loss added" : faults.join(", ");
  return (
    "network namespaces on one machine, an address and a link for each replica and the client, " +
    `MTU ${MTU} bytes, ${quality}`
  );
}

/** How to start the client's process on its host. */
export function clientLauncher(name: string): Launcher {
  return launcherIn(`${name}-${CLIENT}`);
}

function launcherIn(namespace: string): Launcher {
  // Without a fork in between: the process that is started becomes the one that was asked for.
  return { execPath: "ip", execArgv: ["netns", "exec", namespace, process.execPath] };
}

function addressOf(index: number): string {
  return `${SUBNET}.${index + 1}`;
}

/**
 * Makes a network for `replicaCount` replicas and a client, lets `work` use it by its name, and
 * takes it down again. What a killed process left is taken down first.
 * @throws FailedOperation when this machine can't have one, with what to do about it.
 */
export async function withNetworkLab<T>(
  replicaCount: number,
  quality: LinkQuality,
  work: (name: string) => Promise<T>,
): Promise<T> {
  await removeLeftovers();
  const name = `pbft-${process.pid}`;
  const replicas = Array.from({ length: replicaCount }, (_, replica) => replica.toString());
  try {
    await makeSwitch(`${name}-${SWITCH}`);
    for (const [index, host] of [...replicas, CLIENT].entries()) {
      await makeHost(name, host, index, quality);
    }
    return await work(name);
  } finally {
    await removeLab(name);
  }
}

async function makeSwitch(namespace: string): Promise<void> {
  await ip("netns", "add", namespace);
  await ip("-n", namespace, "link", "add", "name", "br0", "type", "bridge");
  await ip("-n", namespace, "link", "set", "br0", "up");
}

async function makeHost(
  name: string,
  host: string,
  index: number,
  { delayMs, lossPercent }: LinkQuality,
): Promise<void> {
  const [namespace, bridge] = [`${name}-${host}`, `${name}-${SWITCH}`];
  const port = `port${index}`;
  const address = `${addressOf(index)}/${SUBNET_BITS}`;
  await ip("netns", "add", namespace);
  const peer = ["peer", "name", "eth0", "netns", namespace];
  await ip("-n", bridge, "link", "add", "name", port, "type", "veth", ...peer);
  await ip("-n", bridge, "link", "set", port, "master", "br0", "up");
  await ip("-n", namespace, "address", "add", address, "dev", "eth0");
  await ip("-n", namespace, "link", "set", "lo", "up");
  await ip("-n", namespace, "link", "set", "eth0", "up");
  if (delayMs === 0 && lossPercent === 0) return;
  const netem = ["netem", "delay", `${delayMs}ms`, "loss", `${lossPercent}%`];
  await run("tc", ["-n", namespace, "qdisc", "add", "dev", "eth0", "root", ...netem]);
}

async function removeLeftovers(): Promise<void> {
  for (const namespace of await namespaces()) {
    const [, name, pid] = NAME_PATTERN.exec(namespace) ?? [];
    if (name !== undefined && !isAlive(Number(pid))) await removeLab(name);
  }
}

async function removeLab(name: string): Promise<void> {
  for (const namespace of await namespaces()) {
    if (namespace.startsWith(`${name}-`)) await ip("netns", "delete", namespace);
  }
}

async function namespaces(): Promise<readonly string[]> {
  const listed = await ip("netns", "list");
  return listed.split("\n").flatMap((line) => line.split(" ")[0] ?? []);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function ip(...words: readonly string[]): Promise<string> {
  return run("ip", words);
}

async function run(command: string, words: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, [...words]);
    return stdout;
  } catch (error) {
    throw new FailedOperation(refusal(error as ExecFailure, `${command} ${words.join(" ")}`));
  }
}

type ExecFailure = Error & { readonly code?: unknown; readonly stderr?: string };

const WAY_OUT = "Without --hosts namespaces all replicas run on loopback.";

function refusal({ code, stderr, message }: ExecFailure, command: string): string {
  if (code === "ENOENT") {
    return `Network namespaces take Linux with iproute2: apt-get install iproute2. ${WAY_OUT}`;
  }
  const reason = stderr?.trim() ?? message;
  if (/not permitted|Permission denied/.test(reason)) {
    return `Network namespaces take root: run this with sudo. ${WAY_OUT}`;
  }
  if (reason.includes("qdisc kind is unknown")) {
    return (
      "This kernel has no netem to delay and lose datagrams: modprobe sch_netem, or leave " +
      "--delay and --loss out."
    );
  }
  return `${command} failed: ${reason}. ${WAY_OUT}`;
}
