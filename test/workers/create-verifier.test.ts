import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import fc from "fast-check";
import { PortableCrypto } from "../../binding-free-src/portable-crypto.js";
import { Domain } from "../../src/core/base/hasher.js";
import type { CryptoName } from "../../src/core/crypto/crypto.js";
import type { Verdict, Verifier } from "../../src/core/crypto/check.js";
import { createVerifier } from "../../src/workers/create-verifier.js";
import { NativeCrypto } from "../../src/workers/native-crypto.js";
import { CheckRunner } from "../../src/workers/run-checks.js";
import type { CheckList } from "../../src/workers/verify-job.js";
import { anyCheckList, KEYS, signedFrame } from "./check-lists.js";

const LARGE = signedFrame(new Uint8Array(40), 1, 2);

function neverCrashes(cause: unknown): void {
  assert.fail(`a worker crashed: ${String(cause)}`);
}

function verdictOf(verifier: Verifier, { bytes, checks }: CheckList): Promise<Verdict> {
  return new Promise((resolve) => {
    verifier.submit(0, bytes, checks, resolve);
  });
}

for (const provider of [new NativeCrypto(), new PortableCrypto()]) {
  describe(`a verifier on ${provider.name}`, async () => {
    const onCrash = neverCrashes;
    const pool = await createVerifier({ workerCount: 2, provider, keys: KEYS, onCrash });
    const inline = new CheckRunner(provider, KEYS);
    after(() => pool.close());

    test("says what it runs on and where", async () => {
      const verifier = await createVerifier({ workerCount: 0, provider, keys: KEYS, onCrash });
      assert.equal(verifier.description, `${provider.name} on the main thread`);
      assert.equal(pool.description, `${provider.name} on 2 worker threads`);
      await verifier.close();
    });

    test("without workers is done before submit returns", async () => {
      const verifier = await createVerifier({ workerCount: 0, provider, keys: KEYS, onCrash });
      let verdict: Verdict | null = null;
      verifier.submit(0, LARGE.bytes, LARGE.checks, (result) => (verdict = result));
      assert.deepEqual(verdict, inline.run(LARGE.bytes, LARGE.checks));
      assert.equal(verifier.canAccept(0), true);
      await verifier.close();
    });

    test("with workers gives the verdicts that it gives without", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anyCheckList, { maxLength: 12 }), async (lists) => {
          const verdicts = await Promise.all(lists.map((list) => verdictOf(pool, list)));
          const expected = lists.map(({ bytes, checks }) => inline.run(bytes, checks));
          assert.deepEqual(verdicts, expected);
        }),
        { numRuns: 40 },
      );
    });

    test("answers lists that go to workers in the order of their submission", async () => {
      const order: number[] = [];
      const expected = Array.from({ length: 60 }, (_, index) => index);
      await Promise.all(
        expected.map(async (number) => {
          const list = signedFrame(
            new Uint8Array((number % 7) * 1_000),
            number % 3,
            2 + (number % 5),
          );
          await verdictOf(pool, list);
          order.push(number);
        }),
      );
      assert.deepEqual(order, expected);
    });

    test("closes with work pending: all of it is answered first", async () => {
      const verifier = await createVerifier({ workerCount: 1, provider, keys: KEYS, onCrash });
      let answered = 0;
      for (let count = 0; count < 30; count += 1) {
        verifier.submit(0, LARGE.bytes, LARGE.checks, () => (answered += 1));
      }
      await verifier.close();
      assert.equal(answered, 30);
    });
  });
}

describe("a worker that cannot start", () => {
  test("is an error of createVerifier with the worker's own words", async () => {
    const unknown = Object.assign(new PortableCrypto(), { name: "unheard-of" as CryptoName });
    const options = { workerCount: 2, provider: unknown, keys: KEYS, onCrash: neverCrashes };
    await assert.rejects(createVerifier(options), /CRYPTO=unheard-of names no cryptography/);
  });
});

describe("a list that only a bug can make", () => {
  test("crashes the pool with its cause and leaves nothing pending", async () => {
    const crashes: unknown[] = [];
    const provider = new PortableCrypto();
    const verifier = await createVerifier({
      workerCount: 1,
      provider,
      keys: KEYS,
      onCrash: (cause) => crashes.push(cause),
    });
    const outside = { kind: "digest", domain: Domain.page, start: 0, end: 1_000_000 } as const;
    const verdicts = await Promise.all([
      verdictOf(verifier, { bytes: new Uint8Array(10), checks: [outside] }),
      verdictOf(verifier, LARGE),
    ]);
    assert.equal(crashes.length, 1);
    assert.match(String(crashes[0]), /the range lies in the bytes/);
    for (const { passed } of verdicts) assert.ok(!passed.includes(1));
    assert.equal(verifier.canAccept(0), false);
    await verifier.close();
  });
});
