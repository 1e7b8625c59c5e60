import {
  DATAGRAM_BYTES_ETHERNET,
  DATAGRAM_BYTES_ETHERNET_V6,
  DATAGRAM_BYTES_MAX,
} from "../core/base/limits.js";
import type { Genesis } from "./config.js";

/**
 * The largest datagram to send in a cluster: what one Ethernet frame carries, so that IP need not
 * fragment; or as much as UDP takes where all replicas, and so all clients, are on one machine.
 */
export function datagramBytesMaxOf(genesis: Genesis): number {
  const hosts = genesis.replicas.map(({ host }) => host);
  if (hosts.every((host) => isLoopback(host))) return DATAGRAM_BYTES_MAX;
  const isV6 = hosts.some((host) => host.includes(":"));
  return isV6 ? DATAGRAM_BYTES_ETHERNET_V6 : DATAGRAM_BYTES_ETHERNET;
}

/** Whether an IP address stays inside its machine. */
export function isLoopback(host: string): boolean {
  return host.startsWith("127.") || host === "::1";
}
