import { PortableCrypto } from "../../binding-free-src/portable-crypto.js";
import type { CryptoProvider } from "../core/crypto/crypto.js";
import { providerDefect } from "../core/crypto/known-answers.js";

/** What of the environment matters here; `process.env` is one. */
interface CryptoEnvironment {
  /** "portable", "sodium-native" or "auto"; not set or empty means "auto". */
  readonly CRYPTO?: string | undefined;
}

/** The provider to use, and why it is this one, as a clause for the log. */
interface LoadedCrypto {
  readonly provider: CryptoProvider;
  readonly reason: string;
}

/** Loads the provider that needs an addon. */
type NativeImporter = () => Promise<{ readonly NativeCrypto: new () => CryptoProvider }>;

/** The dependency that may be missing: where `npm ci` found no addon for this machine. */
const ADDON_PACKAGE = "sodium-native";

/**
 * Chooses the cryptography of this process and proves it with known answers.
 *
 * "auto" takes the addon, and the portable provider only where the addon is absent or the system
 * cannot load it. Any other failure of the addon is a fault to be seen, not to be papered over.
 * @param importNative what imports the addon; only tests pass another.
 * @throws Error with a sentence that says what to do: an unknown name, an addon that was asked for
 * and cannot be loaded, or a provider that answers differently from what the protocol demands.
 */
export async function loadCrypto(
  environment: CryptoEnvironment,
  importNative: NativeImporter = () => import("./native-crypto.js"),
): Promise<LoadedCrypto> {
  const choice = environment.CRYPTO ?? "";
  switch (choice) {
    case "portable":
      return proven(new PortableCrypto(), "CRYPTO=portable asks for it");
    case "sodium-native":
      return proven(await importForced(importNative), "CRYPTO=sodium-native asks for it");
    case "auto":
    case "":
      return importIfPossible(importNative);
    default:
      throw new Error(
        `CRYPTO=${choice} names no cryptography: set it to auto, sodium-native or portable, ` +
          "or leave it out.",
      );
  }
}

async function importForced(importNative: NativeImporter): Promise<CryptoProvider> {
  try {
    const { NativeCrypto } = await importNative();
    return new NativeCrypto();
  } catch (cause) {
    if (!isAddonUnavailable(cause)) throw cause;
    throw new Error(
      "CRYPTO=sodium-native asks for an addon that cannot be loaded on this machine " +
        `(${firstLineOf(cause)}). Run npm ci again, or leave CRYPTO out to do without it.`,
      { cause },
    );
  }
}

async function importIfPossible(importNative: NativeImporter): Promise<LoadedCrypto> {
  let native: CryptoProvider;
  try {
    const { NativeCrypto } = await importNative();
    native = new NativeCrypto();
  } catch (cause) {
    if (!isAddonUnavailable(cause)) throw cause;
    const reason = `the sodium-native addon cannot be loaded: ${firstLineOf(cause)}`;
    return proven(new PortableCrypto(), reason);
  }
  return proven(native, "the sodium-native addon is there");
}

function proven(provider: CryptoProvider, reason: string): LoadedCrypto {
  const defect = providerDefect(provider);
  if (defect === null) return { provider, reason };
  throw new Error(
    `The ${provider.name} cryptography cannot be used, because ${defect}. ` +
      "Replicas that judge differently would disagree: set CRYPTO to another one, " +
      "or run another version of Node.js.",
  );
}

/**
 * Whether this error says that the addon is not there or cannot be loaded, and nothing else. Each
 * code has one origin: the package is not installed; one of its own modules is missing; it has no
 * binary for this platform; the system's loader refuses the binary (reported as it is, or as a
 * cause).
 */
function isAddonUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  switch (codeOf(error)) {
    case "ERR_MODULE_NOT_FOUND":
      return error.message.includes(`'${ADDON_PACKAGE}'`);
    case "MODULE_NOT_FOUND":
    case "ADDON_NOT_FOUND":
    case "ERR_DLOPEN_FAILED":
      return true;
    case "CANNOT_LOAD":
      return codeOf(error.cause) === "ERR_DLOPEN_FAILED";
    default:
      return false;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function firstLineOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0] ?? text;
}
