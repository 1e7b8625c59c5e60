import { randomInt } from "node:crypto";
import { openUdpSocket, SocketError } from "../io/udp-socket.js";
import { FailedOperation } from "./failure.js";

const HOST = "127.0.0.1";

/**
 * Where ranges are looked for: above the ports of well-known services, and below those that
 * operating systems hand out on their own, so that nothing takes one before the replica does.
 */
const PORT_MIN = 10_240;
const PORT_LIMIT = 32_000;

/** Ranges to try: only a machine with thousands of busy ports needs more. */
const ATTEMPTS_MAX = 64;

/**
 * The first of `count` consecutive UDP ports that are free on loopback at the moment.
 * @throws FailedOperation when none was found.
 */
export async function findFreePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const first = randomInt(PORT_MIN, PORT_LIMIT - count);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const isFree = await Promise.all(ports.map((port) => isPortFree(port)));
    if (isFree.every(Boolean)) return first;
  }
  throw new FailedOperation(
    `No ${count} free UDP ports in a row on ${HOST}: stop what uses so many.`,
  );
}

async function isPortFree(port: number): Promise<boolean> {
  try {
    const socket = await openUdpSocket({ address: HOST, port });
    await socket.close();
    return true;
  } catch (error) {
    if (error instanceof SocketError) return false;
    throw error;
  }
}
