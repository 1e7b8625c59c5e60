import { bytesConcat } from "../base/bytes.js";
import { Domain, type Digest, type Hasher } from "../base/hasher.js";
import type { Seq } from "../base/ids.js";

const COUNTER_BYTES = 8;
const WORD = 0x1_0000_0000;

/** What a checkpoint's digest covers: its number, the service's root and the client table (CK1). */
export function stateDigestOf(
  hasher: Hasher,
  seq: Seq,
  serviceRoot: Digest,
  tableDigest: Digest,
): Digest {
  const number = new Uint8Array(COUNTER_BYTES);
  const view = new DataView(number.buffer);
  view.setUint32(0, Math.floor(seq / WORD));
  view.setUint32(4, seq % WORD);
  return hasher.digest(Domain.checkpoint, bytesConcat([number, serviceRoot, tableDigest]));
}

/**
 * The digest of checkpoint 0: the genesis state is given by the cluster id, which every hash
 * covers.
 */
export function genesisDigestOf(hasher: Hasher): Digest {
  return hasher.digest(Domain.checkpoint, new Uint8Array(COUNTER_BYTES));
}
