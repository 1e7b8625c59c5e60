import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Check } from "../../src/core/crypto/check.js";
import type { Message } from "../../src/core/message.js";
import { encodeMessage } from "../../src/core/wire/encode.js";
import { readFragment } from "../../src/core/wire/fragments.js";
import { readHeader } from "../../src/core/wire/header.js";
import { decodeRecord, encodeRecord } from "../../src/core/wire/record.js";
import { constantVerdict, EXAMPLE_LIST } from "../core/wire/examples.js";
import { journalRecord, message } from "../core/wire/message-arbitraries.js";
import {
  bodyOf,
  client,
  CLIENT_COUNT,
  decodeBody,
  replica,
  REPLICA_COUNT,
  rosterOf,
  scopeFor,
} from "../core/wire/sample-cluster.js";
import { sampleHasher } from "../core/wire/sample-crypto.js";
import { mutated, SeededNumbers } from "./mutations.js";

/** One run of the suite is like every other; another number explores elsewhere. */
const SEED = 20_240_607;

/** Mutated bodies of one run: about a second on one core. */
const BODY_COUNT = 40_000;

/** Bytes of decoded fields for each byte that came in: a slot of a status becomes three numbers. */
const GROWTH_MAX = 8;

const SCOPES = [
  { roster: rosterOf(replica(0)), from: replica(1) },
  { roster: rosterOf(replica(0)), from: client(3) },
  { roster: rosterOf(client(2)), from: replica(1) },
];

/**
 * Size of a decoded value, counted from its fields: 8 bytes for a number or flag, 8 for an element
 * of an array, the length of byte strings that are not views of what came in.
 */
function sizeOf(value: unknown, source: ArrayBufferLike): number {
  if (value instanceof Uint8Array) return value.buffer === source ? 8 : value.length;
  if (Array.isArray(value)) {
    return value.reduce<number>((sum, one) => sum + 8 + sizeOf(one, source), 0);
  }
  if (typeof value === "object" && value !== null) {
    return Object.values(value).reduce<number>((sum, one) => sum + sizeOf(one, source), 0);
  }
  return 8;
}

/**
 * What a verifier relies on: checks point into the bytes, at keys that exist, at earlier digests.
 */
function assertRunnable(bytes: Uint8Array, checks: readonly Check[]): void {
  let digestCount = 0;
  for (const check of checks) {
    if (check.kind === "digest") {
      assert.ok(0 <= check.start && check.start < check.end && check.end <= bytes.length);
      digestCount += 1;
    } else if (check.kind === "digest-of-digests") {
      assert.ok(0 <= check.first && check.first + check.count <= digestCount);
      digestCount += 1;
    } else if (check.kind === "signature") {
      assert.ok(check.digest < digestCount && check.signature + 64 <= bytes.length);
      assert.ok(0 <= check.key && check.key < REPLICA_COUNT + CLIENT_COUNT);
    }
  }
}

/** Decodes as if every MAC and signature were good: the worst that a faulty member can do. */
function decodeEverywhere(body: Uint8Array): void {
  for (const scope of SCOPES) {
    const decoded = decodeBody(body, scope, (bytes, checks) => {
      assertRunnable(bytes, checks);
      return constantVerdict(bytes, checks);
    });
    const size = sizeOf(decoded, body.buffer);
    assert.ok(size <= 64 + GROWTH_MAX * body.length, `${String(size)} from ${String(body.length)}`);
  }
}

test("decoding arbitrary bytes never throws and allocates in proportion to them", () => {
  const types = fc.constantFrom(...EXAMPLE_LIST.map((one) => encodeMessage(one)[0] ?? 0));
  const bytes = fc.uint8Array({ maxLength: 2_000 });
  fc.assert(
    fc.property(types, bytes, (type, rest) => {
      decodeEverywhere(bodyOf([Uint8Array.of(type, ...rest)]));
      decodeEverywhere(rest);
    }),
    { numRuns: 2_000 },
  );
});

test("counts and lengths of all ones allocate nothing", () => {
  for (const example of EXAMPLE_LIST) {
    const bytes = encodeMessage(example);
    for (let at = 1; at < bytes.length; at += 1) {
      const filled = Uint8Array.from(bytes).fill(0xff, at, at + 4);
      decodeEverywhere(bodyOf([filled]));
    }
  }
});

test(`decoding mutated messages never throws; what passes is canonical (seed ${SEED})`, (t) => {
  const numbers = new SeededNumbers(SEED);
  const samples = [...EXAMPLE_LIST, ...fc.sample(message, { seed: SEED, numRuns: 300 })];
  const accepted = new Set<Message["kind"]>();
  for (let count = 0; count < BODY_COUNT; count += 1) {
    const sample = samples[numbers.below(samples.length)];
    assert.ok(sample !== undefined);
    const bytes = mutated(encodeMessage(sample), numbers);
    const [decoded] = decodeBody(bodyOf([bytes]), scopeFor(sample), constantVerdict);
    if (typeof decoded !== "object") continue;
    accepted.add(decoded.kind);
    assert.deepEqual(encodeMessage(decoded), bytes, `mutation ${String(count)}`);
  }
  t.diagnostic(`seed ${String(SEED)}, ${String(BODY_COUNT)} mutations`);
  assert.ok(accepted.size >= 15, "mutations are gentle enough that most kinds still get through");
});

test("decoding mutated bodies of several messages never throws", () => {
  const numbers = new SeededNumbers(SEED + 1);
  const body = bodyOf(EXAMPLE_LIST.map((one) => encodeMessage(one)));
  for (let count = 0; count < BODY_COUNT / 20; count += 1) decodeEverywhere(mutated(body, numbers));
});

test("reading arbitrary headers and fragments never throws", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      readHeader(bytes, rosterOf(replica(0)));
      const fragment = readFragment(bytes, replica(1));
      if (typeof fragment === "object") assert.ok(fragment.index < fragment.count);
    }),
    { numRuns: 2_000 },
  );
});

test("decoding mutated journal records never throws", () => {
  const numbers = new SeededNumbers(SEED + 2);
  const roster = rosterOf(replica(0));
  const samples = fc.sample(journalRecord, { seed: SEED, numRuns: 200 });
  for (let count = 0; count < BODY_COUNT / 10; count += 1) {
    const sample = samples[count % samples.length];
    assert.ok(sample !== undefined);
    const record = decodeRecord(mutated(encodeRecord(sample), numbers), sampleHasher, roster);
    assert.ok(typeof record === "string" || typeof record === "object");
  }
});
