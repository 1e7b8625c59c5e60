import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseLine } from "../../src/cli/grammar.js";
import { formatMoney } from "../../src/io/money.js";
import type { LedgerOperation } from "../../src/core/ledger/operation.js";

type Action = NonNullable<ReturnType<typeof parseLine>["commands"]>[number]["action"];

const FORMS: readonly (readonly [line: string, ...actions: Action[]])[] = [
  ["get A", { kind: "get", account: "A" }],
  ["balance A", { kind: "get", account: "A" }],
  ["get current balance for A", { kind: "get", account: "A" }],
  ["GET Current BALANCE For a", { kind: "get", account: "a" }],
  ["get current", { kind: "get", account: "current" }],
  ["get get", { kind: "get", account: "get" }],
  ["deposit $100 to A", { kind: "deposit", account: "A", amount: 10000n }],
  ["deposit 100 to A", { kind: "deposit", account: "A", amount: 10000n }],
  ["deposit A 100", { kind: "deposit", account: "A", amount: 10000n }],
  ["deposit A $0.01", { kind: "deposit", account: "A", amount: 1n }],
  ["Deposit 12.5 TO A", { kind: "deposit", account: "A", amount: 1250n }],
  ["deposit 7 8", { kind: "deposit", account: "7", amount: 800n }],
  ["deposit 7 to 8", { kind: "deposit", account: "8", amount: 700n }],
  ["deposit to 8", { kind: "deposit", account: "to", amount: 800n }],
  ["withdraw $200 from B", { kind: "withdraw", account: "B", amount: 20000n }],
  ["withdraw B 200", { kind: "withdraw", account: "B", amount: 20000n }],
  ["move $100 from B to A", { kind: "move", source: "B", target: "A", amount: 10000n }],
  ["move B A 100", { kind: "move", source: "B", target: "A", amount: 10000n }],
  ["move 1 2 3", { kind: "move", source: "1", target: "2", amount: 300n }],
  ["move A A 1", { kind: "move", source: "A", target: "A", amount: 100n }],
  ["open D", { kind: "open", account: "D", name: "", address: "", balance: 0n }],
  [
    'open D name "Michael Chen" address "1 Main St" balance $100',
    { kind: "open", account: "D", name: "Michael Chen", address: "1 Main St", balance: 10000n },
  ],
  [
    "open D balance 5 address 'x, \"y\"' name Chen",
    { kind: "open", account: "D", name: "Chen", address: 'x, "y"', balance: 500n },
  ],
  ['get "a b"', { kind: "get", account: "a b" }],
  ['get "a\\"b\\\\c"', { kind: "get", account: 'a"b\\c' }],
  ['deposit 1 to "$x"', { kind: "deposit", account: "$x", amount: 100n }],
  ["get O'Brien", { kind: "get", account: "O'Brien" }],
  ["get Ünïcode", { kind: "get", account: "Ünïcode" }],
  ["help", { kind: "help" }],
  ["RETRY", { kind: "retry" }],
  ["quit", { kind: "quit" }],
  [""],
  ["  , ,"],
  [
    "deposit A 100, get A,deposit 200 to B,\tget B , withdraw C 100, get C",
    { kind: "deposit", account: "A", amount: 10000n },
    { kind: "get", account: "A" },
    { kind: "deposit", account: "B", amount: 20000n },
    { kind: "get", account: "B" },
    { kind: "withdraw", account: "C", amount: 10000n },
    { kind: "get", account: "C" },
  ],
  [
    "deposit A 92233720368547758.07",
    { kind: "deposit", account: "A", amount: 9223372036854775807n },
  ],
];

for (const [line, ...expected] of FORMS) {
  test(`the line \`${line}\` parses to ${expected.length} command(s)`, () => {
    const { commands, fault } = parseLine(line);
    assert.equal(fault, null);
    const actions = commands.map((command) => command.action);
    assert.deepEqual(actions, expected);
  });
}

const FAULTS: readonly (readonly [line: string, code: string, column: number, words: RegExp])[] = [
  ["foo A", "unknown-command", 1, /expected a command \(get, balance, .*\); found "foo"/],
  ["get A, foo A", "unknown-command", 8, /found "foo"/],
  ['"get" A', "unknown-command", 1, /expected a command/],
  ["get", "syntax", 4, /expected an account .*; found the end of the command/],
  ["get current balance A", "syntax", 21, /expected "for"; found "A"/],
  ["get A B", "syntax", 7, /expected a comma or the end of the line; found "B"/],
  ["deposit", "syntax", 8, /expected an account/],
  ["deposit A", "syntax", 10, /expected an amount .*; found the end of the command/],
  ["deposit $100 A", "syntax", 14, /expected "to"; found "A"/],
  ["deposit 100 A", "syntax", 13, /expected "to"; found "A"/],
  ["deposit $100", "syntax", 13, /expected "to"; found the end/],
  ["deposit $100 to", "syntax", 16, /expected an account/],
  ["deposit A 0", "bad-amount", 11, /expected an amount above 0/],
  ["deposit A 0.00", "bad-amount", 11, /expected an amount above 0/],
  ["deposit A -5", "bad-amount", 11, /expected an amount/],
  ["deposit A 1.234", "bad-amount", 11, /expected an amount/],
  ["deposit A 1.", "bad-amount", 11, /expected an amount/],
  ["deposit A .5", "bad-amount", 11, /expected an amount/],
  ["deposit A 1e3", "bad-amount", 11, /expected an amount/],
  ["deposit A 0x10", "bad-amount", 11, /expected an amount/],
  ["deposit A ١٠", "bad-amount", 11, /expected an amount/],
  ['deposit A "100"', "bad-amount", 11, /expected an amount/],
  ["deposit A 92233720368547758.08", "bad-amount", 11, /up to 92233720368547758\.07/],
  ["deposit $1,000 to A", "bad-amount", 9, /without thousands separators/],
  ["deposit A 1,000,000.00", "bad-amount", 11, /without thousands separators/],
  ["deposit A $", "bad-amount", 11, /expected an amount/],
  ["withdraw $5 to A", "syntax", 13, /expected "from"; found "to"/],
  ["move $5 from A B", "syntax", 16, /expected "to"; found "B"/],
  ["move 5 A B", "syntax", 8, /expected "from"; found "A"/],
  ["move A B", "syntax", 9, /expected an amount/],
  ["get $A", "bad-account", 5, /expected an account/],
  ['get ""', "bad-account", 5, /1 to 32 bytes/],
  [`get ${"é".repeat(17)}`, "bad-account", 5, /1 to 32 bytes/],
  ['get "a\u0007b"', "bad-account", 5, /expected an account/],
  ["get \ud800", "bad-account", 5, /expected an account/],
  ['get "A', "syntax", 5, /expected a closing " for this one/],
  ['get "A"B', "syntax", 8, /expected a space or a comma after the quoted text/],
  ["open A name", "syntax", 12, /expected a name/],
  ["open A name x name y", "syntax", 15, /expected a comma or the end of the line; found "name"/],
  ["open A balance 0", "bad-amount", 16, /expected an amount above 0/],
  [
    `open A address ${"x".repeat(129)}`,
    "syntax",
    16,
    /an address .*0 to 128 bytes; found "x{40}"…/,
  ],
  ["retry A", "syntax", 7, /expected a comma or the end of the line/],
  [" ".repeat(65_537), "syntax", 65_537, /at most 65536 characters/],
];

for (const [line, code, column, words] of FAULTS) {
  test(`the line \`${line.slice(0, 40)}\` is refused as ${code} at ${column}`, () => {
    const { fault } = parseLine(line);
    assert.ok(fault !== null);
    assert.equal(fault.code, code);
    assert.equal(fault.column, column);
    assert.match(fault.message, words);
    assert.ok(fault.message.startsWith(`column ${column}: `));
  });
}

test("each command keeps the text it was typed as", () => {
  const { commands } = parseLine("  deposit $100 to A ,get   A");
  assert.deepEqual(
    commands?.map((command) => command.typed),
    ["deposit $100 to A", "get   A"],
  );
});

test("a fault names the command that holds it", () => {
  assert.equal(parseLine("get A, deposit B x, get C").fault?.typed, "deposit B x");
});

const plainText = (bytesMin: number, bytesMax: number): fc.Arbitrary<string> =>
  fc
    .string({ unit: "grapheme", minLength: bytesMin, maxLength: bytesMax })
    .filter((text) => !/\p{Cc}/u.test(text) && Buffer.byteLength(text) <= bytesMax);

const account = plainText(1, 32);
const amount = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n });

const operation: fc.Arbitrary<LedgerOperation> = fc.oneof(
  account.map((each): LedgerOperation => ({ kind: "get", account: each })),
  fc
    .tuple(fc.constantFrom("deposit" as const, "withdraw" as const), account, amount)
    .map(([kind, each, change]): LedgerOperation => ({ kind, account: each, amount: change })),
  fc.tuple(account, account, amount).map(([source, target, change]): LedgerOperation => {
    return { kind: "move", source, target, amount: change };
  }),
  fc
    .tuple(account, plainText(0, 64), plainText(0, 128), fc.oneof(fc.constant(0n), amount))
    .map(([each, name, address, balance]): LedgerOperation => {
      return { kind: "open", account: each, name, address, balance };
    }),
);

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

function written(action: LedgerOperation): string {
  switch (action.kind) {
    case "get":
      return `get ${quoted(action.account)}`;
    case "deposit":
      return `deposit $${formatMoney(action.amount)} to ${quoted(action.account)}`;
    case "withdraw":
      return `withdraw ${quoted(action.account)} ${formatMoney(action.amount)}`;
    case "move": {
      const { source, target } = action;
      return `move ${formatMoney(action.amount)} from ${quoted(source)} to ${quoted(target)}`;
    }
    case "open": {
      const { balance, name, address } = action;
      const clause = balance === 0n ? "" : ` balance ${formatMoney(balance)}`;
      const texts = `name ${quoted(name)} address ${quoted(address)}`;
      return `open ${quoted(action.account)} ${texts}${clause}`;
    }
  }
}

test("whatever is written down as a line is read back as it was", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 5 }), (operations) => {
      const { commands } = parseLine(operations.map((each) => written(each)).join(", "));
      assert.deepEqual(
        commands?.map((command) => command.action),
        operations,
      );
    }),
  );
});

const fragment = fc.oneof(
  fc.constantFrom("get", "move", "open", "from", "to", "name", "balance", '"', "'", "\\", ",", " "),
  fc.constantFrom("$", "1", "12.50", "1,000", "\t", "A"),
  fc.string({ unit: "binary", maxLength: 4 }),
);

test("no text at all makes the parser throw, and every fault points into the line", () => {
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 12 }), (parts) => {
      const line = parts.join("");
      const { commands, fault } = parseLine(line);
      assert.equal(commands === null, fault !== null);
      if (fault === null) return;
      assert.ok(fault.column >= 1 && fault.column <= line.length + 1);
    }),
    { numRuns: 2_000 },
  );
});
