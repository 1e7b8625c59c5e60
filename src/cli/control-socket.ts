import { rmSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { createInterface } from "node:readline";
import type { ReplicaId } from "../core/base/ids.js";
import { controlSocketPath } from "../io/cluster-directory.js";
import { FailedOperation } from "./failure.js";
import { FAULTS, refusalOf } from "./fault.js";
import type { Fault, InjectFault } from "./fault.js";
import type { ReplicaListing, Supervisor } from "./supervisor.js";

/*
 * How other commands talk to the supervisor of a local cluster: a socket in the cluster's directory
 * that only its owner may open, one JSON object a line in each direction.
 */

/** What the supervisor can be asked. */
type ControlRequest =
  { readonly command: "list" } | { readonly command: Fault; readonly replica: ReplicaId };

/** What it answers. */
type ControlReply =
  | { readonly ok: true; readonly replicas: readonly ReplicaListing[] }
  | { readonly ok: false; readonly message: string };

/** Longest path that every system accepts as a socket's address. */
const SOCKET_PATH_BYTES_MAX = 103;

const CONNECTIONS_MAX = 16;

/** Nobody but the owner may connect: connecting takes the right to write. */
const PRIVATE_UMASK = 0o177;

/** Answers requests until it is closed. Closing removes the socket. */
interface ControlServer {
  close(): Promise<void>;
}

/**
 * Lets other commands talk to `supervisor`.
 * @throws FailedOperation when another supervisor runs the cluster in `dir`, or the path is too
 * long.
 */
export async function serveControl(dir: string, supervisor: Supervisor): Promise<ControlServer> {
  const path = socketPath(dir);
  const other = await connected(path);
  if (other !== null) {
    other.destroy();
    throw new FailedOperation(`The cluster in ${dir} is up already. Stop it first.`);
  }
  // What is left of a supervisor that was killed.
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    void answerAll(socket, supervisor);
  });
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, path);
  return {
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function socketPath(dir: string): string {
  const path = controlSocketPath(dir);
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) return path;
  throw new FailedOperation(
    `The path ${path} is too long for a socket. Go to the directory, and name it shorter: ".".`,
  );
}

function listen(server: Server, path: string): Promise<void> {
  const umask = process.umask(PRIVATE_UMASK);
  try {
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(umask);
  }
}

async function answerAll(socket: Socket, supervisor: Supervisor): Promise<void> {
  for await (const line of createInterface({ input: socket })) {
    socket.write(`${JSON.stringify(await answer(line, supervisor))}\n`);
  }
}

async function answer(line: string, supervisor: Supervisor): Promise<ControlReply> {
  const request = requestOf(line);
  if (request === null) return { ok: false, message: "the supervisor does not know this request" };
  if (request.command !== "list") {
    const refusal = await refusalOf(supervisor, request.command, request.replica);
    if (refusal !== null) return { ok: false, message: refusal };
  }
  return { ok: true, replicas: supervisor.list() };
}

function requestOf(line: string): ControlRequest | null {
  const request = objectOf(line);
  const { command, replica } = request;
  if (command === "list") return { command };
  const known = FAULTS.find((each) => each === command);
  return known !== undefined && typeof replica === "number" ? { command: known, replica } : null;
}

function objectOf(line: string): Readonly<Partial<Record<"command" | "replica", unknown>>> {
  try {
    return Object(JSON.parse(line)) as object;
  } catch {
    // Not JSON is as good as no request.
    return {};
  }
}

/**
 * Asks the supervisor of the cluster in `dir`.
 * @throws FailedOperation when none runs there, or it refuses.
 */
export async function askSupervisor(
  dir: string,
  request: ControlRequest,
): Promise<readonly ReplicaListing[]> {
  const socket = await connected(socketPath(dir));
  if (socket === null) {
    throw new FailedOperation(`The cluster in ${dir} is not up. Start it: pbft-ledger up ${dir}`);
  }
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    for await (const line of createInterface({ input: socket })) {
      const reply = JSON.parse(line) as ControlReply;
      if (reply.ok) return reply.replicas;
      throw new FailedOperation(`The supervisor refuses: ${reply.message}.`);
    }
  } finally {
    socket.destroy();
  }
  throw new FailedOperation("The supervisor ended before it answered.");
}

/** Faults in a cluster that `up` supervises in another process. */
export function faultsIn(dir: string): InjectFault {
  return async (command, replica) => {
    await askSupervisor(dir, { command, replica });
  };
}

/** A connection to the socket at `path`, or null when nobody listens there. */
function connected(path: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once("connect", () => resolve(socket));
    socket.once("error", () => resolve(null));
  });
}
