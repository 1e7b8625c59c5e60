import assert from "node:assert/strict";
import { test } from "node:test";
import { markup } from "../../../src/cli/report/markup.js";
import { nameRuns } from "../../../src/cli/report/named-run.js";
import { chartsOf } from "../../../src/cli/report/report-charts.js";
import { htmlOf, sampleReport } from "./sample-report.js";

const HOSTILE = `<script>alert("x")</script>&'`;

test("the report needs nothing from outside and runs no script", () => {
  const html = htmlOf(sampleReport(HOSTILE));
  const harmless = html.replaceAll("http://www.w3.org/2000/svg", "");
  assert.doesNotMatch(harmless, /<script|<link|<img|<iframe|@import|url\(|src=|href=|https?:/i);
});

test("whatever comes from the machine or the ledger is escaped", () => {
  const html = htmlOf(sampleReport(HOSTILE));
  assert.ok(!html.includes(HOSTILE));
  assert.ok(!html.includes("<script"));
  assert.ok(html.includes("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;"));
});

test("every element that is opened is closed", () => {
  const html = htmlOf(sampleReport(HOSTILE));
  for (const element of ["html", "body", "main", "section", "table", "tr", "td", "svg", "dl"]) {
    const opened = html.match(new RegExp(`<${element}[ >]`, "g"))?.length ?? 0;
    const closed = html.match(new RegExp(`</${element}>`, "g"))?.length ?? 0;
    assert.ok(opened > 0, element);
    assert.equal(opened, closed, element);
  }
});

test("partitions are told with what they cost, passes with their median and range", () => {
  const html = htmlOf(sampleReport("words"));
  assert.match(html, /pass 1: .*cut off after 166 operations.*within 1,235 ms, while clients got/s);
  assert.match(html, /all 2 passes: 2 of 2 replicas caught up, the median within 1,235 ms/);
  // The second pass took three times as long; the median of two is in the middle.
  assert.match(html, /1\.50<span class="range">0\.75–2\.25<\/span>/);
});

test("problems are said in the report, by pass", () => {
  const html = htmlOf(sampleReport("words"));
  assert.match(html, /did not agree after every step/);
  assert.match(html, /class="problem">500 iterations, read-only, pass 2: words\./);
});

test("a run has every chart that its figures allow, each a drawing of its own", () => {
  const charts = chartsOf(nameRuns([sampleReport("words")]));
  assert.deepEqual(
    charts.map(({ name }) => name),
    [
      "percentiles",
      "histogram",
      "throughput-over-time-1",
      "throughput-over-time-2",
      "throughput-latency",
      "reads-against-writes",
      "baseline-read-write",
    ],
  );
  for (const { svg } of charts) {
    assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    assert.match(svg, /role="img"/);
    assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
  }
});

test("each further nine takes the same room on the percentile axis", () => {
  const [chart] = chartsOf(nameRuns([sampleReport("words")]));
  const ticks = [0, 90, 99].map((percentile) => {
    const label = new RegExp(
      `translate\\(([\\d.]+),[\\d.]+\\)"[^>]*>${percentile}(?:\u00a0|&#160;)%<`,
    );
    return Number(label.exec(chart?.svg ?? "")?.[1]);
  });
  const [zero = NaN, one = NaN, two = NaN] = ticks;
  assert.ok(Math.abs(two - one - (one - zero)) < 0.5, ticks.join(", "));
});

test("the timeline marks absence, catching up and the new view", () => {
  const chart = chartsOf(nameRuns([sampleReport("words")])).find(({ name }) => name.endsWith("2"));
  assert.match(chart?.svg ?? "", />replica 0 \(primary\) cut off</);
  assert.match(chart?.svg ?? "", />caught up in 1,235 ms</);
  assert.match(chart?.svg ?? "", />view 1</);
});

test("several runs are compared row by row, and what differs between them stands out", () => {
  const before = sampleReport("words");
  const html = htmlOf(before, sampleReport("other words", 2));
  assert.match(html, /<h1>Runs side by side<\/h1>/);
  assert.match(html, />500 reads</);
  assert.match(html, /<tr class="differs"><th scope="row">store<\/th>/);
  assert.match(html, /<tr class=""><th scope="row">seed<\/th>/);
  assert.match(html, /A: 2026-01-01/);
});

test("a run without rows still makes a report", () => {
  const report = { ...sampleReport("words"), rows: [], baselines: [], throughput: [] };
  assert.match(htmlOf(report), /<h2>Conditions<\/h2>/);
});

test("markup escapes text and keeps markup", () => {
  const inner = markup`<b>${"<"}</b>`;
  assert.equal(markup`<p>${inner}${[inner]}${1}</p>`.text, "<p><b>&lt;</b><b>&lt;</b>1</p>");
});
