import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { SqliteStore } from "../../../src/io/sqlite-store.js";
import { digestOf, genesisOf, rowOf, sessionOf, temporaryFolder } from "./fixture.js";

const CHILD = fileURLToPath(new URL("./commit-child.js", import.meta.url));
const MONEY = 1_000_000n;

/** Kills a committing process once it has said that `commits` groups are done; the last it said. */
async function killAfter(path: string, commits: number): Promise<number> {
  const child = spawn(process.execPath, [CHILD, path, String(MONEY)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  let said = 0;
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    said = Number(line);
    lines += 1;
    if (lines === commits) child.kill("SIGKILL");
  }
  assert.deepEqual(await exited, [null, "SIGKILL"]);
  return said;
}

test("sqlite: F5: a process killed in mid-commit leaves whole groups, none lost", async (t) => {
  const path = join(temporaryFolder(t), "ledger.db");
  const fresh = new SqliteStore({ path });
  await fresh.open();
  await fresh.replace(genesisOf([rowOf(1, "A", MONEY), rowOf(2, "B", 0n)]));
  await fresh.close();
  for (const commits of [1, 17, 60]) {
    const said = await killAfter(path, commits);
    const store = new SqliteStore({ path });
    const state = await store.open();
    await store.close();
    assert(state !== null && state.seq >= said, `${state?.seq} is at least ${said}`);
    assert.deepEqual(state.accounts, [
      rowOf(1, "A", MONEY - BigInt(state.seq)),
      rowOf(2, "B", BigInt(state.seq)),
    ]);
    assert.deepEqual(state.sessions, [sessionOf(0, 1, state.seq)]);
    assert.deepEqual(state.serviceRoot, digestOf(state.seq));
  }
});
