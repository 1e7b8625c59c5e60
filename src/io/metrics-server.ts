import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { isIP } from "node:net";
import type { AddressInfo } from "node:net";
import { ConfigError } from "./config-error.js";
import type { ReplicaMetrics } from "./metrics.js";

/** Where metrics are served. */
export interface MetricsPlace {
  /** Address of this machine; nobody but this machine reaches 127.0.0.1. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** Answers `GET /metrics` until it is closed. */
export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Prometheus needs one; more than a few wait for nothing. */
const CONNECTIONS_MAX = 16;

/**
 * Serves what `metrics` gives; nothing while that is null, as during a start.
 * @throws ConfigError when the place is taken or not ours.
 */
export async function serveMetrics(
  metrics: () => ReplicaMetrics | null,
  { host, port }: MetricsPlace,
): Promise<MetricsServer> {
  const server = createServer((request, response) => void answer(metrics, request, response));
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(placeError(error, host, port)));
    server.listen(port, host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => closed(server) };
}

async function answer(
  metrics: () => ReplicaMetrics | null,
  { method, url, headers }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isAddress(headers.host ?? "")) {
    response.writeHead(403, { "content-type": "text/plain" }).end(FOREIGN);
    return;
  }
  if (url !== "/metrics" || (method !== "GET" && method !== "HEAD")) {
    response.writeHead(404, { "content-type": "text/plain" }).end("GET /metrics\n");
    return;
  }
  const source = metrics();
  if (source === null) {
    response.writeHead(503, { "content-type": "text/plain" }).end("starting\n");
    return;
  }
  const text = await source.text();
  response.writeHead(200, { "content-type": source.contentType }).end(text);
}

const FOREIGN = "Metrics answer to an IP address or localhost, not to other names.\n";

/**
 * Whether a request names this server by an address: whoever makes a domain of his point here, so
 * that a browser lets his page read what it gets, has to name the domain.
 */
function isAddress(host: string): boolean {
  const name = host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return name === "localhost" || isIP(name) !== 0;
}

function placeError(error: NodeJS.ErrnoException, host: string, port: number): ConfigError {
  const place = `${host}:${port.toString()}`;
  if (error.code === "EADDRINUSE") {
    return new ConfigError(`Port ${place} for metrics is in use. Choose another --metrics-port.`);
  }
  return new ConfigError(`Metrics cannot be served at ${place}: ${error.message}.`);
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
