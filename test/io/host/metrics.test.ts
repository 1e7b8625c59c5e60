import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { JournalRecord } from "../../../src/core/message.js";
import { ConfigError } from "../../../src/io/config-error.js";
import { ReplicaMetrics } from "../../../src/io/metrics.js";
import { serveMetrics } from "../../../src/io/metrics-server.js";
import type { ReplicaStatus } from "../../../src/io/replica-status.js";

const STATUS = {
  ...{ view: 3, primary: 3, executed: 70, stable: 64, viewChanges: 2, batches: 60, requests: 90 },
  ...{
    database: "retrying",
    state: "rejoining",
    databaseLag: 5,
    active: true,
    pending: 4,
    datagramsReceived: 800,
    datagramsSent: 900,
  },
  viewChangeReasons: { "request-timeout": 2 },
  rejects: { "prepare/duplicate": 7 },
  drops: { "frame/bad-mac": 1 },
} as unknown as ReplicaStatus;

function record(kind: JournalRecord["kind"], seq: number): JournalRecord {
  return { kind, seq } as unknown as JournalRecord;
}

function sampleMetrics(): ReplicaMetrics {
  let nowMs = 0;
  const sources = { status: () => STATUS, verifier: { waitingCount: 6 } };
  const metrics = new ReplicaMetrics(2, sources, () => nowMs);
  metrics.appended(record("pre-prepared", 71));
  nowMs = 3;
  metrics.appended(record("prepared", 71));
  nowMs = 5;
  metrics.appended(record("committed", 71));
  nowMs = 6;
  metrics.executed(71, 3, 4, 9);
  metrics.journalWritten(2);
  return metrics;
}

test("every figure of a replica is told in Prometheus's format, with its label", async () => {
  const lines = (await sampleMetrics().text()).split("\n");
  for (const line of [
    'pbft_view{replica="2"} 3',
    'pbft_view_active{replica="2"} 1',
    'pbft_executed_sequence{replica="2"} 70',
    'pbft_database_lag_batches{replica="2"} 5',
    'pbft_database_state{state="ok",replica="2"} 0',
    'pbft_database_state{state="retrying",replica="2"} 1',
    'pbft_voting{replica="2"} 0',
    'pbft_verification_queue_lists{replica="2"} 6',
    'pbft_batches_total{replica="2"} 60',
    'pbft_operations_total{replica="2"} 9',
    'pbft_view_changes_total{reason="request-timeout",replica="2"} 2',
    'pbft_rejects_total{code="prepare/duplicate",replica="2"} 7',
    'pbft_drops_total{code="frame/bad-mac",replica="2"} 1',
    'pbft_batch_requests_sum{replica="2"} 4',
    'pbft_journal_write_seconds_sum{replica="2"} 0.002',
    'pbft_phase_seconds_sum{replica="2",phase="prepare"} 0.003',
    'pbft_phase_seconds_sum{replica="2",phase="commit"} 0.002',
    'pbft_phase_seconds_sum{replica="2",phase="execute"} 0.001',
  ]) {
    assert.ok(lines.includes(line), line);
  }
  assert.ok(lines.some((line) => line.startsWith("nodejs_eventloop_lag_p99_seconds{")));
});

test("counts that are read do not grow with the number of readers", async () => {
  const metrics = sampleMetrics();
  await metrics.text();
  assert.match(await metrics.text(), /^pbft_batches_total\{replica="2"\} 60$/m);
});

test("a batch that began elsewhere, as before a restart, has no phases", async () => {
  const metrics = sampleMetrics();
  metrics.appended(record("committed", 99));
  metrics.executed(99, 3, 1, 1);
  assert.match(await metrics.text(), /^pbft_phase_seconds_count\{.*phase="execute"\} 1$/m);
});

test("metrics are served at one path, and not before there are any", async (context) => {
  let metrics: ReplicaMetrics | null = null;
  const server = await serveMetrics(() => metrics, { host: "127.0.0.1", port: 0 });
  context.after(() => server.close());
  const url = `http://127.0.0.1:${server.port}/metrics`;
  assert.equal((await fetch(url)).status, 503);
  metrics = sampleMetrics();
  const answer = await fetch(url);
  assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  assert.match(await answer.text(), /^pbft_view\{/m);
  assert.equal((await fetch(url, { method: "POST" })).status, 404);
  assert.equal((await fetch(`http://127.0.0.1:${server.port}/`)).status, 404);
});

test("a name that somebody else may have made point here is refused", async (context) => {
  const metrics = sampleMetrics();
  const server = await serveMetrics(() => metrics, { host: "127.0.0.1", port: 0 });
  context.after(() => server.close());
  const statusFor = async (host: string): Promise<number | undefined> => {
    const headers = { host };
    const asked = request({ host: "127.0.0.1", port: server.port, path: "/metrics", headers });
    asked.end();
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  };
  for (const host of ["evil.example", `evil.example:${server.port}`, "127.0.0.1.evil.example"]) {
    assert.equal(await statusFor(host), 403, host);
  }
  for (const host of [`127.0.0.1:${server.port}`, `localhost:${server.port}`, "[::1]:9464"]) {
    assert.equal(await statusFor(host), 200, host);
  }
});

test("a port that is taken is said in a sentence", async (context) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  context.after(() => void other.close());
  const { port } = other.address() as AddressInfo;
  await assert.rejects(
    serveMetrics(() => null, { host: "127.0.0.1", port }),
    (error) => error instanceof ConfigError && error.message.includes("in use. Choose another"),
  );
});

const GRAFANA_PATH = fileURLToPath(
  new URL("../../../../assets/grafana-dashboard.json", import.meta.url),
);

/** What an operator has to see; each has a panel. */
const SHOWN = [
  ...["pbft_operations_total", "pbft_batches_total", "pbft_batch_requests_bucket"],
  ...["pbft_phase_seconds_bucket", "pbft_view_changes_total", "pbft_verification_queue_lists"],
  ...["pbft_journal_write_seconds_bucket", "pbft_database_lag_batches", "pbft_database_state"],
  ...["pbft_rejects_total", "nodejs_eventloop_lag_p99_seconds", "pbft_voting"],
];

interface GrafanaDashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number };
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

test("the Grafana dashboard asks only for metrics and labels that exist", async () => {
  const text = await sampleMetrics().text();
  const names = new Set([...text.matchAll(/^(\w+)(?:\{| )/gm)].map(([, name]) => name));
  const labels = new Set([...text.matchAll(/[{,](\w+)=/g)].map(([, label]) => label));
  const { panels } = JSON.parse(readFileSync(GRAFANA_PATH, "utf8")) as GrafanaDashboard;
  const asked = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  assert.ok(asked.length >= panels.length && panels.length > 0);
  for (const expr of asked) {
    const used = [...expr.matchAll(/\b((?:pbft|nodejs|process)_\w+)/g)].map(([, name]) => name);
    assert.ok(used.length > 0, expr);
    for (const name of used) assert.ok(names.has(name), `${name ?? ""} in ${expr}`);
    for (const [, list = ""] of expr.matchAll(/by \(([^)]*)\)/g)) {
      for (const label of list.split(", ")) assert.ok(labels.has(label), `${label} in ${expr}`);
    }
  }
  for (const name of SHOWN)
    assert.ok(
      asked.some((expr) => expr.includes(name)),
      name,
    );
  const places = panels.map(({ gridPos }) => `${gridPos.x} ${gridPos.y}`);
  assert.equal(new Set(places).size, panels.length, "no panel covers another");
});
