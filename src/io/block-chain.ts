import { createHash } from "node:crypto";
import type { Digest } from "../core/base/hasher.js";
import type { Seq } from "../core/base/ids.js";
import type { BlockRow } from "./store.js";

/*
 * The block table is a hash chain: whoever edits, drops or swaps a row breaks every later hash. It
 * is made for audits with nothing but SQL and SHA-256 at hand, so it does without the protocol's
 * hash.
 */

const CHAIN_LABEL = "pbft-ledger block chain";

/** What the chain starts from when the state after `seq` is taken over whole. 32 bytes. */
export function startOfChain(seq: Seq, serviceRoot: Digest): Uint8Array {
  return createHash("sha256").update(CHAIN_LABEL).update(bytesOf(seq)).update(serviceRoot).digest();
}

/**
 * The hash of `block`, given that of the block before it. 32 bytes; the view is left out: it may
 * differ.
 */
export function nextBlockHash(previousHash: Uint8Array, block: BlockRow): Uint8Array {
  const hash = createHash("sha256").update(previousHash).update(bytesOf(block.seq));
  return hash.update(block.digest).digest();
}

function bytesOf(seq: Seq): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(seq));
  return bytes;
}
