import { assert } from "../../src/core/base/assert.js";
import { bundleOf } from "../../src/core/base/bundle.js";
import { Domain } from "../../src/core/base/hasher.js";
import type { Message } from "../../src/core/message.js";
import { Slot } from "../../src/core/pbft/slot.js";
import { CheckList } from "../../src/core/wire/check-list.js";
import { decodeMessage } from "../../src/core/wire/decode.js";
import { encodeMessage } from "../../src/core/wire/encode.js";
import { signRequest } from "../../src/core/wire/sign.js";
import { planMessage } from "../../src/core/wire/signed-ranges.js";
import { collectGarbage } from "../../src/io/garbage.js";
import { loadCrypto } from "../../src/workers/load-crypto.js";
import { sampleKeys } from "./sample-keys.js";
import type { Figures } from "./tool.js";

/** As large as a move between two accounts of a private cluster. */
const OPERATION_BYTES = 32;
/** Enough to see each among what else is on the heap. */
const BATCHES = 256;

/**
 * What a backup of `replicaCount` replicas keeps of a batch of `requestCount` requests with
 * `operationCount` operations each until a checkpoint covers it: the batch as it came, and the
 * votes.
 */
export async function batchMemory(
  replicaCount: number,
  requestCount: number,
  operationCount: number,
): Promise<Figures> {
  const decode = await decoder(replicaCount, requestCount, operationCount);
  const slots: Slot[] = [];
  const before = usedBytes();
  for (let seq = 1; seq <= BATCHES; seq += 1) slots.push(decode(seq));
  const heldBytes = Math.round((usedBytes() - before) / slots.length);
  return { replicaCount, requestCount, operationCount, batchBytes: decode.batchBytes, heldBytes };
}

type Decoder = ((seq: number) => Slot) & { readonly batchBytes: number };

async function decoder(
  replicaCount: number,
  requestCount: number,
  operationCount: number,
): Promise<Decoder> {
  const { provider } = await loadCrypto(process.env);
  const { hasher, roster, runner, signer } = sampleKeys(provider, replicaCount);
  const bundle = bundleOf(
    Array.from({ length: operationCount }, () => new Uint8Array(OPERATION_BYTES).fill(3)),
  );
  const requests = Array.from({ length: requestCount }, (_, index) => {
    const unsigned = { client: 0, session: index + 1, timestamp: 1, bundle } as const;
    return signRequest({ kind: "request", ...unsigned }, signer);
  });
  /** As it comes from another replica: with its own copy of the bytes. */
  const received = <M extends Message>(message: M, id: number): M => {
    const scope = { roster, from: { role: "replica", id } } as const;
    const bytes = encodeMessage(message);
    const list = new CheckList();
    const planned = planMessage(bytes, 0, bytes.length, scope, list);
    const decoded = decodeMessage(bytes, planned, runner.run(bytes, list.checks), scope);
    assert(typeof decoded !== "string", "what was encoded can be decoded");
    return decoded as unknown as M;
  };
  const digest = hasher.digest(Domain.batch, new Uint8Array(0));
  const decode = (seq: number): Slot => {
    const slot = new Slot(seq, replicaCount);
    const prePrepare = { kind: "pre-prepare", view: 1, seq, batch: { requests, digest } } as const;
    slot.keepBody(received(prePrepare, 0).batch);
    for (let id = 0; id < replicaCount; id += 1) {
      const prepare = { kind: "prepare", view: 1, seq, digest } as const;
      if (id !== 0) slot.prepares.add(id, 1, received(prepare, id).digest);
      slot.commits.add(id, 1, received({ ...prepare, kind: "commit" }, id).digest);
    }
    return slot;
  };
  const batchBytes = encodeMessage({
    ...{ kind: "pre-prepare", view: 1, seq: 1, batch: { requests, digest } },
  } as const).length;
  return Object.assign(decode, { batchBytes });
}

/** Heap and buffers that are in use, after a full collection. */
function usedBytes(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
