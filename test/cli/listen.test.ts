import assert from "node:assert/strict";
import { test } from "node:test";
import { afterwards } from "./temporary-directory.js";
import { newCluster, Program, run } from "./program.js";

test("a replica listens where told, and answers at its address in the genesis", async (context) => {
  const dir = await newCluster(context);
  const replica = new Program(["replica", dir, "--id", "2", "--listen", "0.0.0.0", "--json"]);
  afterwards(context, async () => {
    replica.process.kill("SIGTERM");
    await replica.ended;
  });
  let line = await replica.line();
  // Lines of its log come before.
  while (!line.startsWith('{"replica":2,"pid"')) line = await replica.line();
  assert.equal((JSON.parse(line) as { readonly host: unknown }).host, "0.0.0.0");
  const status = await run(["status", dir, "--json"]);
  assert.equal(status.status, 0, status.stderr);
  assert.match(status.stdout, /"replica":2,"up":true/);
});

test("an address of the other family than the genesis has is refused", async (context) => {
  const dir = await newCluster(context);
  const { status, stderr } = await run(["replica", dir, "--id", "0", "--listen", "::"]);
  assert.equal(status, 2);
  assert.match(stderr, /--listen must be an IPv4 address, as the genesis has, not "::"/);
});
