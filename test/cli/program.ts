import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { afterwards, temporaryDirectory } from "./temporary-directory.js";

/** The compiled program. */
export const MAIN_PATH = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

/** How a run of the program ended. */
interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program, running: a test may talk to it line by line. */
export class Program {
  readonly process: ChildProcessWithoutNullStreams;
  /** Resolves once it has ended and closed its output. */
  readonly ended: Promise<Ended>;
  readonly #lines: AsyncIterator<string>;
  readonly #notes: AsyncIterator<string>;

  constructor(words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const env = { ...process.env, ...environment };
    this.process = spawn(process.execPath, [MAIN_PATH, ...words], { env });
    const { stdout, stderr } = this.process;
    const text = { stdout: "", stderr: "" };
    stdout.setEncoding("utf8").on("data", (chunk: string) => (text.stdout += chunk));
    stderr.setEncoding("utf8").on("data", (chunk: string) => (text.stderr += chunk));
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    this.#notes = createInterface({ input: stderr })[Symbol.asyncIterator]();
    this.ended = once(this.process, "close").then(() => ({
      status: this.process.exitCode,
      ...text,
    }));
  }

  /** The next line of its standard output. */
  line(): Promise<string> {
    return this.#next(this.#lines);
  }

  /** The next line of its standard error. */
  note(): Promise<string> {
    return this.#next(this.#notes);
  }

  async #next(lines: AsyncIterator<string>): Promise<string> {
    const next: IteratorResult<string, unknown> = await lines.next();
    if (next.done === true) assert.fail(`no more output: ${(await this.ended).stderr}`);
    return next.value;
  }

  /** Types a line into its standard input. */
  type(line: string): void {
    this.process.stdin.write(`${line}\n`);
  }

  /** Ends its standard input. */
  endInput(): void {
    this.process.stdin.end();
  }
}

/** Runs the program to its end, with `input` on standard input. */
export async function run(words: readonly string[], input = ""): Promise<Ended> {
  const program = new Program(words);
  program.process.stdin.end(input);
  return program.ended;
}

const PORT_MIN = 10_240;
const PORT_LIMIT = 32_000;

/** The largest cluster that a test makes. */
const REPLICAS_MAX = 7;

/** The first of `count` consecutive UDP ports of loopback that nobody uses. */
async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const first = randomInt(PORT_MIN, PORT_LIMIT);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return first;
  }
  assert.fail("no free ports");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("error", () => resolve(false));
    socket.bind({ address: "127.0.0.1", port, exclusive: true }, () => {
      socket.close(() => resolve(true));
    });
  });
}

/** A new cluster in a directory of its own; `options` go to `init`. */
export async function newCluster(context: TestContext, ...options: string[]): Promise<string> {
  const dir = temporaryDirectory(context);
  const port = await freePorts(REPLICAS_MAX);
  const made = await run(["init", dir, "--port", port.toString(), ...options]);
  assert.equal(made.status, 0, made.stderr);
  return dir;
}

/** Starts the cluster in `dir`, waits until it serves, and stops it after the test. */
export async function startCluster(context: TestContext, dir: string): Promise<Program> {
  const up = new Program(["up", dir, "--json"]);
  afterwards(context, async () => {
    up.process.kill("SIGTERM");
    await up.ended;
  });
  assert.match(await up.line(), /^\{"up":true,"replicas":\[/);
  return up;
}
