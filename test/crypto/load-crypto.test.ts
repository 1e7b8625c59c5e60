import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PortableCrypto } from "../../binding-free-src/portable-crypto.js";
import type { CryptoProvider } from "../../src/core/crypto/crypto.js";
import { providerDefect } from "../../src/core/crypto/known-answers.js";
import { loadCrypto } from "../../src/workers/load-crypto.js";
import { BOTH_PROVIDERS } from "./both-providers.js";

type NativeImporter = NonNullable<Parameters<typeof loadCrypto>[1]>;

function failing(code: string, message = "no such thing", cause?: unknown): NativeImporter {
  return () => Promise.reject(Object.assign(new Error(message, { cause }), { code }));
}

const dlopenError = Object.assign(new Error("invalid ELF header"), { code: "ERR_DLOPEN_FAILED" });

const UNAVAILABLE: readonly (readonly [string, NativeImporter])[] = [
  [
    "the package is not installed",
    failing("ERR_MODULE_NOT_FOUND", "Cannot find package 'sodium-native' imported from here"),
  ],
  ["a module of the package is missing", failing("MODULE_NOT_FOUND")],
  ["there is no binary for this platform", failing("ADDON_NOT_FOUND")],
  ["the system refuses the binary", failing("ERR_DLOPEN_FAILED", "invalid ELF header")],
  ["the package wraps that refusal", failing("CANNOT_LOAD", "Cannot load addon", dlopenError)],
];

const FAULTS: readonly (readonly [string, RegExp, NativeImporter])[] = [
  [
    "a module of our own is missing",
    /^Error: Cannot find module '.\/x.js'$/,
    failing("ERR_MODULE_NOT_FOUND", "Cannot find module './x.js'"),
  ],
  [
    "the addon loads and then fails",
    /^Error: Cannot load addon$/,
    failing("CANNOT_LOAD", "Cannot load addon", new Error("out of memory")),
  ],
  ["some other code", /^Error: permission denied$/, failing("EACCES", "permission denied")],
  [
    "no code at all",
    /^TypeError: not a function$/,
    () => Promise.reject(new TypeError("not a function")),
  ],
];

describe("the choice of cryptography", () => {
  test("takes the addon when nothing is said and it is there", async () => {
    for (const environment of [{}, { CRYPTO: "" }, { CRYPTO: "auto" }]) {
      const { provider, reason } = await loadCrypto(environment);
      assert.equal(provider.name, "sodium-native");
      assert.match(reason, /is there/);
    }
  });

  test("takes what CRYPTO names, without touching the addon for the portable one", async () => {
    assert.equal((await loadCrypto({ CRYPTO: "sodium-native" })).provider.name, "sodium-native");
    const neverImported: NativeImporter = () => Promise.reject(new Error("imported"));
    const { provider, reason } = await loadCrypto({ CRYPTO: "portable" }, neverImported);
    assert.equal(provider.name, "portable");
    assert.match(reason, /CRYPTO=portable/);
  });

  test("refuses a name that it does not know, and says which it knows", async () => {
    for (const name of ["sodium", "Portable", "1"]) {
      await assert.rejects(loadCrypto({ CRYPTO: name }), (error: Error) => {
        assert.match(error.message, new RegExp(`CRYPTO=${name} .*auto, sodium-native or portable`));
        return true;
      });
    }
  });

  for (const [what, importer] of UNAVAILABLE) {
    test(`falls back to the portable one when ${what}, and says why`, async () => {
      const { provider, reason } = await loadCrypto({}, importer);
      assert.equal(provider.name, "portable");
      assert.match(reason, /cannot be loaded: /);
    });

    test(`is an error with advice when the addon is asked for and ${what}`, async () => {
      const loading = loadCrypto({ CRYPTO: "sodium-native" }, importer);
      await assert.rejects(loading, /asks for an addon that cannot be loaded.*npm ci/);
    });
  }

  for (const [what, message, importer] of FAULTS) {
    test(`does not hide a fault: ${what}`, async () => {
      for (const environment of [{}, { CRYPTO: "sodium-native" }]) {
        await assert.rejects(loadCrypto(environment, importer), message);
      }
    });
  }

  test("refuses a provider that gives wrong answers", async () => {
    class Credulous extends PortableCrypto {
      override verify(): boolean {
        return true;
      }
    }
    const loading = loadCrypto({}, () => Promise.resolve({ NativeCrypto: Credulous }));
    await assert.rejects(loading, /cofactored equation/);
  });
});

describe("the known answers", () => {
  test("are those of both providers", () => {
    for (const provider of BOTH_PROVIDERS) assert.equal(providerDefect(provider), null);
  });

  test("notice every part that is wrong", () => {
    const wrong = new Uint8Array(64);
    const right = new PortableCrypto();
    const hashUpTo =
      (bytesMax: number): CryptoProvider["hashInto"] =>
      (out, at, length, prefix, bytes, start, end) => {
        right.hashInto(out, at, length, prefix, bytes, start, Math.min(end, start + bytesMax));
      };
    const defects: readonly Partial<CryptoProvider>[] = [
      { hashInto: () => undefined },
      { hashInto: hashUpTo(128) },
      { hashInto: hashUpTo(8_192) },
      { signPublicKey: () => wrong },
      { sign: () => wrong },
      { verify: () => false },
      { verify: () => true },
      { exchange: () => wrong },
    ];
    const found = defects.map((defect) => {
      const provider = Object.assign(new PortableCrypto(), defect);
      return providerDefect(provider);
    });
    assert.equal(new Set(found).size, defects.length);
    assert.ok(!found.includes(null));
  });
});
