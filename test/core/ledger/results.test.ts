import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BUNDLE_OPERATIONS_MAX,
  bundleOf,
  BundleReader,
  BundleWriter,
} from "../../../src/core/base/bundle.js";
import type { AccountRow } from "../../../src/core/ledger/account-row.js";
import type { Ledger } from "../../../src/core/ledger/ledger.js";
import { LOOK_AHEAD_ACCOUNTS_MIN } from "../../../src/core/ledger/look-ahead.js";
import {
  encodeOperation,
  type LedgerOperation,
  type LedgerResult,
  RESULT_CODES,
} from "../../../src/core/ledger/operation.js";
import { executeBytes, MAX, MIA, newLedger, NICK, queryBytes, rowOf, TELLER } from "./fixture.js";

/*
 * A is the bank's, M and FULL belong to Mia, N to Nick. Five accounts are all that fit, so that one
 * more can be opened.
 */
function bank(): Ledger {
  return newLedger(
    [
      rowOf(3, "A", 100n),
      { ...rowOf(4, "M", 50n), owner: MIA },
      { ...rowOf(5, "N", 50n), owner: NICK },
      { ...rowOf(8, "FULL", MAX), owner: MIA },
    ],
    5,
  );
}

/** The same among so many accounts that it looks ahead; nobody asks for the others. */
function largeBank(): Ledger {
  const others = LOOK_AHEAD_ACCOUNTS_MIN;
  const rows = bank().accountRows();
  return newLedger(
    [
      ...Array.from({ length: others }, (_, index) => rowOf(index + 1, `other ${index}`, 0n)),
      ...rows.map((row) => ({ ...row, customerId: others + row.customerId })),
    ],
    others + 5,
  );
}

/** The results of `operations`, executed as one bundle, so many in one call. */
function inSteps(
  ledger: Ledger,
  client: number,
  operations: readonly Uint8Array[],
  operationsMax: number,
): Uint8Array {
  const results = new BundleWriter();
  const bundle = new BundleReader(bundleOf(operations));
  while (bundle.remaining > 0) ledger.execute(client, bundle, results, operationsMax);
  return results.finish();
}

function accountOnly({ account, balance, owner }: AccountRow): Partial<AccountRow> {
  return { account, balance, owner };
}

const CLIENTS = { teller: TELLER, mia: MIA, nick: NICK } as const;

/** "deposit A 5", "move A B 5", "open X 5", "get A"; `max` is the largest amount. */
function parse(command: string): LedgerOperation {
  const [verb, account = "", ...rest] = command.split(" ");
  const amount = rest.at(-1) === "max" ? MAX : BigInt(rest.at(-1) ?? 0);
  switch (verb) {
    case "get":
      return { kind: "get", account };
    case "deposit":
    case "withdraw":
      return { kind: verb, account, amount };
    case "move":
      return { kind: "move", source: account, target: rest[0] ?? "", amount };
    default:
      return { kind: "open", account, name: "Xenia", address: "", balance: amount };
  }
}

/** "ok 105", "ok 95 55" with a target's balance, or the error. */
function show(result: LedgerResult | undefined): string {
  if (result?.code !== "ok") return result?.code ?? "nothing";
  return ["ok", result.balance, result.targetBalance].filter((part) => part !== null).join(" ");
}

type Client = keyof typeof CLIENTS;

const ORDERED: readonly (readonly [client: Client, command: string, result: string])[] = [
  ["teller", "get A", "ok 100"],
  ["teller", "get FULL", `ok ${MAX}`],
  ["teller", "get X", "unknown-account"],
  ["teller", "get a", "unknown-account"],
  ["mia", "get M", "ok 50"],
  ["mia", "get A", "not-authorized"],
  ["mia", "get N", "not-authorized"],

  ["teller", "deposit A 5", "ok 105"],
  ["mia", "deposit M 5", "ok 55"],
  ["mia", "deposit A 5", "not-authorized"],
  ["teller", "deposit A 0", "bad-amount"],
  ["teller", "deposit A -5", "bad-amount"],
  ["teller", "deposit X 5", "unknown-account"],
  ["teller", "deposit FULL 1", "overflow"],
  ["teller", "deposit A max", "overflow"],

  ["teller", "withdraw A 100", "ok 0"],
  ["teller", "withdraw A 101", "insufficient-funds"],
  ["teller", "withdraw A max", "insufficient-funds"],
  ["teller", "withdraw FULL max", "ok 0"],
  ["mia", "withdraw M 1", "ok 49"],
  ["mia", "withdraw N 1", "not-authorized"],
  ["teller", "withdraw A 0", "bad-amount"],
  ["teller", "withdraw X 1", "unknown-account"],

  ["teller", "move A M 30", "ok 70 80"],
  ["teller", "move A M 101", "insufficient-funds"],
  ["teller", "move A FULL 1", "overflow"],
  ["teller", "move A A 1", "same-account"],
  ["teller", "move X X 1", "same-account"],
  ["teller", "move A X 1", "unknown-account"],
  ["teller", "move X A 1", "unknown-account"],
  ["teller", "move A M 0", "bad-amount"],
  ["teller", "move A M -1", "bad-amount"],
  ["mia", "move FULL M 7", `ok ${MAX - 7n} 57`],
  // A customer may pay into any account, but learns only its own balance.
  ["mia", "move M N 7", "ok 43"],
  ["mia", "move N M 7", "not-authorized"],

  ["teller", "open X 5", "ok 5"],
  ["mia", "open X 0", "ok 0"],
  ["mia", "open X max", `ok ${MAX}`],
  ["mia", "open X -1", "bad-amount"],
  ["mia", "open A 5", "account-exists"],
];

for (const [client, command, result] of ORDERED) {
  test(`${client}: ${command} -> ${result}`, () => {
    const ledger = bank();
    const before = ledger.accountRows();
    const [answer] = executeBytes(ledger, CLIENTS[client], [encodeOperation(parse(command))]);
    assert.equal(show(answer), result);
    if (!result.startsWith("ok")) assert.deepEqual(ledger.accountRows(), before);
  });
}

/** Each line has the fault of its code and as many as possible of those further down. */
const PRECEDENCE: readonly (readonly [code: string, path: "read" | "write", hex: string])[] = [
  ["bad-operation", "read", "04" + amountHex(0n) + "01ff" + "01ff"],
  ["bad-operation", "write", "04" + amountHex(0n) + "01ff" + "01ff"],
  ["bad-operation", "write", "02" + amountHex(1n) + "01ff"],
  ["bad-operation", "write", "01" + "01ff"],
  ["bad-operation", "write", "05" + amountHex(0n) + "0158" + "011b" + "00"],
  ["bad-operation", "write", "04" + amountHex(0n) + "0141" + "0141" + "00"],
  ["bad-operation", "write", ""],
  ["bad-operation", "write", "06"],
  ["not-read-only", "read", "04" + amountHex(0n) + "0158" + "0158"],
  ["not-read-only", "read", "05" + amountHex(-1n) + "0141" + "00" + "00"],
  ["bad-amount", "write", "04" + amountHex(0n) + "0158" + "0158"],
  ["bad-amount", "write", "05" + amountHex(-1n) + "0141" + "00" + "00"],
  ["same-account", "write", "04" + amountHex(MAX) + "0158" + "0158"],
  ["unknown-account", "write", "04" + amountHex(MAX) + "0158" + "0446554c4c"],
  ["unknown-account", "write", "04" + amountHex(MAX) + "014e" + "0158"],
  ["account-exists", "write", "05" + amountHex(0n) + "0141" + "00" + "00"],
  ["not-authorized", "write", "04" + amountHex(MAX) + "0141" + "0446554c4c"],
  ["insufficient-funds", "write", "04" + amountHex(MAX) + "014d" + "0446554c4c"],
  ["overflow", "write", "04" + amountHex(1n) + "014d" + "0446554c4c"],
];

function amountHex(amount: bigint): string {
  return BigInt.asUintN(64, amount).toString(16).padStart(16, "0");
}

for (const [code, path, hex] of PRECEDENCE) {
  test(`${code} comes before every later fault (${path} of ${hex || "nothing"})`, () => {
    const bytes = new Uint8Array(Buffer.from(hex, "hex"));
    const [result] = (path === "read" ? queryBytes : executeBytes)(bank(), MIA, [bytes]);
    assert.equal(show(result), code);
  });
}

test("the precedence table is in descending order and leaves no code out", () => {
  const places = PRECEDENCE.map(([code]) => RESULT_CODES.findIndex((known) => known === code));
  assert.deepEqual(
    places,
    places.toSorted((left, right) => left - right),
  );
  const missing = RESULT_CODES.filter((_, place) => place > 0 && !places.includes(place));
  assert.deepEqual(missing, ["ledger-full"]);
});

test("ledger-full: one more account fits, the next does not", () => {
  const commands = ["open X 1", "open Y 1", "open X 1"].map((text) => encodeOperation(parse(text)));
  assert.deepEqual(executeBytes(bank(), MIA, commands).map(show), [
    "ok 1",
    "ledger-full",
    "account-exists",
  ]);
});

test("RO2: a write on the read path is refused by its type, whoever sends it", () => {
  const ledger = bank();
  const before = ledger.root();
  for (const command of ["deposit A 5", "withdraw A 5", "move A M 5", "open X 5"]) {
    const [result] = queryBytes(ledger, TELLER, [encodeOperation(parse(command))]);
    assert.equal(show(result), "not-read-only");
  }
  assert.deepEqual(ledger.root(), before);
});

test("a read tells the same on the read path and when it is ordered", () => {
  const commands = ["get A", "get X", "get FULL"].map((text) => encodeOperation(parse(text)));
  const ledger = bank();
  assert.deepEqual(queryBytes(ledger, MIA, commands), executeBytes(ledger, MIA, commands));
});

test("a bundle is executed in order, and one failure does not stop the rest", () => {
  const commands = ["withdraw M 50", "withdraw M 1", "deposit M 3", "open X 2", "move X M 2"];
  const operations = commands.map((text) => encodeOperation(parse(text)));
  assert.deepEqual(executeBytes(bank(), MIA, operations).map(show), [
    "ok 0",
    "insufficient-funds",
    "ok 3",
    "ok 2",
    "ok 0 5",
  ]);
});

test("what a bundle opens is found by what follows, with few accounts and with many", () => {
  const commands = [
    "deposit NEW 1",
    "move A NEW 1",
    "open NEW 5",
    "move A NEW 2",
    ...new Array<string>(600).fill("deposit NEW 1"),
    "open NEW 5",
    "get NEW",
  ];
  const operations = commands.map((command) => encodeOperation(parse(command)));
  for (const ledger of [bank(), largeBank()]) {
    const results = executeBytes(ledger, TELLER, operations).map(show);
    const first = ["unknown-account", "unknown-account", "ok 5", "ok 98 7"];
    assert.deepEqual(results.slice(0, 4), first);
    assert.deepEqual(results.slice(-3), ["ok 607", "account-exists", "ok 607"]);
  }
});

test("a ledger that looks ahead answers as one does that need not, reads and writes", () => {
  const unique = [...new Set(ORDERED.map(([, command]) => command))];
  // Twice and more what is looked at together, with what is no operation among them.
  const commands = Array.from({ length: 20 }, () => unique).flat();
  const operations = commands.map((command) => encodeOperation(parse(command)));
  operations.splice(300, 0, Uint8Array.of(9), Uint8Array.of());
  for (const client of Object.values(CLIENTS)) {
    const [small, large] = [bank(), largeBank()];
    for (const ask of [executeBytes, queryBytes]) {
      assert.deepEqual(ask(large, client, operations), ask(small, client, operations));
    }
    const whole = inSteps(small, client, operations, BUNDLE_OPERATIONS_MAX);
    assert.deepEqual(inSteps(large, client, operations, 100), whole);
    assert.deepEqual(
      large.accountRows().slice(-5).map(accountOnly),
      small.accountRows().map(accountOnly),
    );
  }
});

test("a new account gets the next customer id, and a customer who opens it owns it", () => {
  const ledger = bank();
  executeBytes(ledger, NICK, [encodeOperation(parse("open X 2"))]);
  assert.deepEqual(ledger.accountRows().at(-1), {
    customerId: 9,
    account: "X",
    name: "Xenia",
    address: "",
    balance: 2n,
    owner: NICK,
  });
});

test("an account that a teller opens belongs to nobody", () => {
  const ledger = bank();
  executeBytes(ledger, TELLER, [encodeOperation(parse("open X 2"))]);
  assert.equal(ledger.accountRows().at(-1)?.owner, null);
});

test("an unknown client is our own bug, not a result", () => {
  assert.throws(() => executeBytes(bank(), 3, [encodeOperation(parse("get A"))]), {
    name: "InvariantError",
  });
});
