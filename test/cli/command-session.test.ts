import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandSession } from "../../src/cli/command-session.js";
import type { OperationOutcome } from "../../src/cli/command-session.js";
import type { LedgerOperation } from "../../src/core/ledger/operation.js";

const ORIGIN = { path: "ordered", view: 0, sequence: 12, latencyMs: 1.23456 } as const;

/** A session on a client that gives `outcomes` in order, and what it printed and asked for. */
function sessionWith(outcomes: readonly OperationOutcome[], isJson: boolean) {
  const results: string[] = [];
  const notes: string[] = [];
  const operations: LedgerOperation[] = [];
  const client = {
    run: (operation: LedgerOperation, { timeoutMs }: { readonly timeoutMs: number }) => {
      assert.equal(timeoutMs, 250);
      const outcome = outcomes[operations.length];
      operations.push(operation);
      assert.ok(outcome !== undefined, "no more operations than outcomes");
      return Promise.resolve(outcome);
    },
  };
  const output = {
    result: (line: string) => results.push(line),
    note: (line: string) => notes.push(line),
  };
  const session = new CommandSession(client, { timeoutMs: 250, isJson }, output);
  return { session, results, notes, operations };
}

test("a success is one JSON object with exactly the promised members", async () => {
  const { session, results } = sessionWith([{ ok: true, balance: 30_000n, ...ORIGIN }], true);
  await session.runLine(" deposit $100 to A ");
  assert.deepEqual(results, [
    '{"command":"deposit $100 to A","ok":true,"balance":"300.00",' +
      '"path":"ordered","view":0,"sequence":12,"latencyMs":1.235}',
  ]);
  assert.equal(session.hasFailed, false);
});

test("a refusal by the ledger carries its code and a sentence", async () => {
  const { session, results } = sessionWith(
    [{ ok: false, code: "insufficient-funds", ...ORIGIN }],
    true,
  );
  await session.runLine("withdraw $900 from B");
  assert.deepEqual(JSON.parse(results[0] ?? ""), {
    command: "withdraw $900 from B",
    ok: false,
    code: "insufficient-funds",
    message: "B holds less than that.",
    path: "ordered",
    view: 0,
    sequence: 12,
    latencyMs: 1.235,
  });
  assert.equal(session.hasFailed, true);
});

const SENTENCES: readonly (readonly [line: string, outcome: OperationOutcome, text: RegExp])[] = [
  ["get A", { ok: true, balance: 5n, ...ORIGIN }, /^A holds \$0\.05 {2}\(ordered, view 0, seq/],
  ["deposit A 1", { ok: true, balance: 100n, ...ORIGIN }, /^A now holds \$1\.00 /],
  ["withdraw A 1", { ok: true, balance: 100n, ...ORIGIN }, /^A now holds \$1\.00 /],
  ["open D", { ok: true, balance: 0n, ...ORIGIN }, /^opened D, which holds \$0\.00 /],
  [
    "move B A 1",
    { ok: true, balance: 100n, targetBalance: 200n, ...ORIGIN },
    /^B now holds \$1\.00, A \$2\.00 /,
  ],
  ["get Z", { ok: false, code: "unknown-account", ...ORIGIN }, /^get Z: there is no account Z/],
  ["move X Y 1", { ok: false, code: "unknown-account", ...ORIGIN }, /there is no account X or Y/],
  ["open A", { ok: false, code: "account-exists", ...ORIGIN }, /there is an account A already/],
  ["deposit A 1", { ok: false, code: "overflow", ...ORIGIN }, /64-bit integer/],
  ["move A A 1", { ok: false, code: "same-account", ...ORIGIN }, /the same account/],
  ["deposit A 1", { ok: false, code: "bad-amount", ...ORIGIN }, /greater than 0/],
  ["get A", { ok: false, code: "not-authorized", ...ORIGIN }, /may not use the account A/],
  ["get A", { ok: false, code: "odd", message: "it rains." }, /^get A: it rains\.$/],
  ["get A", { ok: false, code: "odd" }, /^get A: odd$/],
];

for (const [line, outcome, text] of SENTENCES) {
  test(`the outcome of \`${line}\` reads like ${text.source}`, async () => {
    const { session, results } = sessionWith([outcome], false);
    await session.runLine(line);
    assert.equal(results.length, 1);
    assert.match(results[0] ?? "", text);
  });
}

test("a line with a fault sends nothing, not even its good commands", async () => {
  const { session, results, operations } = sessionWith([], true);
  assert.equal(await session.runLine("deposit A 100, foo"), true);
  assert.deepEqual(operations, []);
  const answer = JSON.parse(results[0] ?? "") as Record<string, unknown>;
  assert.equal(answer["command"], "foo");
  assert.equal(answer["ok"], false);
  assert.equal(answer["code"], "unknown-command");
  assert.equal(answer["column"], 16);
  assert.equal(session.hasFailed, true);
});

test("the commands of a line run one after the other, until quit", async () => {
  const success: OperationOutcome = { ok: true, balance: 0n, ...ORIGIN };
  const { session, operations } = sessionWith([success, success], true);
  assert.equal(await session.runLine("get A, get B, quit, get C"), false);
  assert.deepEqual(
    operations.map((operation) => operation.kind === "get" && operation.account),
    ["A", "B"],
  );
});

test("retry asks again for the very operation whose outcome is unknown", async () => {
  let retryCount = 0;
  const unknown: OperationOutcome = {
    ok: false,
    code: "timeout",
    retry: () => {
      retryCount += 1;
      return Promise.resolve(retryCount === 1 ? unknown : { ok: true, balance: 700n, ...ORIGIN });
    },
  };
  const { session, results, operations } = sessionWith([unknown], true);
  await session.runLine("deposit A 5");
  assert.equal(session.hasFailed, true);
  await session.runLine("retry");
  await session.runLine("RETRY");
  assert.equal(operations.length, 1, "the operation itself is submitted once");
  const codes = results.map((result) => (JSON.parse(result) as Record<string, unknown>)["code"]);
  assert.deepEqual(codes, ["timeout", "timeout", undefined]);
  assert.match(results[2] ?? "", /^\{"command":"deposit A 5","ok":true,"balance":"7\.00"/);
  assert.equal(session.hasFailed, false, "what became known in the end is no failure");
});

test("unknown outcomes are retried oldest first", async () => {
  const retried: string[] = [];
  const unknown = (name: string): OperationOutcome => ({
    ok: false,
    code: "timeout",
    retry: () => {
      retried.push(name);
      return Promise.resolve({ ok: true, balance: 0n, ...ORIGIN });
    },
  });
  const { session } = sessionWith([unknown("first"), unknown("second")], false);
  await session.runLine("deposit A 5, deposit B 5, retry, retry");
  assert.deepEqual(retried, ["first", "second"]);
});

test("retry with nothing unknown is an answer, and a failure", async () => {
  const { session, results } = sessionWith([], false);
  await session.runLine("retry");
  assert.deepEqual(results, ["retry: there is no operation whose outcome is unknown."]);
  assert.equal(session.hasFailed, true);
});

test("help goes where notes go, and an empty line gets no answer", async () => {
  const { session, results, notes } = sessionWith([], true);
  await session.runLine("help");
  await session.runLine("   ");
  assert.deepEqual(results, []);
  assert.match(notes[0] ?? "", /deposit \$100 to A/);
  assert.equal(session.hasFailed, false);
});
