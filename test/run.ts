/*
 * Runs the compiled tests: all of them, or those whose path holds one of the arguments.
 *
 *     npm test                    every test
 *     npm test -- pbft client     the files with "pbft" or "client" in their path
 *     CRYPTO=portable npm test    every test, without the native addon
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative, sep } from "node:path";
import { finished } from "node:stream/promises";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

/** This file runs as dist/test/run.js. */
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const COMPILED = join(ROOT, "dist", "test");

/** A run that takes longer than this hangs: what still runs is stopped and counts as failed. */
const RUN_TIMEOUT_MS = 15 * 60 * 1000;

/**
 * Compiled test files, sorted; what is left of a source file that is gone is removed on the way.
 */
function findTests(): string[] {
  return readdirSync(COMPILED, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".test.js"))
    .filter((path) => !removeIfStale(path))
    .map((path) => join(COMPILED, path))
    .sort();
}

function removeIfStale(path: string): boolean {
  if (existsSync(join(ROOT, "test", path.replace(/\.js$/, ".ts")))) return false;
  const stem = join(COMPILED, path.replace(/\.js$/, ""));
  for (const suffix of [".js", ".js.map", ".d.ts"]) rmSync(stem + suffix, { force: true });
  return true;
}

/** How a path is written in commands and reports: test/core/wire/header.test */
function nameOf(file: string): string {
  return relative(join(ROOT, "dist"), file).split(sep).join("/").replace(/\.js$/, "");
}

function complain(sentence: string): void {
  process.exitCode = 1;
  process.stdout.write(`✖ ${sentence}\n`);
}

/**
 * Runs `files` and prints what came of them. A failed test, a file without a test and a run without
 * a test all fail. The last lines are the totals, after the failures too.
 */
async function runTests(files: readonly string[]): Promise<void> {
  const silent = new Set(files);
  const totals: string[] = [];
  const stream = run({
    files: [...files],
    concurrency: availableParallelism(),
    signal: AbortSignal.timeout(RUN_TIMEOUT_MS),
  });
  stream.on("test:pass", ({ name, file }) => {
    // Node reports a file without tests as one test of that file's name.
    if (file !== undefined && name !== file) silent.delete(file);
  });
  stream.on("test:fail", ({ file, todo }) => {
    if (file !== undefined) silent.delete(file);
    if (todo === undefined || todo === false) process.exitCode = 1;
  });
  stream.on("test:diagnostic", ({ nesting, message }) => {
    if (nesting === 0 && /^[a-z_]+ [\d.]+$/.test(message)) totals.push(`ℹ ${message}`);
  });
  const report = stream.pipe(new spec());
  report.pipe(process.stdout, { end: false });
  await finished(report);

  const passed = process.exitCode === undefined;
  for (const file of silent) complain(`${nameOf(file)} ran no test`);
  if (!passed || silent.size > 0) process.stdout.write(`\n${totals.join("\n")}\n`);
}

const filters = process.argv.slice(2);
const files = findTests().filter(
  (file) => filters.length === 0 || filters.some((filter) => nameOf(file).includes(filter)),
);
if (files.length === 0)
  complain(`no test file matches: ${filters.join(" ") || "none is compiled"}`);
else await runTests(files);
