/*
 * Liars with a plan: each does what it takes to profit from one particular mistake in the rules of
 * agreement (3.1, 3.2). Against a replica that keeps the rules all of them fail.
 */
import type { ReplicaId } from "../../../src/core/base/ids.js";
import { Ledger } from "../../../src/core/ledger/ledger.js";
import type { AccountRow } from "../../../src/core/ledger/account-row.js";
import { BundleReader, BundleWriter } from "../../../src/core/base/bundle.js";
import { DIGEST_BYTES } from "../../../src/core/base/hasher.js";
import {
  type Batch,
  type CertificateEntry,
  type Checkpoint,
  type ReplicaMessage,
  StatePart,
  type ViewChange,
} from "../../../src/core/message.js";
import { MS } from "../scheduler.js";
import type { Replica } from "../../../src/core/pbft/replica.js";
import { type Addressed, isOwnVote, type Strategy, type Villain } from "./liar.js";

/** Share of the ticks at which a primary with a plot gives its view up: nobody waits then. */
const GIVE_UP_SHARE = 0.03;

/**
 * Shows another batch to one replica, votes for whichever it showed to whom, and claims in its
 * VIEW-CHANGEs to have prepared the one that it showed to the few (against a weak A1).
 */
export function standsByItsLie(villain: Villain): Strategy {
  const [victim] = villain.victims(1);
  const shown = new Map<string, Batch>();
  const outgoing = (message: ReplicaMessage, to: ReplicaId): ReplicaMessage[] => {
    if (isOwnVote(villain, message)) {
      return [villain.sign<ViewChange>(withClaims(message, shown))];
    }
    if (to !== victim) return [message];
    switch (message.kind) {
      case "pre-prepare": {
        const { view, seq } = message;
        const batch = shown.get(`${view}/${seq}`) ?? villain.otherBatch(message.batch);
        shown.set(`${view}/${seq}`, batch);
        // A primary's PREPARE counts for nothing (NC5).
        return [
          { ...message, batch },
          { kind: "prepare", view, seq, digest: batch.digest },
        ];
      }
      case "prepare":
      case "commit": {
        const digest = shown.get(`${message.view}/${message.seq}`)?.digest;
        return [digest === undefined ? message : { ...message, digest }];
      }
      default:
        return [message];
    }
  };
  const ticked = (replica: Replica): Addressed[] => {
    const leads = replica.active && replica.primary === villain.self;
    if (!leads || shown.size === 0 || !villain.prng.chance(GIVE_UP_SHARE)) return [];
    const message = villain.sign<ViewChange>(givenUp(villain, replica, shown));
    return villain.others().map((to) => ({ to, message }));
  };
  return { outgoing, ticked };
}

/** The vote of a primary for the view after its own, with what it showed to the few. */
function givenUp(villain: Villain, replica: Replica, shown: ReadonlyMap<string, Batch>) {
  const { view, stableSeq, stableDigest } = replica;
  const claims: CertificateEntry[] = [];
  for (let seq = stableSeq + 1; seq <= stableSeq + villain.checkpointInterval; seq += 1) {
    const digest = shown.get(`${view}/${seq}`)?.digest;
    if (digest !== undefined) claims.push({ seq, digest, view });
  }
  const checkpoints = [{ seq: stableSeq, stateDigest: stableDigest }];
  const lists = { checkpoints, prepared: claims, prePrepared: claims };
  return {
    kind: "view-change",
    replica: villain.self,
    view: view + 1,
    stableSeq,
    ...lists,
  } as const;
}

function withClaims(vote: ViewChange, shown: ReadonlyMap<string, Batch>): ViewChange {
  const claim = (entry: CertificateEntry): CertificateEntry => {
    const digest = shown.get(`${entry.view}/${entry.seq}`)?.digest;
    return digest === undefined ? entry : { ...entry, digest };
  };
  return {
    ...vote,
    prepared: vote.prepared.map(claim),
    prePrepared: vote.prePrepared.map(claim),
  };
}

/** Shortest and longest time for which a favourite is not heard. */
const UNHEARD_MIN = 500 * MS;
const UNHEARD_MAX = 5_000 * MS;

/**
 * Gives its votes to one replica alone, which the network lets hear everything and say nothing, and
 * hides in its VIEW-CHANGEs what they prepared together (against a commit quorum below Q).
 */
export function favourite(villain: Villain): Strategy {
  const [chosen, leftOut] = villain.victims(2);
  let heardTicks = 0;
  const outgoing = (message: ReplicaMessage, to: ReplicaId): ReplicaMessage[] => {
    switch (message.kind) {
      case "pre-prepare":
        return to === leftOut ? [] : [message];
      case "prepare":
        return to === chosen ? [message, { ...message, kind: "commit" }] : [];
      case "commit":
      case "decision":
        return to === chosen ? [message] : [];
      case "view-change":
        if (message.replica !== villain.self) return [message];
        return [villain.sign<ViewChange>({ ...message, prepared: [], prePrepared: [] })];
      default:
        return [message];
    }
  };
  const ticked = () => {
    heardTicks -= 1;
    if (heardTicks > 0 || chosen === undefined || !villain.prng.chance(0.05)) return [];
    const length = villain.prng.range(UNHEARD_MIN, UNHEARD_MAX);
    heardTicks = villain.hush(chosen, length);
    return [];
  };
  return { outgoing, ticked };
}

/** Votes in the name of others too, with its own signature (against AU5). */
export function borrowedNames(villain: Villain): Strategy {
  const outgoing = (message: ReplicaMessage): ReplicaMessage[] => {
    const isVote = message.kind === "view-change" || message.kind === "checkpoint";
    if (!isVote || message.replica !== villain.self) return [message];
    const replica = villain.prng.pick(villain.others());
    if (message.kind === "checkpoint") {
      const stateDigest = villain.randomDigest();
      return [message, villain.sign<Checkpoint>({ ...message, replica, stateDigest })];
    }
    const hidden = { ...message, replica, prepared: [], prePrepared: [] };
    return [message, villain.sign<ViewChange>(hidden)];
  };
  return { outgoing };
}

/**
 * Hands out client tables that end too early, and pages with another last byte (against pieces of
 * state that no digest covers, ST1, ST2).
 */
export function falsePieces(): Strategy {
  const headerBytes = DIGEST_BYTES + 4;
  return {
    outgoing: (message) => {
      if (message.kind !== "state-data") return [message];
      const { data, part } = message;
      if (part === StatePart.page) return [{ ...message, data: withOtherEnd(data) }];
      if (part !== StatePart.summary || data.length < headerBytes + DIGEST_BYTES) return [message];
      return [{ ...message, data: data.slice(0, -DIGEST_BYTES) }];
    },
  };
}

function withOtherEnd(data: Uint8Array): Uint8Array {
  const other = data.slice();
  const last = other.length - 1;
  if (last >= 0) other[last] = (other[last] ?? 0) ^ 1;
  return other;
}

/** States kept of the past. */
const OLD_STATES_MAX = 2;

/**
 * Lets one replica execute first, by giving its COMMIT to it alone, and answers reads from the
 * state of some batches ago, as those that lag do (3.2).
 */
export function oldReads(villain: Villain): Strategy {
  const states: (readonly AccountRow[])[] = [];
  const [first] = villain.victims(1);
  return {
    outgoing: (message, to) => (message.kind === "commit" && to !== first ? [] : [message]),
    executing: (ledger) => {
      states.push(ledger.accountRows());
      if (states.length > OLD_STATES_MAX) states.shift();
    },
    read: (client, bundle) => {
      const accounts = villain.prng.chance(0.5) ? states[0] : states.at(-1);
      if (accounts === undefined) return null;
      const ledger = new Ledger({ hasher: villain.hasher, clients: villain.roles, accounts });
      const writer = new BundleWriter();
      ledger.query(client, new BundleReader(bundle), writer);
      return writer.finish();
    },
  };
}
