import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { replicaDirectory } from "../../src/io/cluster-directory.js";
import { newCluster, Program, run } from "../cli/program.js";

test("F8: a replica whose folder was wiped does not vote as if it were new", async (context) => {
  const dir = await newCluster(context);
  const replica = new Program(["replica", dir, "--id", "2"]);
  assert.match(await replica.line(), /^replica 2 serves/);
  replica.process.kill("SIGTERM");
  assert.equal((await replica.ended).status, 0);
  rmSync(replicaDirectory(dir, 2), { recursive: true });
  const { status, stderr } = await run(["replica", dir, "--id", "2"]);
  assert.equal(status, 1);
  assert.match(stderr, /has taken part before .* its database is gone.* Keep it stopped/);
});
