import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BundleWriter, bundleItems } from "../../../src/core/base/bundle.js";
import { hexOf } from "../../../src/core/base/bytes.js";
import {
  appendOperation,
  decodeOperation,
  encodeOperation,
  type LedgerOperation,
  type LedgerResult,
  OperationError,
  RESULT_CODES,
} from "../../../src/core/ledger/operation.js";
import { ResultReader } from "../../../src/core/ledger/result-reader.js";
import { ResultWriter } from "../../../src/core/ledger/result-writer.js";
import { MAX } from "./fixture.js";

/** The wire format is fixed: a client of yesterday must be understood tomorrow. */
const GOLDEN: readonly (readonly [hex: string, operation: LedgerOperation])[] = [
  ["010141", { kind: "get", account: "A" }],
  ["02000000000000006404c3a47a69", { kind: "deposit", account: "äzi", amount: 100n }],
  ["03ffffffffffffffff0141", { kind: "withdraw", account: "A", amount: -1n }],
  [
    "047fffffffffffffff01410142",
    { kind: "move", source: "A", target: "B", amount: 2n ** 63n - 1n },
  ],
  [
    "050000000000000001014104f09f9880024d64",
    { kind: "open", account: "A", name: "😀", address: "Md", balance: 1n },
  ],
];

for (const [hex, operation] of GOLDEN) {
  test(`${operation.kind} has its fixed bytes`, () => {
    const bytes = encodeOperation(operation);
    assert.equal(hexOf(bytes), hex);
    assert.deepEqual(decodeOperation(bytes), operation);
  });
}

const plain = (bytesMin: number, bytesMax: number): fc.Arbitrary<string> =>
  fc.string({ unit: "grapheme", maxLength: bytesMax }).filter((text) => {
    const size = Buffer.byteLength(text);
    return size >= bytesMin && size <= bytesMax && !/\p{Cc}/u.test(text);
  });
const account = plain(1, 32);
const amount = fc.bigInt(-MAX - 1n, MAX);
const PLAIN_OBJECT = { noNullPrototype: true } as const;
const operation: fc.Arbitrary<LedgerOperation> = fc.oneof(
  fc.record({ kind: fc.constant("get" as const), account }, PLAIN_OBJECT),
  fc.record(
    { kind: fc.constantFrom("deposit" as const, "withdraw" as const), account, amount },
    PLAIN_OBJECT,
  ),
  fc.record(
    { kind: fc.constant("move" as const), source: account, target: account, amount },
    PLAIN_OBJECT,
  ),
  fc
    .tuple(account, plain(0, 64), plain(0, 128), amount)
    .map(([opened, name, address, balance]): LedgerOperation => {
      return { kind: "open", account: opened, name, address, balance };
    }),
);

test("an operation that is appended to a bundle has the bytes that it has alone", () => {
  const ascii = fc.string({ unit: "binary-ascii", maxLength: 40 });
  const short = fc.record(
    { kind: fc.constantFrom("deposit" as const, "withdraw" as const), account: ascii, amount },
    PLAIN_OBJECT,
  );
  fc.assert(
    fc.property(fc.oneof(operation, short), (asked) => {
      const bundle = new BundleWriter();
      bundle.append(Uint8Array.of(7));
      let bytes: Uint8Array;
      try {
        bytes = encodeOperation(asked);
      } catch (error) {
        assert(error instanceof OperationError);
        assert.throws(() => appendOperation(bundle, asked), OperationError);
        assert.equal(bundle.count, 1);
        return;
      }
      appendOperation(bundle, asked);
      assert.deepEqual(bundleItems(bundle.finish()), [Uint8Array.of(7), bytes]);
    }),
  );
});

test("every operation is what it was after encoding and decoding", () => {
  fc.assert(
    fc.property(operation, (wanted) => {
      assert.deepEqual(decodeOperation(encodeOperation(wanted)), wanted);
    }),
  );
});

test("arbitrary bytes are no operation, or exactly the one that encodes to them", () => {
  const nearly = fc
    .tuple(operation, fc.nat(), fc.nat(255), fc.nat(40))
    .map(([wanted, place, byte, cut]) => {
      const bytes = encodeOperation(wanted);
      bytes[place % bytes.length] = byte;
      return cut < bytes.length ? bytes.subarray(0, bytes.length - cut) : bytes;
    });
  fc.assert(
    fc.property(fc.oneof(nearly, fc.uint8Array({ maxLength: 300 })), (bytes) => {
      const decoded = decodeOperation(bytes);
      if (decoded !== null) assert.equal(hexOf(encodeOperation(decoded)), hexOf(bytes));
    }),
    { numRuns: 2_000 },
  );
});

const deposit = (to: string, minor: bigint): LedgerOperation => {
  return { kind: "deposit", account: to, amount: minor };
};
const open = (name: string, address: string): LedgerOperation => {
  return { kind: "open", account: "A", name, address, balance: 0n };
};

const UNWRITABLE: readonly (readonly [why: string, operation: LedgerOperation, says: RegExp])[] = [
  ["an empty account", deposit("", 1n), /account is empty/],
  ["an account of 33 bytes", deposit("ä".repeat(16) + "x", 1n), /33 bytes; at most 32/],
  ["a control character", deposit("A\u001b[2J", 1n), /control character/],
  ["a C1 control character", deposit("A\u0085", 1n), /control character/],
  ["half a surrogate pair", deposit("A\ud800", 1n), /half of a surrogate pair/],
  ["an amount of 2^63", deposit("A", 2n ** 63n), /64 bits/],
  ["an amount below -2^63", deposit("A", -(2n ** 63n) - 1n), /64 bits/],
  ["a name of 65 bytes", open("x".repeat(65), ""), /65 bytes; at most 64/],
  ["an address of 129 bytes", open("", "x".repeat(129)), /129 bytes; at most 128/],
];

for (const [why, unwritable, says] of UNWRITABLE) {
  test(`${why} is refused with a sentence before it is sent`, () => {
    assert.throws(
      () => encodeOperation(unwritable),
      (error) => error instanceof OperationError && says.test(error.message),
    );
  });
}

/** The bytes of `result`, as the ledger writes them. */
function encodeResult(result: LedgerResult): Uint8Array {
  const bundle = new BundleWriter();
  const writer = new ResultWriter();
  if (result.code !== "ok") writer.appendError(bundle, result.code);
  else if (result.targetBalance === null) writer.appendBalance(bundle, result.balance);
  else writer.appendBalances(bundle, result.balance, result.targetBalance);
  const [bytes] = bundleItems(bundle.finish());
  assert(bytes !== undefined);
  return bytes;
}

test("every result is what it was after encoding and decoding", () => {
  const ok = fc.tuple(amount, fc.option(amount)).map(([balance, targetBalance]): LedgerResult => {
    return { code: "ok", balance, targetBalance };
  });
  const errors = RESULT_CODES.filter((code) => code !== "ok");
  const error = fc.constantFrom(...errors).map((code): LedgerResult => {
    return { code, balance: null, targetBalance: null };
  });
  fc.assert(
    fc.property(fc.oneof(ok, error), (result) => {
      const bytes = encodeResult(result);
      assert.deepEqual(new ResultReader().read(bytes, 0, bytes.length), result);
    }),
  );
});

test("one reader reads results of any number of bundles, small and large, in turns", () => {
  const reader = new ResultReader();
  const result = fc.tuple(amount, amount).map(([balance, targetBalance]): LedgerResult => {
    return { code: "ok", balance, targetBalance };
  });
  fc.assert(
    fc.property(result, fc.nat(120), fc.nat(120), (expected, before, behind) => {
      const bytes = encodeResult(expected);
      const bundle = new Uint8Array(before + bytes.length + behind);
      bundle.set(bytes, before);
      assert.deepEqual(reader.read(bundle, before, before + bytes.length), expected);
    }),
  );
});

test("arbitrary bytes are no result, or exactly the one that encodes to them", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), fc.nat(12), (bytes, code) => {
      if (bytes.length > 0) bytes[0] = code;
      const decoded = new ResultReader().read(bytes, 0, bytes.length);
      if (decoded !== null) assert.equal(hexOf(encodeResult(decoded)), hexOf(bytes));
    }),
    { numRuns: 1_000 },
  );
});
