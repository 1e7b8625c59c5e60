import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { serveDashboard } from "../../../src/cli/dashboard/dashboard-server.js";
import { FailedOperation } from "../../../src/cli/failure.js";
import type { Snapshot } from "../../../src/page/snapshot.js";
import { afterwards } from "../temporary-directory.js";

type DashboardOptions = Parameters<typeof serveDashboard>[0];

const SNAPSHOT: Snapshot = {
  ...{ atMs: 1, mayInject: true, faultyMax: 1, replicas: [], workload: null, flow: null },
};

interface Served {
  readonly port: number;
  readonly injected: string[];
}

async function serve(
  context: TestContext,
  inject: DashboardOptions["inject"] | "yes" = "yes",
): Promise<Served> {
  const injected: string[] = [];
  const take: DashboardOptions["inject"] = (fault, replica) => {
    injected.push(`${fault} ${replica}`);
    return Promise.resolve(replica === 9 ? "there is no replica 9" : null);
  };
  const dashboard = await serveDashboard({
    ...{ port: 0, snapshot: () => Promise.resolve(SNAPSHOT) },
    inject: inject === "yes" ? take : inject,
  });
  afterwards(context, () => dashboard.close());
  return { port: Number(new URL(dashboard.url).port), injected };
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: NodeJS.Dict<string | string[]>;
}

/** Asks with headers of any kind, as no browser would let a page. */
function ask(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body: string | null = null,
): Promise<Answer> {
  const method = body === null ? "GET" : "POST";
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, method, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.once("end", () => {
        resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers });
      });
    });
    asked.once("error", reject);
    asked.end(body ?? undefined);
  });
}

test("the page and all that it names are served, and nothing else is allowed", async (context) => {
  const { port } = await serve(context);
  const page = await ask(port, "/");
  assert.equal(page.status, 200);
  assert.match(String(page.headers["content-security-policy"]), /default-src 'self'/);
  assert.match(String(page.headers["content-security-policy"]), /frame-ancestors 'none'/);
  const named = [...page.body.matchAll(/(?:src|href)="([\w.-]+)"/g)].map(([, path]) => path ?? "");
  assert.deepEqual(named.sort(), ["main.js", "style.css"]);
  for (const path of named) assert.equal((await ask(port, `/${path}`)).status, 200, path);
  assert.equal((await ask(port, "/../package.json")).status, 404);
  assert.equal((await ask(port, "/snapshot.d.ts")).status, 404);
});

test("a name that is not this machine's, and other sites' pages, are refused", async (context) => {
  const { port, injected } = await serve(context);
  const own = `http://127.0.0.1:${port}`;
  const body = '{"fault":"crash","replica":0}';
  const json = { "content-type": "application/json" };
  for (const headers of [
    { host: `evil.example:${port}` },
    { host: "127.0.0.1" },
    { origin: "http://evil.example" },
    { origin: "null" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ]) {
    for (const path of ["/", "/events", "/main.js"]) {
      assert.equal((await ask(port, path, headers)).status, 403, JSON.stringify(headers));
    }
    const order = await ask(port, "/fault", { origin: own, ...json, ...headers }, body);
    assert.equal(order.status, 403, JSON.stringify(headers));
  }
  assert.equal((await ask(port, "/", { host: `localhost:${port}` })).status, 200);
  // What a form of another site could send: no JSON, or no origin.
  assert.equal((await ask(port, "/fault", json, body)).status, 403);
  assert.equal((await ask(port, "/fault", { origin: own }, body)).status, 403);
  assert.deepEqual(injected, []);
});

test("orders are carried out where faults are allowed, and refused in words", async (context) => {
  const { port, injected } = await serve(context);
  const headers = { origin: `http://127.0.0.1:${port}`, "content-type": "application/json" };
  const order = (body: string): Promise<Answer> => ask(port, "/fault", headers, body);
  assert.equal((await order('{"fault":"cut-off","replica":2}')).status, 204);
  const refused = await order('{"fault":"crash","replica":9}');
  assert.deepEqual([refused.status, refused.body], [409, "Not done: there is no replica 9.\n"]);
  for (const body of ["", "[]", "null", '{"fault":"explode","replica":0}', '{"fault":"crash"}']) {
    assert.equal((await order(body)).status, 400, body);
  }
  assert.equal((await order(`"${"x".repeat(10_000)}"`)).status, 400);
  assert.deepEqual(injected, ["cut-off 2", "crash 9"]);
});

test("whoever goes away in the middle of an order harms nobody", async (context) => {
  const { port, injected } = await serve(context);
  const headers = {
    ...{ origin: `http://127.0.0.1:${port}`, "content-type": "application/json" },
    ...{ "content-length": "100", expect: "100-continue" },
  };
  const asked = request({ host: "127.0.0.1", port, path: "/fault", method: "POST", headers });
  asked.on("error", () => undefined);
  const gone = new Promise((resolve) => asked.once("close", resolve));
  asked.flushHeaders();
  // By then the dashboard waits for the order.
  await once(asked, "continue");
  asked.write('{"fault":');
  asked.destroy();
  await gone;
  for (let turn = 0; turn < 10; turn += 1) assert.equal((await ask(port, "/")).status, 200);
  assert.deepEqual(injected, []);
});

test("without --allow-faults a dashboard only reads", async (context) => {
  const { port } = await serve(context, null);
  const headers = { origin: `http://127.0.0.1:${port}`, "content-type": "application/json" };
  const { status, body } = await ask(port, "/fault", headers, '{"fault":"crash","replica":0}');
  assert.equal(status, 403);
  assert.match(body, /--allow-faults/);
});

test("whoever follows gets snapshots", async (context) => {
  const { port } = await serve(context);
  const answer = await fetch(`http://127.0.0.1:${port}/events`);
  assert.equal(answer.headers.get("content-type"), "text/event-stream");
  let text = "";
  for await (const part of answer.body ?? []) {
    text += Buffer.from(part as Uint8Array).toString();
    if (text.includes("data: ")) break;
  }
  assert.ok(text.includes(`data: ${JSON.stringify(SNAPSHOT)}\n\n`));
});

test("a page that does not keep up misses snapshots, and is not saved them up", async (context) => {
  let made = 0;
  const padding = "x".repeat(8_000_000);
  const snapshot = (): Promise<Snapshot> => {
    made += 1;
    const large = { ...SNAPSHOT, atMs: made, padding };
    return Promise.resolve(large);
  };
  const dashboard = await serveDashboard({ port: 0, snapshot, inject: null });
  afterwards(context, () => dashboard.close());
  const asked = request(new URL("/events", dashboard.url)).end();
  const [page] = (await once(asked, "response")) as [IncomingMessage];
  while (made < 4) await nextTurn();
  const seen: number[] = [];
  for await (const part of page.setEncoding("utf8") as AsyncIterable<string>) {
    for (const [, atMs] of part.matchAll(/"atMs":(\d+)/g)) seen.push(Number(atMs));
    if ((seen.at(-1) ?? 0) > 4) break;
  }
  assert.ok(seen.length < (seen.at(-1) ?? 0), `${seen.join()} of ${made}`);
});

test("a port that is taken is said in a sentence", async (context) => {
  const { port } = await serve(context);
  await assert.rejects(
    serveDashboard({ port, snapshot: () => Promise.resolve(SNAPSHOT), inject: null }),
    (error) => error instanceof FailedOperation && error.message.includes("in use. Choose another"),
  );
});
