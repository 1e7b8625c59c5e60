import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { InvariantError } from "../../src/core/base/assert.js";
import { bytesConcat } from "../../src/core/base/bytes.js";
import { Domain } from "../../src/core/base/hasher.js";
import type { Check } from "../../src/core/crypto/check.js";
import { MAC_BYTES } from "../../src/core/crypto/crypto.js";
import { ClusterHasher } from "../../src/core/crypto/prefix.js";
import { PortableCrypto } from "../../binding-free-src/portable-crypto.js";
import { NativeCrypto } from "../../src/workers/native-crypto.js";
import { CheckRunner } from "../../src/workers/run-checks.js";
import { packAnswer, packJob, unpackAnswer, unpackJob } from "../../src/workers/verify-job.js";
import { anyCheckList, damaged, KEYS, signedFrame } from "./check-lists.js";

const PAYLOAD = Uint8Array.from({ length: 100 }, (_, index) => index);
const portable = new CheckRunner(new PortableCrypto(), KEYS);
const native = new CheckRunner(new NativeCrypto(), KEYS);
const hasher = new ClusterHasher(new PortableCrypto(), KEYS.clusterId);

for (const runner of [portable, native]) {
  describe(`checks on ${runner.cryptoName}`, () => {
    test("all pass for an honest frame, and the digests are those of the hasher", () => {
      const { bytes, checks } = signedFrame(PAYLOAD, 1);
      const { passed, digests } = runner.run(bytes, checks);
      const digest = hasher.digest(Domain.request, PAYLOAD);
      assert.deepEqual([...passed], [1, 1, 1, 1]);
      assert.deepEqual(digests, [digest, hasher.digest(Domain.batch, digest)]);
    });

    test("end at a MAC that fails: nothing after it is tried (AU7)", () => {
      const { bytes, checks } = signedFrame(PAYLOAD, 1);
      for (const at of [0, 50, 100, 163, 164, 179]) {
        const { passed, digests } = runner.run(damaged({ bytes, checks }, at).bytes, checks);
        assert.deepEqual([...passed], [0, 0, 0, 0]);
        assert.deepEqual(digests, []);
      }
    });

    test("fail under another key than the one that was used", () => {
      const { bytes, checks } = signedFrame(PAYLOAD, 1);
      const [mac, digest, , signature] = checks;
      assert.ok(mac?.kind === "mac" && digest !== undefined && signature?.kind === "signature");
      assert.deepEqual([...runner.run(bytes, [{ ...mac, key: 2 }]).passed], [0]);
      assert.deepEqual([...runner.run(bytes, [digest, { ...signature, key: 2 }]).passed], [1, 0]);
    });

    test("go on after a signature that fails: the frame came from a known peer", () => {
      const { bytes, checks } = damaged(signedFrame(PAYLOAD, 0), 110);
      const [, digest, , signature] = checks;
      assert.ok(digest !== undefined && signature !== undefined);
      const { passed, digests } = runner.run(bytes, [digest, signature, digest]);
      assert.deepEqual([...passed], [1, 0, 1]);
      assert.equal(digests.length, 2);
    });

    test("know the MAC of a digest, and go on after one that is wrong (AU4)", () => {
      const digest = hasher.digest(Domain.page, PAYLOAD);
      const tag = new Uint8Array(MAC_BYTES);
      const [prefix] = KEYS.macPrefixes;
      assert.ok(prefix !== undefined);
      new PortableCrypto().hashInto(tag, 0, MAC_BYTES, prefix, digest, 0, digest.length);
      const bytes = bytesConcat([PAYLOAD, tag]);
      const checks: Check[] = [
        { kind: "digest", domain: Domain.page, start: 0, end: PAYLOAD.length },
        { kind: "digest-mac", key: 1, digest: 0, tag: PAYLOAD.length },
        { kind: "digest-mac", key: 0, digest: 0, tag: PAYLOAD.length },
        { kind: "digest-mac", key: 0, digest: 0, tag: PAYLOAD.length - 1 },
      ];
      assert.deepEqual([...runner.run(bytes, checks).passed], [1, 0, 1, 0]);
      const changed = damaged({ bytes, checks }, 3).bytes;
      assert.deepEqual([...runner.run(changed, checks).passed], [1, 0, 0, 0]);
    });

    test("make a digest of several digests from their concatenation", () => {
      const digest = (end: number): Check => ({
        kind: "digest",
        domain: Domain.page,
        start: 0,
        end,
      });
      const whole: Check = { kind: "digest-of-digests", domain: Domain.node, first: 1, count: 2 };
      const { digests } = runner.run(PAYLOAD, [digest(1), digest(2), digest(3), whole]);
      const expected = bytesConcat([
        hasher.digest(Domain.page, PAYLOAD.subarray(0, 2)),
        hasher.digest(Domain.page, PAYLOAD.subarray(0, 3)),
      ]);
      assert.deepEqual(digests[3], hasher.digest(Domain.node, expected));
    });

    test("that point outside of the bytes, keys or digests are our own bug", () => {
      const wrong: readonly Check[] = [
        { kind: "mac", key: 3, start: 0, end: 1, tag: 0 },
        { kind: "mac", key: 0, start: 0, end: 101, tag: 0 },
        { kind: "mac", key: 0, start: 0, end: 1, tag: 85 },
        { kind: "mac", key: 0, start: 0, end: 1, tag: -1 },
        { kind: "digest", domain: Domain.page, start: 2, end: 1 },
        { kind: "digest", domain: Domain.mac, start: 0, end: 1 },
        { kind: "digest-of-digests", domain: Domain.page, first: 0, count: 1 },
        { kind: "signature", key: 0, digest: 0, signature: 0 },
        { kind: "digest-mac", key: 0, digest: 0, tag: 0 },
        { kind: "digest", domain: Domain.authenticator, start: 0, end: 1 },
      ];
      for (const check of wrong) assert.throws(() => runner.run(PAYLOAD, [check]), InvariantError);
    });
  });
}

describe("any list of checks", () => {
  test("has the same verdict on both providers", () => {
    fc.assert(
      fc.property(anyCheckList, ({ bytes, checks }) => {
        assert.deepEqual(native.run(bytes, checks), portable.run(bytes, checks));
      }),
    );
  });

  test("survives the way to a worker and back", () => {
    fc.assert(
      fc.property(fc.array(anyCheckList, { maxLength: 5 }), (lists) => {
        const unpacked = unpackJob(packJob(lists));
        assert.deepEqual(unpacked, lists);
        const verdicts = lists.map(({ bytes, checks }) => native.run(bytes, checks));
        assert.deepEqual(unpackAnswer(packAnswer(verdicts), lists), verdicts);
      }),
    );
  });
});
