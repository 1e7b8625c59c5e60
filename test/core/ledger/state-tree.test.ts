import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bytesEqual, hexOf } from "../../../src/core/base/bytes.js";
import type { Ledger } from "../../../src/core/ledger/ledger.js";
import { changedRows, execute, newLedger, NICK, rowsOf, TELLER } from "./fixture.js";

/** Accounts of a page. Tests cross its borders on purpose. */
const PAGE = 128;

function presentPages(ledger: Ledger): Uint8Array[] {
  const pages: Uint8Array[] = [];
  for (;;) {
    const page = ledger.presentPage(pages.length);
    if (page === null) return pages;
    pages.push(page);
  }
}

function pinnedPages(ledger: Ledger, seq: number): Uint8Array[] {
  return Array.from({ length: ledger.pageCount(seq) ?? 0 }, (_, index) => {
    const page = ledger.page(seq, index);
    assert(page !== null);
    return page;
  });
}

/**
 * Fetches all pages of a checkpoint as a replica would that trusts nothing but the root (ST1):
 * every node and page is checked against the digest that its parent gave.
 */
function fetchPages(donor: Ledger, seq: number, root: Uint8Array): Uint8Array[] {
  const pageCount = donor.pageCount(seq);
  assert(pageCount !== null);
  const topLevel = donor.levelCount(pageCount) - 1;
  const top = donor.treeNode(seq, topLevel, 0);
  assert(top !== null);
  assert(bytesEqual(donor.rootOf(pageCount, donor.digestOf(topLevel, top)), root));
  let row = top;
  for (let level = topLevel - 1; level >= 0; level -= 1) {
    row = childrenOf(row, (index) => {
      const node = donor.treeNode(seq, level, index);
      assert(node !== null);
      return [node, donor.digestOf(level, node)];
    });
  }
  assert.equal(row.length, 32 * pageCount);
  const pages: Uint8Array[] = [];
  childrenOf(row, (index) => {
    const page = donor.page(seq, index);
    assert(page !== null);
    pages.push(page);
    return [page, donor.digestOf(-1, page)];
  });
  return pages;
}

function childrenOf(
  digests: Uint8Array,
  fetch: (index: number) => readonly [bytes: Uint8Array, digest: Uint8Array],
): Uint8Array {
  const fetched: Uint8Array[] = [];
  for (let index = 0; 32 * index < digests.length; index += 1) {
    const [bytes, digest] = fetch(index);
    assert(bytesEqual(digest, digests.subarray(32 * index, 32 * index + 32)));
    fetched.push(bytes);
  }
  return new Uint8Array(Buffer.concat(fetched));
}

const SIZES = [0, 1, PAGE - 1, PAGE, PAGE + 1, 32 * PAGE, 32 * PAGE + 1];

for (const size of SIZES) {
  test(`ST1: a state of ${size} accounts can be fetched piece by piece and restored`, () => {
    const donor = newLedger(rowsOf(size));
    donor.pin(10);
    const pages = fetchPages(donor, 10, donor.root());
    const fetcher = newLedger(rowsOf(3));
    fetcher.restore(pages);
    assert.deepEqual(fetcher.root(), donor.root());
    assert.deepEqual(fetcher.accountRows(), donor.accountRows());
  });
}

test("the tree has as many levels as its pages need", () => {
  const ledger = newLedger([]);
  const levels = [0, 1, 32, 33, 1_024, 1_025, 32_769].map((pages) => ledger.levelCount(pages));
  assert.deepEqual(levels, [1, 1, 1, 2, 2, 3, 4]);
  assert.equal(ledger.treeFanOut, 32);
});

test("the root binds the number of pages", () => {
  const ledger = newLedger([]);
  const digest = ledger.digestOf(0, new Uint8Array(32));
  assert.notDeepEqual(ledger.rootOf(1, digest), ledger.rootOf(2, digest));
});

test("a tree that grew has the root of one that was built whole", () => {
  const grown = newLedger(rowsOf(32 * PAGE - 2));
  grown.root();
  for (let id = 32 * PAGE - 1; id <= 32 * PAGE + 2; id += 1) {
    const name = `Customer ${id}`;
    const account = String(id);
    execute(grown, TELLER, { kind: "open", account, name, address: "", balance: 1_000n });
    assert.deepEqual(grown.root(), newLedger(rowsOf(id)).root());
  }
});

/** One step of a history over three pages that may grow to a fourth. */
type Step =
  | { readonly kind: "deposit"; readonly account: number }
  | { readonly kind: "open" }
  | { readonly kind: "pin" }
  | { readonly kind: "hash"; readonly whole: boolean }
  | { readonly kind: "hold"; readonly share: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.nat(3 * PAGE - 3).map((account): Step => ({ kind: "deposit", account })),
    weight: 6,
  },
  { arbitrary: fc.constant<Step>({ kind: "open" }), weight: 3 },
  { arbitrary: fc.constant<Step>({ kind: "pin" }), weight: 2 },
  { arbitrary: fc.boolean().map((whole): Step => ({ kind: "hash", whole })), weight: 2 },
  { arbitrary: fc.nat(7).map((share): Step => ({ kind: "hold", share })), weight: 1 },
);

test("ST3: two checkpoints, and those held, stay readable while execution goes on", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (history) => {
      const ledger = newLedger(rowsOf(3 * PAGE - 2));
      const pinned = new Map<number, { pages: Uint8Array[]; root: Uint8Array }>();
      let kept: number[] = [];
      let held: number[] = [];
      for (const [index, { kind, ...rest }] of history.entries()) {
        if (kind === "pin") {
          ledger.pin(index);
          kept = [...kept.filter((seq) => seq === kept.at(-1) || held.includes(seq)), index];
          // Of another ledger: to ask this one would hash what changed before the pin.
          const root = newLedger(ledger.accountRows()).root();
          pinned.set(index, { pages: presentPages(ledger), root });
        } else if (kind === "hash") {
          if ("whole" in rest && rest.whole) ledger.rehash(1);
          else ledger.rehashPin(1);
        } else if (kind === "hold") {
          held = kept.filter((_, place) => "share" in rest && (rest.share & (1 << place)) !== 0);
          ledger.hold(held);
        } else if (kind === "open") {
          const account = `new ${index}`;
          execute(ledger, NICK, { kind, account, name: "", address: "", balance: 1n });
        } else if ("account" in rest) {
          const account = String(rest.account + 1);
          execute(ledger, TELLER, { kind, account, amount: 1n });
        }
      }
      assert.deepEqual(ledger.pins(), kept);
      for (const [seq, { pages, root }] of pinned) {
        if (!ledger.pins().includes(seq)) {
          assert.equal(ledger.pinRoot(seq), null);
          assert.equal(ledger.pageCount(seq), null);
          assert.equal(ledger.page(seq, 0), null);
          assert.equal(ledger.treeNode(seq, 0, 0), null);
          continue;
        }
        assert.deepEqual(ledger.pinRoot(seq), root);
        assert.deepEqual(pinnedPages(ledger, seq), pages);
        assert.deepEqual(fetchPages(ledger, seq, root), pages);
      }
      assert.deepEqual(ledger.root(), newLedger(ledger.accountRows()).root());
    }),
    { numRuns: 150 },
  );
});

test("a root that is hashed bit by bit, between changes too, is the same", () => {
  const [whole, bits] = [newLedger(rowsOf(5 * PAGE)), newLedger(rowsOf(5 * PAGE))];
  const parts = [1, 2, 3, 4, 5].map(() => bits.rehash(2));
  assert.deepEqual(parts, [false, false, false, true, true], "what is above the pages comes last");
  assert.deepEqual(bits.root(), whole.root());
  for (const page of [0, 2, 4]) {
    const account = String(page * PAGE + 1);
    for (const ledger of [whole, bits])
      execute(ledger, TELLER, { kind: "deposit", account, amount: 7n });
    bits.rehash(1);
  }
  assert.equal(bits.rehash(1), true);
  assert.deepEqual(bits.root(), whole.root());
  bits.pin(1);
  assert.deepEqual(pinnedPages(bits, 1), presentPages(whole));
});

test("CK1: what changed before a pin is hashed bit by bit while the state goes on changing", () => {
  const ledger = newLedger(rowsOf(3 * PAGE - 2));
  ledger.root();
  const deposit = (account: number): void => {
    execute(ledger, TELLER, { kind: "deposit", account: String(account), amount: 7n });
  };
  for (const account of [1, PAGE + 1, 2 * PAGE + 1]) deposit(account);
  const [pinned, pages] = [newLedger(ledger.accountRows()).root(), presentPages(ledger)];
  ledger.pin(5);
  deposit(PAGE + 1);
  assert.equal(ledger.rehashPin(1), false, "a page that did not change since");
  deposit(1);
  assert.equal(ledger.rehashPin(1), false, "one that did");
  execute(ledger, TELLER, { kind: "open", account: "new", name: "", address: "", balance: 1n });
  assert.equal(ledger.rehashPin(1), false, "one that grew");
  assert.equal(ledger.rehashPin(1), true, "what is above them");
  assert.deepEqual(ledger.pinRoot(5), pinned);
  assert.deepEqual(fetchPages(ledger, 5, pinned), pages);
  assert.deepEqual(ledger.root(), newLedger(ledger.accountRows()).root());
});

test("past the end there is no page and no node", () => {
  const ledger = newLedger(rowsOf(PAGE + 1));
  ledger.pin(1);
  assert.equal(ledger.page(1, 2), null);
  assert.equal(ledger.treeNode(1, 0, 1), null);
  assert.equal(ledger.treeNode(1, 1, 0), null);
  assert.equal(ledger.presentPage(2), null);
});

test("no change of a page's bytes keeps its digest, and no bytes make digesting throw", () => {
  const ledger = newLedger(rowsOf(2));
  const page = ledger.presentPage(0);
  assert(page !== null);
  const digest = hexOf(ledger.digestOf(-1, page));
  const others = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.nat(page.length).map((length) => page.subarray(0, length)),
    fc.tuple(fc.nat(page.length - 1), fc.nat(255)).map(([place, byte]) => {
      const copy = page.slice();
      copy[place] = byte;
      return copy;
    }),
  );
  fc.assert(
    fc.property(others, (bytes) => {
      assert.equal(hexOf(ledger.digestOf(-1, bytes)) === digest, bytesEqual(bytes, page));
    }),
    { numRuns: 1_000 },
  );
});

test("a restored ledger goes on as the one it was taken from", () => {
  const donor = newLedger(rowsOf(PAGE + 5));
  const copy = newLedger([]);
  copy.restore(presentPages(donor));
  for (const ledger of [donor, copy]) {
    execute(ledger, TELLER, { kind: "move", source: "1", target: "130", amount: 7n });
    execute(ledger, NICK, { kind: "open", account: "N", name: "", address: "", balance: 5n });
  }
  assert.deepEqual(copy.root(), donor.root());
  assert.equal(copy.accountRows().at(-1)?.customerId, PAGE + 6);
});

test("ST4: a state that is read in step by step changes nothing before it is adopted", () => {
  const donor = newLedger(rowsOf(9 * PAGE + 1));
  execute(donor, TELLER, { kind: "deposit", account: "300", amount: 7n });
  const copy = newLedger(rowsOf(PAGE));
  const root = copy.root();
  const steps = copy.readIn(presentPages(donor));
  let step = steps.next();
  let stepCount = 0;
  for (; step.done !== true; step = steps.next()) {
    stepCount += 1;
    assert.deepEqual(copy.root(), root);
  }
  assert(stepCount > 1, "ten pages take several steps");
  assert.deepEqual(copy.root(), root);
  step.value();
  assert.deepEqual(copy.root(), donor.root());
  assert.deepEqual(copy.accountRows(), donor.accountRows());
});

test("restoring forgets the pins, and what had changed before", () => {
  const ledger = newLedger(rowsOf(2));
  const pages = presentPages(ledger);
  execute(ledger, TELLER, { kind: "deposit", account: "1", amount: 1n });
  ledger.pin(4);
  ledger.restore(pages);
  assert.deepEqual(ledger.pins(), []);
  assert.deepEqual(changedRows(ledger), []);
  ledger.pin(4);
  assert.deepEqual(ledger.pins(), [4]);
});

const NO_STATE: readonly (readonly [why: string, spoil: (pages: Uint8Array[]) => Uint8Array[]])[] =
  [
    ["a page is cut short", ([first, ...rest]) => [(first ?? NOTHING).subarray(0, -1), ...rest]],
    ["a page is empty", (pages) => [...pages, NOTHING]],
    ["a page comes twice", ([first, ...rest]) => [first ?? NOTHING, first ?? NOTHING, ...rest]],
    ["the pages are swapped", (pages) => pages.toReversed()],
    ["a balance is negative", ([first, ...rest]) => [spoilt(first ?? NOTHING, 2, 0xff), ...rest]],
  ];
const NOTHING = new Uint8Array(0);

function spoilt(page: Uint8Array, place: number, byte: number): Uint8Array {
  const copy = page.slice();
  copy[place] = byte;
  return copy;
}

for (const [why, spoil] of NO_STATE) {
  test(`restoring stops loudly when ${why}`, () => {
    const ledger = newLedger(rowsOf(PAGE + 1));
    const pages = spoil(presentPages(ledger));
    const before = ledger.root();
    assert.throws(() => ledger.restore(pages), { name: "InvariantError" });
    assert.deepEqual(ledger.root(), before);
  });
}
