import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readRun } from "../../../src/cli/report/run-file.js";
import { run } from "../program.js";
import { temporaryDirectory } from "../temporary-directory.js";
import { sampleReport } from "./sample-report.js";

const SAMPLE = JSON.stringify(sampleReport("words"));

test("a run is read back as it was written", (context) => {
  const folder = temporaryDirectory(context);
  writeFileSync(join(folder, "run.json"), SAMPLE);
  assert.deepEqual(readRun(folder), sampleReport("words"));
  assert.deepEqual(readRun(join(folder, "run.json")), sampleReport("words"));
});

test("report makes one page of two runs, with its charts beside it", async (context) => {
  const folder = temporaryDirectory(context);
  for (const name of ["a", "b"]) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "run.json"), SAMPLE);
  }
  const out = join(folder, "change.html");
  const words = ["report", join(folder, "a"), join(folder, "b", "run.json"), "--out", out];
  const { status, stdout, stderr } = await run([...words, "--json"]);
  assert.equal(status, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), { report: out });
  assert.match(readFileSync(out, "utf8"), /Runs side by side/);
  const charts = readdirSync(folder).filter((file) => file.endsWith(".svg"));
  assert.ok(charts.includes("change-percentiles-1.svg"), charts.join());
  assert.ok(charts.includes("change-b-histogram.svg"), charts.join());
});

test("a file that is no run is refused with what is wrong with it", async (context) => {
  const folder = temporaryDirectory(context);
  const path = join(folder, "run.json");
  const changed = (from: string, to: string): string => SAMPLE.replace(from, to);
  const cases: readonly (readonly [json: string, sentence: RegExp])[] = [
    [SAMPLE.slice(0, SAMPLE.length / 2), /is not JSON: it ends in the middle/],
    ["<html></html>", /is not JSON: it is something else/],
    ["", /is not JSON/],
    ["null", /is JSON, but no run/],
    ['{"rows":[]}', /is JSON, but no run: "format" is not/],
    [changed('"version":2', '"version":1'), /another release: its version is 1/],
    [changed('"iterations":500', '"iterations":"many"'), /rows\[0\]\.iterations must be a number/],
    [changed('"kind":"read-only"', '"kind":"all"'), /rows\[0\]\.kind must be "read-only" or/],
    [changed("row-1-read-only.hgrm", "../../x.hgrm"), /percentileFile must be the name of an/],
  ];
  for (const [json, sentence] of cases) {
    writeFileSync(path, json);
    const { status, stderr } = await run(["report", folder, "--out", join(folder, "x.html")]);
    assert.equal(status, 1, stderr);
    assert.match(stderr, sentence);
    assert.doesNotMatch(stderr, /\n\s+at /, "no stack");
  }
});

test("report says what is wrong with its arguments", async (context) => {
  const folder = temporaryDirectory(context);
  const missing = await run(["report", join(folder, "nothing")]);
  assert.deepEqual([missing.status, missing.stderr.includes("There is no ")], [1, true]);
  const empty = await run(["report", folder]);
  assert.match(empty.stderr, /holds no run\.json/);
  writeFileSync(join(folder, "run.json"), SAMPLE);
  const odd = await run(["report", folder, "--out", "report.pdf"]);
  assert.deepEqual([odd.status, odd.stderr.includes("must end with .html")], [2, true]);
  const nowhere = await run(["report", folder, "--out", join(folder, "no", "x.html")]);
  assert.match(nowhere.stderr, /cannot be written to/);
  assert.equal((await run(["report"])).status, 2);
});
