import assert from "node:assert/strict";
import { test } from "node:test";
import { newCluster, run, startCluster } from "../program.js";

interface Line {
  readonly scenario: string;
  readonly consistent: boolean;
  readonly replicas: readonly number[];
  readonly viewBefore: number;
  readonly viewAfter: number;
  readonly acknowledged: number;
  readonly exactlyOnce: boolean;
  readonly identical: boolean;
}

async function play(...words: string[]): Promise<Line> {
  const { status, stdout, stderr } = await run(["scenario", ...words, "--json"]);
  assert.equal(status, 0, stderr + stdout);
  const line = JSON.parse(stdout) as Line;
  const { consistent, exactlyOnce, identical } = line;
  assert.deepEqual(
    { consistent, exactlyOnce, identical },
    {
      consistent: true,
      exactlyOnce: true,
      identical: true,
    },
  );
  return line;
}

test("a fresh cluster survives the crash of its primary and is gone afterwards", async () => {
  const line = await play("primary-crash", "--deposits", "30");
  assert.equal(line.scenario, "primary-crash");
  assert.deepEqual([line.replicas, line.viewBefore], [[0], 0]);
  assert.ok(line.viewAfter > 0);
  assert.ok(line.acknowledged >= 90);
});

test("a running cluster survives one scenario after the other", async (context) => {
  const dir = await newCluster(context);
  await startCluster(context, dir);
  const few = ["--deposits", "20", "--in-flight", "3"];
  const cut = await play("partition-primary", dir, ...few);
  assert.ok(cut.viewAfter > cut.viewBefore);
  const backup = await play("backup-crash", dir, ...few);
  assert.notEqual(backup.replicas[0], backup.viewBefore % 4);
  const all = await play("all-crash", dir, ...few);
  assert.deepEqual(all.replicas, [0, 1, 2, 3]);
  const shown = await run(["show", dir, "--json"]);
  assert.equal(shown.status, 0, shown.stderr);
  assert.match(shown.stdout, /"name":"Scenario all-crash"/);
  const text = await run(["scenario", "backup-crash", dir, "--deposits", "5"]);
  assert.equal(text.status, 0, text.stderr);
  assert.match(text.stdout, /^backup-crash: replica \d, a backup in view \d+, was killed/);
});

test("scenario says which there are, and refuses the rest", async (context) => {
  const help = await run(["scenario", "--help"]);
  assert.equal(help.status, 0);
  for (const name of ["primary-crash", "backup-crash", "partition-primary", "all-crash"]) {
    assert.match(help.stdout, new RegExp(`^ {2}${name} `, "m"));
  }
  const wrong = [["meteor"], ["all-crash", "--deposits", "0"], ["all-crash", "--in-flight", "x"]];
  for (const words of wrong) {
    const { status, stderr } = await run(["scenario", ...words]);
    assert.equal(status, 2, stderr);
    assert.match(stderr, /^error: /);
  }
  const dir = await newCluster(context);
  const down = await run(["scenario", "all-crash", dir]);
  assert.equal(down.status, 1);
  assert.match(down.stderr, /is not up. Start it: pbft-ledger up/);
});
