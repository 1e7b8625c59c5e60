import { assert } from "../base/assert.js";
import { Domain } from "../base/hasher.js";
import type { Hasher } from "../base/hasher.js";
import type { Principal } from "../base/ids.js";
import { KEY_BYTES } from "./crypto.js";

/*
 * One key per direction: with one for both, a frame could be played back to its sender.
 *
 *    ┌──────────────────┬───────────┬─────────┬─────────────┬─────────┬─────────────┐
 *    │ shared secret 32 │ epoch u32 │ role u8 │ from id u32 │ role u8 │ to id u32   │
 *    └──────────────────┴───────────┴─────────┴─────────────┴─────────┴─────────────┘
 *
 * Big endian. The epoch renews the keys of a pair without new identities.
 */

const EPOCH_OFFSET = KEY_BYTES;
const FROM_OFFSET = EPOCH_OFFSET + 4;
const TO_OFFSET = FROM_OFFSET + 5;
const DERIVATION_BYTES = TO_OFFSET + 5;

const ROLE_CODE = { replica: 0, client: 1 } as const;

/**
 * The MAC key (32 bytes) for frames `from` one principal `to` another. Both derive the same,
 * because the X25519 secret is the same on either side.
 * @param shared the 32 bytes of `CryptoProvider.exchange`.
 * @param epoch 0 (included) to 2^32 (excluded).
 */
export function deriveMacKey(
  hasher: Hasher,
  shared: Uint8Array,
  epoch: number,
  from: Principal,
  to: Principal,
): Uint8Array {
  assert(shared.length === KEY_BYTES, "an X25519 secret has 32 bytes");
  assert(from.role !== to.role || from.id !== to.id, "nobody sends to itself");
  const bytes = new Uint8Array(DERIVATION_BYTES);
  bytes.set(shared);
  writeU32(bytes, EPOCH_OFFSET, epoch);
  writePrincipal(bytes, FROM_OFFSET, from);
  writePrincipal(bytes, TO_OFFSET, to);
  return hasher.digest(Domain.macKey, bytes);
}

function writePrincipal(bytes: Uint8Array, offset: number, principal: Principal): void {
  bytes[offset] = ROLE_CODE[principal.role];
  writeU32(bytes, offset + 1, principal.id);
}

function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  assert(value === value >>> 0, "the number fits 32 bits");
  for (let index = 0; index < 4; index += 1) {
    bytes[offset + index] = value >>> (24 - 8 * index);
  }
}
