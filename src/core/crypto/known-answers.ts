import { hexOf } from "../base/bytes.js";
import { HASH_BYTES, PREFIX_BYTES } from "./crypto.js";
import type { CryptoProvider } from "./crypto.js";

/*
 * Questions with known answers, asked when a provider is loaded. The library behind it is not ours
 * and may change under us (another Node.js brings another OpenSSL); a replica that hashes or judges
 * signatures differently must not start, because it would leave the others at the first such input.
 */

/** Seed, public key and signature of RFC 8032, 7.1, TEST 2. */
const SEED = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
const PUBLIC_KEY = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
const MESSAGE = "72";
const SIGNATURE =
  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
  "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

/** The same key and message; R has a part of order 2: only the cofactored equation holds. */
const COFACTORED_SIGNATURE =
  "1b98fc1be3e31b58df25d047ac3ec482a975c06c3b5be20aaaab1a641c6ad6e4" +
  "e0ec19c2bad1421ef7a9d3968b48b5358360dacc55a7b7874139856c948f9908";

/** A key with a part of order 2 whose signature satisfies the cofactorless equation. */
const MIXED_PUBLIC_KEY = "b0bfe83c17bc76a56d48f558b2e481436367d330d13b69733f32aa0ed50b99f3";
const MIXED_MESSAGE = "0000";
const MIXED_SIGNATURE =
  "d26703e41c1ce4a720da2fb853c13b7d568a3f93c4a41df55554e59be395291b" +
  "482177b72eab3606db0f289980bc7487578c26c6967f51fe5c5866276dc26b0a";

/** Alice's secret, Bob's public key and what they share: RFC 7748, 6.1. */
const EXCHANGE_SECRET = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
const EXCHANGE_PUBLIC_KEY = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
const SHARED = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";

/** BLAKE2b-512 of the bytes 0 to 127 and "abc". */
const HASH =
  "c84958d3a8eead9e824db826e4cd8987e007d3550eaab2aedab54a60d0a34844" +
  "f65efe4c3fed1419e493182180764524e15295933dc42ee01c4f36ed289e27f1";

/** BLAKE2b-512 of the bytes 0 to 127 and 300 that count up: of more than one block behind that. */
const BLOCKS_HASH =
  "5cb18aa74daa37de712aac17a74ee5e061ac41b92ec4218549257f2c84e31993" +
  "3ddefab2c387843fe6709cbd71e3d9a4b0e4e936775eb058abd8ac038a1611ad";
const BLOCKS_BYTES = 300;

/** BLAKE2b-512 of the bytes 0 to 127 and 9,000 that count up: long ones may go another way. */
const LONG_HASH =
  "0fd6bb7501c41384e3b992ea1e3134652f2a1117589bfd8850ff05e663347fc7" +
  "80417574151b9ef978d5b9e98d276314a893bbbcd9c0e570816b220577ad165e";
const LONG_BYTES = 9_000;

/**
 * What a provider does differently from what the protocol demands, as a clause; null when it
 * answers everything as it must. Takes less than a millisecond.
 */
export function providerDefect(provider: CryptoProvider): string | null {
  const publicKey = bytesOf(PUBLIC_KEY);
  const message = bytesOf(MESSAGE);
  const hashDefect = defectOfHashes(provider);
  if (hashDefect !== null) return hashDefect;
  if (hexOf(provider.signPublicKey(bytesOf(SEED))) !== PUBLIC_KEY)
    return "its Ed25519 keys are wrong";
  if (hexOf(provider.sign(message, bytesOf(SEED))) !== SIGNATURE) return "its Ed25519 is wrong";
  if (!provider.verify(message, bytesOf(SIGNATURE), publicKey)) {
    return "it refuses a valid Ed25519 signature";
  }
  if (provider.verify(message, bytesOf(COFACTORED_SIGNATURE), publicKey)) {
    return "it checks the cofactored equation of Ed25519";
  }
  if (
    !provider.verify(bytesOf(MIXED_MESSAGE), bytesOf(MIXED_SIGNATURE), bytesOf(MIXED_PUBLIC_KEY))
  ) {
    return "it refuses Ed25519 keys of mixed order";
  }
  const shared = provider.exchange(bytesOf(EXCHANGE_SECRET), bytesOf(EXCHANGE_PUBLIC_KEY));
  return hexOf(shared) === SHARED ? null : "its X25519 is wrong";
}

/** Asks with one prefix: a provider may keep what it makes of it the first time. */
function defectOfHashes(provider: CryptoProvider): string | null {
  const prefix = countingUp(PREFIX_BYTES);
  const hashOf = (bytes: Uint8Array): string => {
    const hash = new Uint8Array(HASH_BYTES);
    provider.hashInto(hash, 0, HASH_BYTES, prefix, bytes, 0, bytes.length);
    return hexOf(hash);
  };
  if (hashOf(bytesOf("616263")) !== HASH) return "its BLAKE2b-512 is wrong";
  if (hashOf(countingUp(BLOCKS_BYTES)) !== BLOCKS_HASH) {
    return "its BLAKE2b-512 of several blocks is wrong";
  }
  const isLongRight = hashOf(countingUp(LONG_BYTES)) === LONG_HASH;
  return isLongRight ? null : "its BLAKE2b-512 of what is long is wrong";
}

function countingUp(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index);
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, index) =>
    Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16),
  );
}
