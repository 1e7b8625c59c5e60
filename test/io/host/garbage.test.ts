import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";

const THREADS = 4;
const COLLECTIONS = 20;

test("threads may collect their garbage at the same time", async () => {
  const url = new URL("../../../src/io/garbage.js", import.meta.url).href;
  const program = `import(${JSON.stringify(url)}).then(({ collectGarbage }) => {
    for (let count = 0; count < ${COLLECTIONS}; count += 1) collectGarbage();
  });`;
  const workers = Array.from({ length: THREADS }, () => new Worker(program, { eval: true }));
  const exits = await Promise.all(workers.map((worker) => once(worker, "exit")));
  assert.deepEqual(
    exits.map(([status]) => status as number),
    workers.map(() => 0),
  );
});
