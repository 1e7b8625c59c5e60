import { NativeCrypto } from "../../src/workers/native-crypto.js";
import { PortableCrypto } from "../../binding-free-src/portable-crypto.js";
import type { CryptoProvider } from "../../src/core/crypto/crypto.js";

/** Every provider, for tests that must hold for each. */
export const BOTH_PROVIDERS: readonly CryptoProvider[] = [new NativeCrypto(), new PortableCrypto()];

/** The bytes of a string of hexadecimal digits. */
export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}
