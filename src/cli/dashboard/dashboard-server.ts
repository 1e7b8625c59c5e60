import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { FailedOperation } from "../failure.js";
import { FAULTS } from "../fault.js";
import type { Fault } from "../fault.js";
import type { Snapshot } from "../../page/snapshot.js";

/** What a dashboard shows and does. */
interface DashboardOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  readonly snapshot: () => Promise<Snapshot>;
  /**
   * Does a fault to a replica; resolves with null, or with why not. Null where none is allowed: the
   * dashboard then only reads.
   */
  readonly inject: ((fault: Fault, replica: number) => Promise<string | null>) | null;
}

/** A dashboard that is served. */
export interface Dashboard {
  readonly url: string;
  close(): Promise<void>;
}

/** Nobody else's business: only this machine can connect. */
const HOST = "127.0.0.1";

/** Pause between two snapshots. Without a page that looks, none is made. */
const INTERVAL_MS = 250;

/** Pages that look at the same time. */
const PAGES_MAX = 16;

/** The largest request that a page of ours makes. */
const BODY_BYTES_MAX = 256;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
};

/** Nothing from elsewhere, nowhere inside another page. */
const HEADERS = {
  "content-security-policy": "default-src 'self'; img-src data:; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
} as const;

interface StaticFile {
  readonly type: string;
  readonly bytes: Buffer;
}

/**
 * Serves the dashboard on this machine.
 * @throws FailedOperation when the port is taken.
 */
export async function serveDashboard(options: DashboardOptions): Promise<Dashboard> {
  const pages = new Set<ServerResponse>();
  const files = staticFiles();
  const server: Server = createServer((request, response) => {
    void respond(request, response, { options, pages, files, port: portOf(server) });
  });
  await listen(server, options.port);
  let isBusy = false;
  const timer = setInterval(() => {
    if (isBusy || pages.size === 0) return;
    isBusy = true;
    void options.snapshot().then((snapshot) => {
      isBusy = false;
      const text = `data: ${JSON.stringify(snapshot)}\n\n`;
      // A page that does not keep up, as in a browser that sleeps, misses some.
      for (const page of pages) if (!page.writableNeedDrain) page.write(text);
    });
  }, INTERVAL_MS);
  return {
    url: `http://${HOST}:${portOf(server).toString()}/`,
    close: () => {
      clearInterval(timer);
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

/** The page: its own files, and the scripts that the compiler made. Read once. */
function staticFiles(): ReadonlyMap<string, StaticFile> {
  const assets = fileURLToPath(new URL("../../../../assets/dashboard/", import.meta.url));
  const scripts = fileURLToPath(new URL("../../page/main.js", import.meta.url)).slice(
    0,
    -"main.js".length,
  );
  const files = new Map<string, StaticFile>();
  for (const folder of [assets, scripts]) {
    for (const name of readdirSync(folder)) {
      const type = TYPES[extname(name)];
      if (type === undefined) continue;
      files.set(name === "index.html" ? "/" : `/${name}`, {
        type,
        bytes: readFileSync(join(folder, name)),
      });
    }
  }
  return files;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === "EADDRINUSE"
          ? `Port ${port.toString()} is in use. Choose another one with --dashboard-port.`
          : `The dashboard cannot be served: ${error.message}.`;
      reject(new FailedOperation(reason));
    });
    server.listen(port, HOST, resolve);
  });
}

interface Service {
  readonly options: DashboardOptions;
  readonly pages: Set<ServerResponse>;
  readonly files: ReadonlyMap<string, StaticFile>;
  readonly port: number;
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  service: Service,
): Promise<void> {
  const refusal = refusalOf(request, service.port);
  if (refusal !== null) {
    say(response, 403, refusal);
    return;
  }
  const { method, url = "" } = request;
  const file = service.files.get(url);
  if (method === "GET" && file !== undefined) {
    response.writeHead(200, { ...HEADERS, "content-type": file.type }).end(file.bytes);
  } else if (method === "GET" && url === "/events") {
    follow(response, service.pages);
  } else if (method === "POST" && url === "/fault") {
    await inject(request, response, service.options);
  } else {
    say(response, 404, "There is nothing here.");
  }
}

/**
 * Why a request is not answered: it names us by a name that is not ours (somebody's domain that
 * points here), or another site's page makes it. Null when it is fine.
 */
function refusalOf({ headers }: IncomingMessage, port: number): string | null {
  const hosts = [HOST, "localhost"].map((name) => `${name}:${port.toString()}`);
  if (headers.host === undefined || !hosts.includes(headers.host)) {
    return "This dashboard answers only to the address of this machine.";
  }
  const { origin } = headers;
  const site = headers["sec-fetch-site"];
  const isForeign = origin !== undefined && origin !== `http://${headers.host}`;
  const isElsewhere = site !== undefined && site !== "same-origin" && site !== "none";
  return isForeign || isElsewhere ? "This dashboard does not answer other sites' pages." : null;
}

function follow(response: ServerResponse, pages: Set<ServerResponse>): void {
  if (pages.size >= PAGES_MAX) return say(response, 503, "Too many pages look at this cluster.");
  response.writeHead(200, { ...HEADERS, "content-type": "text/event-stream" });
  response.write(": follows\n\n");
  pages.add(response);
  response.once("close", () => pages.delete(response));
}

/** Takes orders only from our own page: a form of another site has neither header. */
async function inject(
  request: IncomingMessage,
  response: ServerResponse,
  options: DashboardOptions,
): Promise<void> {
  if (options.inject === null) {
    say(response, 403, "Faults are not allowed here: start with --allow-faults.");
    return;
  }
  const isJson = request.headers["content-type"] === "application/json";
  if (request.headers.origin === undefined || !isJson) {
    say(response, 403, "Only the dashboard's own page may do this.");
    return;
  }
  const order = orderIn(await bodyOf(request));
  if (order === null) {
    say(response, 400, "That is not a fault and a replica.");
    return;
  }
  const refusal = await options.inject(order.fault, order.replica);
  if (refusal === null) response.writeHead(204, HEADERS).end();
  else say(response, 409, `Not done: ${refusal}.`);
}

/** Null when it is longer than any of ours, or never came to its end. */
async function bodyOf(request: IncomingMessage): Promise<string | null> {
  let body = "";
  request.setEncoding("utf8");
  try {
    for await (const part of request as AsyncIterable<string>) {
      body += part;
      if (body.length > BODY_BYTES_MAX) return null;
    }
  } catch {
    // Whoever sent it went away, and must not take the cluster's supervisor along.
    return null;
  }
  return body;
}

function orderIn(body: string | null): { readonly fault: Fault; readonly replica: number } | null {
  try {
    const { fault, replica } = Object(JSON.parse(body ?? "")) as Readonly<Record<string, unknown>>;
    const known = FAULTS.find((each) => each === fault);
    return known !== undefined && Number.isSafeInteger(replica)
      ? { fault: known, replica: Number(replica) }
      : null;
  } catch {
    // Not JSON is as good as no order.
    return null;
  }
}

function say(response: ServerResponse, status: number, sentence: string): void {
  response.writeHead(status, { ...HEADERS, "content-type": "text/plain; charset=utf-8" });
  response.end(`${sentence}\n`);
}
