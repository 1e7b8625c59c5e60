import assert from "node:assert/strict";
import { test } from "node:test";
import { FailedOperation } from "../../../src/cli/failure.js";
import { runScenario } from "../../../src/cli/scenario/run-scenario.js";
import {
  isConsistent,
  scenarioJson,
  scenarioText,
} from "../../../src/cli/scenario/scenario-report.js";
import type { ScenarioReport } from "../../../src/cli/scenario/scenario-report.js";
import { SCENARIOS } from "../../../src/cli/scenario/scenarios.js";
import type { Scenario } from "../../../src/cli/scenario/scenarios.js";
import type { LedgerOutcome } from "../../../src/io/ledger-client.js";
import { FakeBank } from "./fake-bank.js";

function scenarioNamed(name: string): Scenario {
  const scenario = SCENARIOS.find((each) => each.name === name);
  assert.ok(scenario !== undefined);
  return scenario;
}

function play(
  bank: FakeBank,
  name = "primary-crash",
  signal = new AbortController().signal,
): Promise<ScenarioReport> {
  const scenario = scenarioNamed(name);
  const { clock } = bank;
  return runScenario({ scenario, cluster: bank, depositCount: 10, inFlight: 2, clock, signal });
}

/** An outcome that is unknown until it is asked for again, `tries` times. */
function unknown(tries: number, settle: () => LedgerOutcome): LedgerOutcome {
  if (tries === 0) return settle();
  return {
    ok: false,
    code: "timeout",
    retry: () => Promise.resolve(unknown(tries - 1, settle)),
  };
}

test("each scenario hits whom it says and brings them back", async () => {
  const faults = new Map<string, string>();
  for (const { name } of SCENARIOS) {
    const bank = new FakeBank();
    const report = await play(bank, name);
    assert.equal(isConsistent(report), true, scenarioJson(report));
    assert.ok(report.acknowledgedCount >= 20);
    assert.equal(bank.clientCount, 0);
    faults.set(name, bank.faults.join(", "));
  }
  assert.deepEqual(Object.fromEntries(faults), {
    "primary-crash": "crash 0, restart 0",
    "backup-crash": "crash 1, restart 1",
    "wipe-backup": "wipe 1, rejoin 1",
    "partition-primary": "cut-off 0, connect 0",
    "all-crash": "crash 0, crash 1, crash 2, crash 3, restart 0, restart 1, restart 2, restart 3",
  });
});

test("a deposit without outcome is tried until it has one, and counts once", async () => {
  const bank = new FakeBank();
  bank.mishaps.set(5, (amount) => {
    const executed = bank.add(amount);
    return unknown(3, () => executed);
  });
  const report = await play(bank);
  assert.equal(report.lateCount, 1);
  assert.equal(isConsistent(report), true, scenarioJson(report));
});

test("an acknowledged deposit that is lost makes the scenario fail", async () => {
  const bank = new FakeBank();
  bank.mishaps.set(7, (amount) => {
    const told = bank.add(amount);
    bank.held -= amount;
    return told;
  });
  const report = await play(bank);
  assert.deepEqual([report.isIdentical, report.isExactlyOnce], [true, false]);
  assert.equal(isConsistent(report), false);
  assert.match(scenarioText(scenarioNamed("primary-crash"), report), /exactly once +a deposit of/);
});

test("a deposit that is applied twice makes the scenario fail", async () => {
  const bank = new FakeBank();
  bank.mishaps.set(12, (amount) => {
    const told = bank.add(amount);
    bank.add(amount);
    return told;
  });
  assert.equal(isConsistent(await play(bank)), false);
});

test("a database that holds another balance makes the scenario fail", async () => {
  const bank = new FakeBank();
  const readTable = bank.readTable.bind(bank);
  bank.readTable = async () => {
    const table = await readTable();
    const [row] = table?.accounts ?? [];
    assert.ok(table !== null && row !== undefined);
    return { ...table, accounts: [{ ...row, balance: row.balance + 1n }] };
  };
  const report = await play(bank);
  assert.deepEqual([report.isIdentical, report.isExactlyOnce], [true, false]);
});

test("the times are those of the deposits", async () => {
  const bank = new FakeBank();
  const inject = bank.inject.bind(bank);
  bank.inject = (fault, replica) => {
    if (fault === "crash") {
      bank.mishaps.set(bank.depositCount + 1, (amount) => {
        bank.clock.micros += 700_000;
        return bank.add(amount);
      });
    }
    return inject(fault, replica);
  };
  const report = await play(bank);
  assert.deepEqual([report.viewBefore, report.viewAfter], [0, 1]);
  for (const ms of [report.gapMs, report.backMs]) assert.ok(ms >= 700 && ms < 710, ms.toString());
  assert.ok(report.curedMs >= 700 && report.curedMs < 730, report.curedMs.toString());
});

test("a failure that no retry can cure is told, and nobody is left as it was hit", async () => {
  const bank = new FakeBank();
  bank.mishaps.set(15, () => ({ ok: false, code: "session-expired" }));
  await assert.rejects(play(bank), /A deposit failed: session-expired/);
  assert.deepEqual(bank.faults, ["crash 0", "restart 0"]);
  assert.equal(bank.clientCount, 0);
});

test("a cluster that does not come back is given up after a bounded number of tries", async () => {
  const bank = new FakeBank();
  bank.mishaps.set(15, (amount) => unknown(1_000_000, () => bank.add(amount)));
  await assert.rejects(play(bank), /the cluster does not come back/);
  assert.deepEqual(bank.faults, ["crash 0", "restart 0"]);
});

test("an interrupt ends the scenario and brings the replica back first", async () => {
  const bank = new FakeBank();
  const controller = new AbortController();
  bank.mishaps.set(15, (amount) => {
    controller.abort(new FailedOperation("Stopped before the end."));
    return bank.add(amount);
  });
  await assert.rejects(play(bank, "partition-primary", controller.signal), /Stopped/);
  assert.deepEqual(bank.faults, ["cut-off 0", "connect 0"]);
});

test("the JSON line has all figures", async () => {
  const line = scenarioJson(await play(new FakeBank()));
  const { scenario, consistent, replicas, retried } = JSON.parse(line) as Record<string, unknown>;
  assert.deepEqual(
    { scenario, consistent, replicas, retried },
    { scenario: "primary-crash", consistent: true, replicas: [0], retried: 0 },
  );
  assert.deepEqual(Object.keys(JSON.parse(line) as object).sort(), [
    "acknowledged",
    "backMs",
    "balance",
    "catchUpMs",
    "consistent",
    "exactlyOnce",
    "gapMs",
    "identical",
    "replicas",
    "restoredMs",
    "retried",
    "scenario",
    "viewAfter",
    "viewBefore",
  ]);
});
