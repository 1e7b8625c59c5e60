import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PortableCrypto } from "../../binding-free-src/portable-crypto.js";
import type { CryptoName, CryptoProvider } from "../../src/core/crypto/crypto.js";
import type { Verdict, Verifier } from "../../src/core/crypto/check.js";
import { createVerifier } from "../../src/workers/create-verifier.js";
import { HelperThread } from "../../src/workers/helper-thread.js";
import { NativeCrypto } from "../../src/workers/native-crypto.js";
import { CheckRunner } from "../../src/workers/run-checks.js";
import type { CheckList } from "../../src/workers/verify-job.js";
import { KEYS, signedFrame } from "./check-lists.js";

const SIGNED = signedFrame(new Uint8Array(40), 1, 1);
/** The MAC is right, and the signature somebody else's. */
const WRONGLY_SIGNED: CheckList = {
  bytes: SIGNED.bytes,
  checks: SIGNED.checks.map((check) => (check.kind === "signature" ? { ...check, key: 2 } : check)),
};
const BURST = 64;
const PROGRAM_PATH = fileURLToPath(new URL("./helper-child.js", import.meta.url));
const WORKER_URL = new URL("../../src/workers/signature-worker.js", import.meta.url);

function neverCrashes(cause: unknown): void {
  assert.fail(`a worker crashed: ${String(cause)}`);
}

/** Counts the signatures that this thread verifies. */
function counting(provider: CryptoProvider): { provider: CryptoProvider; count: () => number } {
  let count = 0;
  const verify = provider.verify.bind(provider);
  const counted = Object.assign(provider, {
    verify: (...words: Parameters<CryptoProvider["verify"]>) => {
      count += 1;
      return verify(...words);
    },
  });
  return { provider: counted, count: () => count };
}

/** What comes of as many lists as clients would send together. */
function burst(verifier: Verifier): Promise<Verdict[]> {
  const lists = Array.from({ length: BURST }, (_, source) => listOf(source));
  return Promise.all(
    lists.map(
      ({ bytes, checks }, source) =>
        new Promise<Verdict>((resolve) => {
          verifier.submit(source, bytes, checks, resolve);
        }),
    ),
  );
}

function listOf(source: number): CheckList {
  return source % 5 === 3 ? WRONGLY_SIGNED : SIGNED;
}

for (const makeProvider of [() => new NativeCrypto(), () => new PortableCrypto()]) {
  const name = makeProvider().name;
  describe(`a helper on ${name}`, () => {
    test("is started by a burst, does a part of the next ones, changes no verdict", async () => {
      const { provider, count } = counting(makeProvider());
      const onCrash = neverCrashes;
      const options = { workerCount: 0, hasHelper: true, provider, keys: KEYS, onCrash };
      const verifier = await createVerifier(options);
      const main = `${name} on the main thread`;
      assert.equal(verifier.description, `${main} and, once much comes together, on another one`);
      const inline = new CheckRunner(makeProvider(), KEYS);
      const expected = Array.from({ length: BURST }, (_, source) => {
        const { bytes, checks } = listOf(source);
        return inline.run(bytes, checks);
      });
      let all = 0;
      while (count() === all) {
        assert.deepEqual(await burst(verifier), expected);
        all += BURST;
        await nextTurn();
      }
      assert.equal(verifier.description, `${main} and a thread that helps it`);
      await verifier.close();
    });
  });
}

/** A helper that is there. */
async function started(
  cryptoName: CryptoName,
  onCrash: (cause: unknown) => void = neverCrashes,
): Promise<HelperThread> {
  const helper = new HelperThread({ cryptoName, publicKeys: [], workerUrl: WORKER_URL, onCrash });
  helper.start();
  while (helper.board === null) await nextTurn();
  return helper;
}

describe("HelperThread", () => {
  for (const provider of [new NativeCrypto(), new PortableCrypto()]) {
    test(`signs on ${provider.name} what this thread would sign, and the same`, async () => {
      const helper = await started(provider.name);
      const board = helper.board ?? assert.fail("the helper is there");
      for (let made = 0; made < BURST;) {
        const posts = Array.from({ length: BURST }, (_, index) => {
          const [digest, seed] = [index, index % 7].map((byte) => new Uint8Array(32).fill(byte));
          assert(digest !== undefined && seed !== undefined);
          return { digest, seed, ticket: board.postToSign(digest, seed) };
        });
        board.wake();
        await nextTurn();
        for (const { digest, seed, ticket } of posts) {
          const signature = new Uint8Array(64);
          if (!board.takeSignature(ticket, signature, 0)) continue;
          assert.deepEqual(signature, provider.sign(digest, seed));
          made += 1;
        }
      }
      await helper.close();
    });
  }

  test("leaves nothing on its board, whether it is closed or fails", async () => {
    for (const fails of [false, true]) {
      const crashes: unknown[] = [];
      const helper = await started("portable", (cause) => crashes.push(cause));
      const board = helper.board ?? assert.fail("the helper is there");
      board.postToSign(new Uint8Array(32).fill(1), new Uint8Array(32).fill(2));
      if (fails) {
        // Nobody's key: the thread fails of the newest, and what was to be signed is left.
        board.postToVerify(new Uint8Array(32), new Uint8Array(64), 0, 0);
        board.wake();
        while (crashes.length === 0) await nextTurn();
      } else await helper.close();
      assert.equal(helper.board, null);
      board.workOff({
        verify: () => assert.fail("nothing is posted any more"),
        sign: () => assert.fail("no seed is left"),
      });
      await helper.close();
    }
  });

  test("that cannot start is no crash: the main thread goes on alone, and says so", async () => {
    const others = { publicKeys: KEYS.publicKeys, onCrash: neverCrashes };
    const cryptoName = "unheard-of" as CryptoName;
    const withoutCrypto = new HelperThread({ ...others, cryptoName, workerUrl: WORKER_URL });
    withoutCrypto.start();
    while (!withoutCrypto.description.startsWith("alone")) await nextTurn();
    assert.match(withoutCrypto.description, /has failed: CRYPTO=unheard-of names no cryptography/);
    assert.equal(withoutCrypto.board, null);
    await withoutCrypto.close();
    const workerUrl = new URL("https://example.org/");
    const refused = new HelperThread({ ...others, cryptoName: "portable", workerUrl });
    refused.start();
    assert.match(refused.description, /^alone, for the thread that helps it has failed/);
    await refused.close();
  });

  test("that fails in its work tells its owner, once, and is asked no more", async () => {
    const crashes: unknown[] = [];
    const helper = new HelperThread({
      cryptoName: "portable",
      publicKeys: KEYS.publicKeys,
      workerUrl: WORKER_URL,
      onCrash: (cause) => crashes.push(cause),
    });
    helper.start();
    helper.start();
    while (helper.board === null) await nextTurn();
    // Only a bug can name a key that does not exist.
    helper.board.postToVerify(new Uint8Array(32), new Uint8Array(64), 0, KEYS.publicKeys.length);
    helper.board.wake();
    while (crashes.length === 0) await nextTurn();
    assert.match(String(crashes[0]), /the public key exists/);
    assert.equal(helper.board, null);
    await helper.close();
    assert.equal(crashes.length, 1);
  });

  test("can be closed before it starts, while it does, and while it sleeps", async () => {
    const options = {
      cryptoName: "portable",
      publicKeys: KEYS.publicKeys,
      workerUrl: WORKER_URL,
      onCrash: neverCrashes,
    } as const;
    const unstarted = new HelperThread(options);
    await unstarted.close();
    unstarted.start();
    assert.equal(unstarted.board, null);
    const starting = new HelperThread(options);
    starting.start();
    await starting.close();
    const asleep = new HelperThread(options);
    asleep.start();
    while (asleep.board === null) await nextTurn();
    await asleep.close();
  });

  test("keeps no process alive, whatever it is at", () => {
    for (const state of ["starting", "asleep", "at work"]) {
      const { status, stderr } = spawnSync(process.execPath, [PROGRAM_PATH, state]);
      assert.equal(String(stderr), "");
      assert.equal(status, 0, state);
    }
  });
});
