import assert from "node:assert/strict";
import { PortableCrypto } from "../../../binding-free-src/portable-crypto.js";
import { bundleItems, bundleOf } from "../../../src/core/base/bundle.js";
import { bytesConcat } from "../../../src/core/base/bytes.js";
import { type Digest, Domain } from "../../../src/core/base/hasher.js";
import { primaryOf, type ReplicaId, type Seq, type View } from "../../../src/core/base/ids.js";
import { SIGNATURE_BYTES } from "../../../src/core/crypto/crypto.js";
import { ClusterHasher } from "../../../src/core/crypto/prefix.js";
import type { AccountRow } from "../../../src/core/ledger/account-row.js";
import { Ledger } from "../../../src/core/ledger/ledger.js";
import { encodeOperation } from "../../../src/core/ledger/operation.js";
import { ResultReader } from "../../../src/core/ledger/result-reader.js";
import type {
  Batch,
  CertificateEntry,
  Checkpoint,
  CheckpointEntry,
  Commit,
  NewView,
  Prepare,
  PrePrepare,
  Read,
  Request,
  SignedMessage,
  Status,
  Unsigned,
  ViewChange,
} from "../../../src/core/message.js";
import type { ReplicaOptions } from "../../../src/core/pbft/options.js";
import { genesisDigestOf } from "../../../src/core/pbft/state-digest.js";
import { signMessage, signRequest } from "../../../src/core/wire/sign.js";

/*
 * Messages for tests of the core. Digests and encodings are the real ones; signatures are zeros,
 * because whoever calls the core has checked them before.
 */

/** The id of the tests' cluster. */
export const CLUSTER_ID = new Uint8Array(32).fill(7);

/** The digests of the tests' cluster. */
export const hasher = new ClusterHasher(new PortableCrypto(), CLUSTER_ID);

/** The client that may do everything, and a customer. */
export const TELLER = 0;
export const CUSTOMER = 1;

/** Client identities of the tests' cluster. */
const CLIENT_COUNT = 2;

/** The state digest of the genesis. */
export const GENESIS_DIGEST = genesisDigestOf(hasher);

/** The digest of the batch without requests. */
export const NULL_DIGEST = hasher.digest(Domain.batch, new Uint8Array(0));

const noSignature = (): Uint8Array => new Uint8Array(SIGNATURE_BYTES);

/** Settings with short intervals, so that every bound is reached within a few messages. */
export function sampleOptions(changes: Partial<ReplicaOptions> = {}): ReplicaOptions {
  return {
    self: 1,
    replicaCount: 4,
    clientCount: CLIENT_COUNT,
    checkpointIntervalSlots: 4,
    windowSlots: 8,
    batchesInFlightMax: 8,
    batchRequestsMax: 4,
    batchBytesMax: 10_000,
    pendingPerClientMax: 80,
    viewChangeTicks: 20,
    viewChangeTicksMax: 80,
    stalledStatusTicks: 3,
    idleStatusTicks: 12,
    tentativeReplies: false,
    ...changes,
  };
}

/** A bank with one account, "1", that holds 1,000. */
export function sampleLedger(): Ledger {
  return new Ledger(sampleBank());
}

/** What that bank is made of. */
export function sampleBank(): ConstructorParameters<typeof Ledger>[0] {
  const accounts: AccountRow[] = [
    { customerId: 1, account: "1", name: "Ann", address: "", balance: 1_000n, owner: null },
  ];
  return { hasher, clients: ["teller", "customer"], accounts };
}

/** What account "1" of a bank holds. */
export function balanceOf(ledger: Ledger): bigint {
  const [row] = ledger.accountRows();
  assert(row !== undefined);
  return row.balance;
}

/** Which request of which session, and what it deposits to account "1". */
export interface RequestShape {
  readonly client?: number;
  readonly session?: number;
  readonly timestamp?: number;
  readonly amount?: bigint;
}

/** A signed deposit. */
export function requestOf(shape: RequestShape = {}): Request {
  const { client = TELLER, session = 1, timestamp = 1, amount = 1n } = shape;
  const bundle = bundleOf([encodeOperation({ kind: "deposit", account: "1", amount })]);
  const kind = "request";
  return signRequest(
    { kind, client, session, timestamp, bundle },
    { hasher, sign: noSignature, authenticate: () => new Uint8Array(0) },
  );
}

/** A read of account "1". */
export function readOf(nonce = 1): Read {
  const bundle = bundleOf([encodeOperation({ kind: "get", account: "1" })]);
  return { kind: "read", client: TELLER, session: 1, nonce, bundle };
}

/** The balance that the only result of a bundle tells. */
export function balanceIn(results: Uint8Array): bigint {
  const [item] = bundleItems(results);
  const result = item === undefined ? null : new ResultReader().read(item, 0, item.length);
  assert(result?.code === "ok");
  return result.balance;
}

/** The batch of `requests` in this order; none make the null batch. */
export function batchOf(...requests: Request[]): Batch {
  const digests = bytesConcat(requests.map((request) => request.digest));
  return { requests, digest: hasher.digest(Domain.batch, digests) };
}

/** A batch with one deposit that nobody else makes: each `mark` is a session of its own. */
export function sampleBatch(mark: number): Batch {
  return batchOf(requestOf({ session: mark }));
}

/** A digest that stands for `mark`. */
export function digestOf(mark: number): Digest {
  return hasher.digest(Domain.state, Uint8Array.of(mark >>> 8, mark & 0xff));
}

/** The primary's order. */
export function prePrepare(view: View, seq: Seq, batch: Batch): PrePrepare {
  return { kind: "pre-prepare", view, seq, batch };
}

/** A backup's word that it accepted the order. */
export function prepare(view: View, seq: Seq, { digest }: Pick<Batch, "digest">): Prepare {
  return { kind: "prepare", view, seq, digest };
}

/** A replica's word that it is prepared. */
export function commit(view: View, seq: Seq, { digest }: Pick<Batch, "digest">): Commit {
  return { kind: "commit", view, seq, digest };
}

/** Signs what a replica says. */
export function sign(message: Unsigned<SignedMessage>): SignedMessage {
  return signMessage(message, hasher, noSignature);
}

/** A replica's signed word about its state after `seq`. */
export function checkpointOf(replica: ReplicaId, seq: Seq, stateDigest: Digest): Checkpoint {
  const message = sign({ kind: "checkpoint", replica, seq, stateDigest });
  assert(message.kind === "checkpoint");
  return message;
}

/** What a vote to change the view says. */
export type VoteShape = Partial<Omit<ViewChange, "kind" | "bytes">>;

/** A signed vote, by default of a replica that has seen nothing yet. */
export function viewChangeOf(replica: ReplicaId, view: View, shape: VoteShape = {}): ViewChange {
  const stableSeq = shape.stableSeq ?? 0;
  const stableDigest = stableSeq === 0 ? GENESIS_DIGEST : digestOf(stableSeq);
  const message = sign({
    kind: "view-change",
    replica,
    view,
    stableSeq,
    checkpoints: shape.checkpoints ?? [{ seq: stableSeq, stateDigest: stableDigest }],
    prepared: shape.prepared ?? [],
    prePrepared: shape.prePrepared ?? [],
  });
  assert(message.kind === "view-change");
  return message;
}

/** An entry of P or Q. */
export function entry(seq: Seq, digest: Digest, view: View): CertificateEntry {
  return { seq, digest, view };
}

/** What a NEW-VIEW announces. */
interface NewViewShape {
  readonly checkpoint?: CheckpointEntry;
  readonly chosen?: NewView["chosen"];
  /** The signer, if it is not the primary of the view. */
  readonly replica?: ReplicaId;
}

/** A signed NEW-VIEW, by default one that carries nothing over. */
export function newViewOf(
  view: View,
  viewChanges: readonly ViewChange[],
  shape: NewViewShape = {},
): NewView {
  const message = sign({
    kind: "new-view",
    replica: shape.replica ?? primaryOf(view, 4),
    view,
    viewChanges,
    checkpoint: shape.checkpoint ?? { seq: 0, stateDigest: GENESIS_DIGEST },
    chosen: shape.chosen ?? [],
  });
  assert(message.kind === "new-view");
  return message;
}

/** What a replica that has nothing tells of itself. */
export function statusOf(changes: Partial<Status> = {}): Status {
  return {
    kind: "status",
    view: 0,
    active: true,
    stableSeq: 0,
    executedSeq: 0,
    slots: [],
    checkpointsMask: 0,
    viewChangesMask: 0,
    missingBatches: [],
    ...changes,
  };
}
