import assert from "node:assert/strict";
import { test } from "node:test";
import { BundleReader, BundleWriter } from "../../src/core/base/bundle.js";
import { chooseService, serviceFault } from "../../src/io/choose-service.js";
import type { Genesis } from "../../src/io/config.js";
import { createLog } from "../../src/io/log.js";
import { hasher } from "../core/pbft/builders.js";

const run = (): Uint8Array => new Uint8Array(0);
const GOOD = { name: "good", execute: run, query: run };

test("a service has a name, two functions, and a number of entries if it says one", () => {
  for (const good of [GOOD, { ...GOOD, entriesMax: 1 }, { ...GOOD, entriesMax: 16_777_216 }]) {
    assert.equal(serviceFault(good), null);
  }
  const bad: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /no object/],
    [null, /no object/],
    [run, /no object/],
    [{ ...GOOD, name: "Bad" }, /a name/],
    [{ ...GOOD, name: undefined }, /a name/],
    [{ ...GOOD, execute: 1 }, /execute/],
    [{ ...GOOD, query: null }, /query/],
    ...[0, -1, 1.5, Number.NaN, Infinity, null, "lots", 16_777_217].map(
      (entriesMax) => [{ ...GOOD, entriesMax }, /entriesMax/] as const,
    ),
  ];
  for (const [value, pattern] of bad) assert.match(serviceFault(value) ?? "", pattern);
});

test("whatever a service throws ends an operation, not the replica", () => {
  const hostile = new Error("x");
  Object.defineProperty(hostile, "stack", {
    get: () => {
      throw new Error("looked at");
    },
  });
  const genesis = { clients: [{ name: "teller" }] } as unknown as Genesis;
  const log = createLog("silent", { replica: 0 });
  for (const thrown of [hostile, Object.create(null), null, Symbol("s"), "x".repeat(100_000)]) {
    const execute = (): never => {
      throw thrown;
    };
    const hosted = chooseService({ genesis, hasher, service: { ...GOOD, execute }, log });
    const [bundle, results] = [new BundleWriter(), new BundleWriter()];
    bundle.append(Uint8Array.of(0, 1));
    hosted.execute(0, new BundleReader(bundle.finish()), results);
    assert.equal(results.count, 1);
  }
});
