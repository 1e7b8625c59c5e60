import assert from "node:assert/strict";
import { test } from "node:test";
import type { BenchReport } from "../../../src/cli/bench/bench-report.js";
import { LatencyHistogram } from "../../../src/cli/bench/latency-histogram.js";
import { markup } from "../../../src/cli/bench/markup.js";
import { percentileChart } from "../../../src/cli/bench/percentile-chart.js";
import { reportHtml } from "../../../src/cli/bench/report-html.js";

const HOSTILE = `<script>alert("x")</script>&'`;

function hostileReport(): BenchReport {
  const histogram = new LatencyHistogram();
  for (let micros = 1; micros <= 500; micros += 1) histogram.record(micros);
  const latency = histogram.summary();
  return {
    startedAt: "2026-01-01T00:00:00.000Z",
    conditions: {
      machine: { cpuModel: HOSTILE, cpuCount: 2, memoryBytes: 2 ** 33, platform: "linux x64" },
      nodeVersion: "v20.0.0",
      commit: null,
      cluster: { replicaCount: 4, store: HOSTILE, durability: "fsync", verifier: "native" },
      load: { sessions: 1, inFlight: 1, ratePerSecond: 500, seed: 9, timeoutMs: 1_000 },
    },
    experiments: [
      {
        title: HOSTILE,
        commands: HOSTILE,
        answers: [HOSTILE],
        accounts: [
          {
            customerId: 1,
            account: "A",
            name: HOSTILE,
            address: HOSTILE,
            published: null,
            balances: ["1.00", null],
          },
        ],
        identical: false,
        asPublished: false,
      },
    ],
    rows: [
      {
        kind: "read-only",
        iterations: 500,
        readCount: 500,
        writeCount: 0,
        warmUpCount: 500,
        durationMs: 1_000,
        opsPerSecond: 500,
        latency,
        readLatency: latency,
        writeLatency: new LatencyHistogram().summary(),
        curve: histogram.curve(10),
        percentileFile: "row-1-read-only.hgrm",
        failures: { [HOSTILE]: 1 },
        viewChangeCount: 0,
        partitions: [
          {
            replica: 0,
            view: 0,
            wasPrimary: true,
            cutOffAt: 166,
            healedAt: 333,
            catchUpMs: 1_234.5,
          },
        ],
        consistent: false,
        consistency: HOSTILE,
        balancesAsPredicted: null,
      },
    ],
  };
}

test("the report needs nothing from outside and runs no script", () => {
  const html = reportHtml(hostileReport());
  assert.doesNotMatch(html, /<script|<link|<img|<iframe|@import|url\(|src=|href=|https?:/i);
});

test("whatever comes from the machine or the ledger is escaped", () => {
  const html = reportHtml(hostileReport());
  assert.ok(!html.includes(HOSTILE));
  assert.ok(html.includes("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;"));
});

test("every element that is opened is closed", () => {
  const html = reportHtml(hostileReport());
  for (const element of ["html", "body", "main", "section", "table", "tr", "td", "svg", "dl"]) {
    const opened = html.match(new RegExp(`<${element}[ >]`, "g"))?.length ?? 0;
    const closed = html.match(new RegExp(`</${element}>`, "g"))?.length ?? 0;
    assert.ok(opened > 0, element);
    assert.equal(opened, closed, element);
  }
});

test("partitions are told with what they cost", () => {
  assert.match(reportHtml(hostileReport()), /cut off after 166 operations.*within 1235 ms/s);
});

test("problems are said in the report", () => {
  const html = reportHtml(hostileReport());
  assert.match(html, /did not agree after every step/);
  assert.match(html, /class="problem"/);
});

test("markup escapes text and keeps markup", () => {
  const inner = markup`<b>${"<"}</b>`;
  assert.equal(markup`<p>${inner}${[inner]}${1}</p>`.text, "<p><b>&lt;</b><b>&lt;</b>1</p>");
});

test("each further nine takes the same room on the chart's axis", () => {
  const points = [0, 90, 99, 99.9].map((percentile, index) => ({ percentile, latencyMs: index }));
  const { text } = percentileChart([{ label: "row", points }]);
  const line = /points="([^"]+)" class="series/.exec(text)?.[1] ?? "";
  const xs = line.split(" ").map((pair) => Number(pair.split(",")[0]));
  const steps = xs.slice(1).map((x, index) => x - (xs[index] ?? 0));
  assert.equal(steps.length, 3);
  for (const step of steps) assert.ok(Math.abs(step - (steps[0] ?? 0)) <= 0.2);
});

test("a chart without a record is drawn all the same", () => {
  assert.match(percentileChart([]).text, /<svg/);
  assert.doesNotMatch(percentileChart([{ label: "row", points: [] }]).text, /NaN|Infinity/);
});
