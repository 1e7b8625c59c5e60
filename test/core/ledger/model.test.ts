import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BundleReader, bundleOf, BundleWriter } from "../../../src/core/base/bundle.js";
import { hexOf } from "../../../src/core/base/bytes.js";
import type { Ledger } from "../../../src/core/ledger/ledger.js";
import { encodeOperation, type LedgerOperation } from "../../../src/core/ledger/operation.js";
import {
  changedRows,
  execute,
  MAX,
  MIA,
  moneyIn,
  newLedger,
  NICK,
  rowOf,
  TELLER,
} from "./fixture.js";

interface Step {
  readonly client: number;
  readonly operation: LedgerOperation;
}

interface ModelAccount {
  balance: bigint;
  readonly owner: number | null;
}

const GENESIS = [rowOf(1, "A", 100n), { ...rowOf(2, "B", 100n), owner: MIA }, rowOf(3, "C", MAX)];

const account = fc.constantFrom("A", "B", "C", "D", "E");
const amount = fc.oneof(
  { arbitrary: fc.bigInt(1n, 150n), weight: 4 },
  { arbitrary: fc.constantFrom(-1n, 0n, MAX - 1n, MAX), weight: 1 },
);
const operation: fc.Arbitrary<LedgerOperation> = fc.oneof(
  account.map((name): LedgerOperation => ({ kind: "get", account: name })),
  fc.tuple(fc.boolean(), account, amount).map(([isDeposit, name, minor]): LedgerOperation => {
    return { kind: isDeposit ? "deposit" : "withdraw", account: name, amount: minor };
  }),
  fc.tuple(account, account, amount).map(([source, target, minor]): LedgerOperation => {
    return { kind: "move", source, target, amount: minor };
  }),
  fc.tuple(account, amount).map(([name, minor]): LedgerOperation => {
    return { kind: "open", account: name, name, address: "somewhere", balance: minor };
  }),
);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.tuple(fc.constantFrom(TELLER, MIA, NICK), operation).map(([client, asked]): Step => {
    return { client, operation: asked };
  }),
  { maxLength: 60 },
);

/** The same bank with nothing clever in it: a map, and one rule after another. */
class Model {
  readonly accounts = new Map<string, ModelAccount>();

  constructor() {
    for (const { account: name, balance, owner } of GENESIS) {
      this.accounts.set(name, { balance, owner });
    }
  }

  /** The code, and the account's balance when it is "ok". */
  run({ client, operation: asked }: Step): readonly [code: string, balance: bigint | null] {
    const code = this.#codeOf(client, asked);
    if (code !== "ok") return [code, null];
    const name = asked.kind === "move" ? asked.source : asked.account;
    if (asked.kind === "open") {
      const owner = client === TELLER ? null : client;
      this.accounts.set(name, { balance: asked.balance, owner });
    }
    if (asked.kind === "deposit") this.#add(name, asked.amount);
    if (asked.kind === "withdraw" || asked.kind === "move") this.#add(name, -asked.amount);
    if (asked.kind === "move") this.#add(asked.target, asked.amount);
    return [code, this.accounts.get(name)?.balance ?? null];
  }

  #codeOf(client: number, asked: LedgerOperation): string {
    if (asked.kind !== "open") return this.#codeOfUse(client, asked);
    if (asked.balance < 0n) return "bad-amount";
    return this.accounts.has(asked.account) ? "account-exists" : "ok";
  }

  #codeOfUse(client: number, asked: Exclude<LedgerOperation, { kind: "open" }>): string {
    if (asked.kind !== "get" && asked.amount <= 0n) return "bad-amount";
    if (asked.kind === "move" && asked.source === asked.target) return "same-account";
    const used = this.accounts.get(asked.kind === "move" ? asked.source : asked.account);
    const filled = asked.kind === "move" ? this.accounts.get(asked.target) : used;
    if (used === undefined || filled === undefined) return "unknown-account";
    if (client !== TELLER && used.owner !== client) return "not-authorized";
    return fundsCode(asked, used.balance, filled.balance);
  }

  #add(name: string, change: bigint): void {
    const changed = this.accounts.get(name);
    assert(changed !== undefined);
    changed.balance += change;
  }
}

function fundsCode(asked: LedgerOperation, used: bigint, filled: bigint): string {
  if (asked.kind === "get" || asked.kind === "open") return "ok";
  const taken = asked.kind === "deposit" ? 0n : asked.amount;
  const given = asked.kind === "withdraw" ? 0n : asked.amount;
  if (used < taken) return "insufficient-funds";
  return filled + given > MAX ? "overflow" : "ok";
}

/** Money that an accepted operation brings into the bank, or out of it. */
function inflow(asked: LedgerOperation): bigint {
  if (asked.kind === "deposit") return asked.amount;
  if (asked.kind === "withdraw") return -asked.amount;
  return asked.kind === "open" ? asked.balance : 0n;
}

test("BK4: the ledger answers as the model does, keeps its money and never goes below zero", () => {
  fc.assert(
    fc.property(steps, (history) => {
      const ledger = newLedger(GENESIS);
      const model = new Model();
      let money = moneyIn(ledger);
      for (const step of history) {
        const result = execute(ledger, step.client, step.operation);
        assert.deepEqual([result.code, result.balance], model.run(step));
        if (result.code === "ok") money += inflow(step.operation);
      }
      assert.equal(moneyIn(ledger), money);
      const balances = ledger.accountRows().map((row) => [row.account, row.balance] as const);
      assert.deepEqual(
        balances,
        [...model.accounts].map(([name, { balance }]) => [name, balance] as const),
      );
      assert(balances.every(([, balance]) => balance >= 0n && balance <= MAX));
    }),
    { numRuns: 500 },
  );
});

function rootAfter(ledger: Ledger, history: readonly Step[], rootEvery: number): string {
  for (const [index, { client, operation: asked }] of history.entries()) {
    execute(ledger, client, asked);
    if (index % rootEvery === 0) ledger.root();
  }
  return hexOf(ledger.root());
}

test("the same history gives the same root, however often it is asked for", () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 9 }), (history, rootEvery) => {
      const one = rootAfter(newLedger(GENESIS), history, rootEvery);
      const other = rootAfter(newLedger(GENESIS), history, history.length + 1);
      assert.equal(one, other);
    }),
  );
});

test("two moments of a history have the same root exactly when they have the same rows", () => {
  fc.assert(
    fc.property(steps, (history) => {
      const ledger = newLedger(GENESIS);
      const rowsByRoot = new Map([[hexOf(ledger.root()), ledger.accountRows()]]);
      const roots = new Set<string>();
      for (const { client, operation: asked } of history) {
        execute(ledger, client, asked);
        const root = hexOf(ledger.root());
        const rows = ledger.accountRows();
        assert.deepEqual(rowsByRoot.get(root) ?? rows, rows);
        rowsByRoot.set(root, rows);
        roots.add(JSON.stringify(rows, (_, value: unknown) => String(value)));
      }
      assert(rowsByRoot.size >= roots.size);
    }),
  );
});

test("the changed rows, laid over the genesis, are the state", () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 9 }), (history, takeEvery) => {
      const ledger = newLedger(GENESIS);
      const kept = new Map(GENESIS.map((row) => [row.customerId, row]));
      for (const [index, { client, operation: asked }] of history.entries()) {
        execute(ledger, client, asked);
        if (index % takeEvery !== 0) continue;
        for (const row of changedRows(ledger)) kept.set(row.customerId, row);
      }
      for (const row of changedRows(ledger)) kept.set(row.customerId, row);
      assert.deepEqual([...kept.values()], ledger.accountRows());
      assert.deepEqual(changedRows(ledger), []);
    }),
  );
});

test("EX3: a preview tells what executing would come to, and changes nothing", () => {
  fc.assert(
    fc.property(steps, steps, fc.nat({ max: 60 }), (past, history, seen) => {
      const ledger = newLedger(GENESIS);
      for (const { client, operation: asked } of past) execute(ledger, client, asked);
      const requests = history.map(({ client, operation: asked }) => {
        return { client, bundle: bundleOf([encodeOperation(asked)]) };
      });
      const first = Math.min(seen, requests.length);
      changedRows(ledger);
      const root = hexOf(ledger.root());
      const foreseen = ledger.preview(requests, first);
      assert.equal(hexOf(ledger.root()), root);
      assert.deepEqual(changedRows(ledger), []);
      const results = requests.map(({ client, bundle }) => {
        const writer = new BundleWriter();
        ledger.execute(client, new BundleReader(bundle), writer);
        return writer.finish();
      });
      const hasOpened = ledger.accountRows().length > accountsAfter(past);
      if (hasOpened) assert.equal(foreseen, null, "what comes of an opening is not foreseen");
      else assert.deepEqual(foreseen, results.slice(first));
    }),
  );
});

test("BK1: a bundle that is executed in parts comes to what it comes to at once", () => {
  const parts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
  fc.assert(
    fc.property(steps, parts, (history, sizes) => {
      const bundle = bundleOf(history.map(({ operation: asked }) => encodeOperation(asked)));
      const [whole, parted] = [newLedger(GENESIS), newLedger(GENESIS)];
      const [expected, results] = [new BundleWriter(), new BundleWriter()];
      whole.execute(MIA, new BundleReader(bundle), expected);
      const reader = new BundleReader(bundle);
      for (let part = 0; reader.remaining > 0; part += 1) {
        const size = sizes[part % sizes.length] ?? 1;
        const left = reader.remaining;
        parted.execute(MIA, reader, results, size);
        assert.equal(reader.remaining, Math.max(0, left - size));
        const other = bundleOf([encodeOperation({ kind: "get", account: "A" })]);
        parted.preview([{ client: NICK, bundle: other }], 0);
      }
      assert.deepEqual(results.finish(), expected.finish());
      assert.equal(hexOf(parted.root()), hexOf(whole.root()));
      assert.deepEqual(changedRows(parted), changedRows(whole));
    }),
  );
});

/** How many accounts there are once this has happened. */
function accountsAfter(past: readonly Step[]): number {
  const ledger = newLedger(GENESIS);
  for (const { client, operation: asked } of past) execute(ledger, client, asked);
  return ledger.accountRows().length;
}
